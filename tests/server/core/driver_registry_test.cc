#include "server/core/driver_registry.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

Moment At(int64_t seconds) { return {{seconds * kNanosPerSecond}, {seconds * kNanosPerSecond}}; }

v1::DriverRegistration Registration(const std::string& id, int64_t incarnation) {
  v1::DriverRegistration m;
  m.set_driver_id(id);
  m.set_incarnation(incarnation);
  return m;
}

v1::DriverHeartbeat Heartbeat(const std::string& id, int64_t incarnation, int64_t sequence,
                              v1::DriverHeartbeat::State state) {
  v1::DriverHeartbeat m;
  m.set_driver_id(id);
  m.set_incarnation(incarnation);
  m.set_sequence(sequence);
  m.set_state(state);
  return m;
}

class DriverRegistryTest : public testing::Test {
 protected:
  DriverRegistry registry_{3 * kNanosPerSecond, 600 * kNanosPerSecond};
};

TEST_F(DriverRegistryTest, ListsADriverFromItsFirstHeartbeatOn) {
  registry_.OnRegistration(At(0), Registration("a", 1));
  EXPECT_TRUE(registry_.Listed(At(0)).empty());
  registry_.OnHeartbeat(At(0), Heartbeat("a", 1, 1, v1::DriverHeartbeat::IDLE));
  EXPECT_EQ(registry_.Listed(At(0)).size(), 1u);
  EXPECT_EQ(registry_.Idle(At(0)).size(), 1u);
}

TEST_F(DriverRegistryTest, LosesADriverAfterThreeSilentSecondsAndForgetsItLater) {
  registry_.OnRegistration(At(0), Registration("a", 1));
  registry_.OnHeartbeat(At(0), Heartbeat("a", 1, 1, v1::DriverHeartbeat::IDLE));
  EXPECT_TRUE(registry_.IsLive(At(3), "a", 1));
  EXPECT_FALSE(registry_.IsLive(At(4), "a", 1));
  EXPECT_EQ(registry_.Listed(At(4)).size(), 1u);
  EXPECT_TRUE(registry_.Listed(At(604)).empty());
}

TEST_F(DriverRegistryTest, IgnoresHeartbeatsOfAnOlderLifeAndOldOnes) {
  registry_.OnRegistration(At(0), Registration("a", 2));
  EXPECT_FALSE(registry_.OnHeartbeat(At(0), Heartbeat("a", 1, 9, v1::DriverHeartbeat::IDLE)));
  EXPECT_TRUE(registry_.OnHeartbeat(At(0), Heartbeat("a", 2, 5, v1::DriverHeartbeat::IDLE)));
  EXPECT_FALSE(registry_.OnHeartbeat(At(0), Heartbeat("a", 2, 5, v1::DriverHeartbeat::RUNNING)));
  EXPECT_FALSE(registry_.OnRegistration(At(0), Registration("a", 1)));
}

TEST_F(DriverRegistryTest, TakesAHeartbeatThatComesBeforeItsRegistration) {
  registry_.OnHeartbeat(At(0), Heartbeat("a", 1, 1, v1::DriverHeartbeat::IDLE));
  EXPECT_TRUE(registry_.Idle(At(0)).empty()) << "its address is not known yet";
  registry_.OnRegistration(At(0), Registration("a", 1));
  EXPECT_EQ(registry_.Idle(At(0)).size(), 1u);
}

TEST_F(DriverRegistryTest, DropsADriverThatLeaves) {
  registry_.OnRegistration(At(0), Registration("a", 1));
  registry_.OnHeartbeat(At(0), Heartbeat("a", 1, 1, v1::DriverHeartbeat::IDLE));
  registry_.OnHeartbeat(At(0), Heartbeat("a", 1, 2, v1::DriverHeartbeat::LEAVING));
  EXPECT_TRUE(registry_.Listed(At(0)).empty());
  EXPECT_FALSE(registry_.IsLive(At(0), "a", 1));
}

TEST_F(DriverRegistryTest, ANewLifeEndsTheOldOne) {
  registry_.OnRegistration(At(0), Registration("a", 1));
  registry_.OnHeartbeat(At(0), Heartbeat("a", 1, 1, v1::DriverHeartbeat::RUNNING));
  registry_.OnRegistration(At(1), Registration("a", 2));
  EXPECT_FALSE(registry_.IsLive(At(1), "a", 1));
  registry_.OnHeartbeat(At(1), Heartbeat("a", 2, 1, v1::DriverHeartbeat::IDLE));
  EXPECT_TRUE(registry_.IsLive(At(1), "a", 2));
}

TEST_F(DriverRegistryTest, TellsAProcessWithTheSameIdFromALateHeartbeat) {
  constexpr int64_t kNewLife = 1'000'000;
  registry_.OnRegistration(At(0), Registration("a", 1));
  registry_.OnRegistration(At(1), Registration("a", kNewLife));
  v1::DriverHeartbeat old = Heartbeat("a", 1, 5, v1::DriverHeartbeat::RUNNING);
  old.set_wall_time_ns(kNewLife - 1);
  EXPECT_FALSE(registry_.OnHeartbeat(At(1), old));
  EXPECT_FALSE(registry_.IsDoubleLife(old)) << "written before the new life began";
  old.set_wall_time_ns(kNewLife + 1);
  EXPECT_TRUE(registry_.IsDoubleLife(old));
  EXPECT_FALSE(registry_.IsDoubleLife(old)) << "once is enough";
}

TEST_F(DriverRegistryTest, KnowsTheClockOfALifeFromItsHeartbeats) {
  registry_.OnRegistration(At(0), Registration("a", 1));
  v1::DriverHeartbeat heartbeat = Heartbeat("a", 1, 1, v1::DriverHeartbeat::IDLE);
  heartbeat.set_alive_send_time_ns(1'000);
  heartbeat.set_alive_read_time_ns(5'100);
  heartbeat.set_wall_time_ns(5'300);
  registry_.OnHeartbeat(At(0), heartbeat);
  registry_.AddClockSample({{0}, {1'400}}, heartbeat);
  EXPECT_EQ(registry_.Find("a")->clock.Get()->offset_ns, 4'000);
  EXPECT_EQ(registry_.Find("a")->clock.Get()->error_ns, 100);
  registry_.OnRegistration(At(1), Registration("a", 2));
  EXPECT_FALSE(registry_.Find("a")->clock.Get().has_value())
      << "another life, perhaps another host";
}

}  // namespace
}  // namespace loadtest
