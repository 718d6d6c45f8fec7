// The whole driver but for Kafka: when orchestrator, broker or other drivers are lost.
#include "tests/driver/driver_process_fixture.h"

namespace loadtest {
namespace {

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class DriverProcessLossTest : public DriverProcessTest {
 protected:
  // 1,000/s for that long, in two slots of which this driver has the first.
  v1::Trigger HalfOfARate(int64_t duration_ns) {
    v1::LoadTestSpec spec;
    spec.mutable_rate()->set_requests_per_second(1000);
    *spec.mutable_duration() = ToDuration(duration_ns);
    v1::Trigger trigger = MakeStarted("t", UrlOf(server_), spec);
    trigger.mutable_started()->mutable_assignments(0)->set_slots(2);
    return trigger;
  }

  v1::Trigger Adjusted(int64_t first, int64_t stride) {
    v1::Trigger trigger;
    trigger.set_test_id("t");
    v1::DriverShares& mine = *trigger.mutable_adjusted()->add_shares();
    mine.set_driver_id("a1");
    mine.set_incarnation(7);
    AddShare(mine, 0, 2);
    AddShare(mine, first, stride);
    return trigger;
  }

  static void AddShare(v1::DriverShares& shares, int64_t first, int64_t stride) {
    v1::Share& share = *shares.add_shares();
    share.set_first(first);
    share.set_stride(stride);
  }

  void Tell(const v1::Trigger& trigger) { Publish("t", "Trigger", trigger.SerializeAsString()); }

  LoopbackServer server_{[](int) { return LoopbackServer::Reply{.bytes = kOk}; }};
};

TEST_F(DriverProcessLossTest, ATestEndsAtItsLeaseAndItsLastReportComesWhenTheBrokerIsBack) {
  lease_ns_ = 400 * kNanosPerMilli;
  StartDriver();
  StartTest("t", UrlOf(server_), Avalanche(1'000'000'000));
  ASSERT_TRUE(Await([this] { return reports_.size() > 1; }));
  broker_.SetConnected(false);
  // Silent when it has ended: nothing new in a fifth of a second.
  int64_t before = -1;
  ASSERT_TRUE(Await([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return std::exchange(before, server_.requests()) == server_.requests();
  }));
  EXPECT_FALSE(HasFinalReport());
  broker_.SetConnected(true);
  ASSERT_TRUE(Await([this] { return HasFinalReport(); }));
  EXPECT_EQ(reports_.back().end_reason(), v1::MetricsReport::LEASE_EXPIRED);
  EXPECT_EQ(reports_.back().error(), "lease: no sign of life of the orchestrator for 400ms");
  EXPECT_EQ(Sum().counts().sent(), server_.requests());
  EXPECT_EQ(reports_.back().sequence(), static_cast<int64_t>(reports_.size()));
  // And it is ready for the next one.
  lease_ns_ = 0;
  StartTest("u", UrlOf(server_), Avalanche(10));
  ASSERT_TRUE(Await([this] { return HasFinalReport() && reports_.back().test_id() == "u"; }));
}

TEST_F(DriverProcessLossTest, AShareOfALostDriverIsTakenOverFromItsBegin) {
  StartDriver();
  Tell(HalfOfARate(kNanosPerSecond));
  ASSERT_TRUE(Await([this] { return HasState(v1::DriverHeartbeat::RUNNING); }));
  Tell(Adjusted(1, 2));
  ASSERT_TRUE(Await([this] { return HasFinalReport(); }));
  EXPECT_EQ(Sum().counts().sent(), 1000);
  EXPECT_EQ(server_.requests(), 1000);
  EXPECT_EQ(ArmError(), "");
}

TEST_F(DriverProcessLossTest, ANewLifeJoinsATestThatRuns) {
  StartDriver();
  const v1::Trigger started = HalfOfARate(1200 * kNanosPerMilli);
  v1::Trigger joined = Adjusted(1, 4);
  *joined.mutable_adjusted()->mutable_started() = started.started();
  // Half a second ago.
  joined.mutable_adjusted()->mutable_started()->set_start_time_ns(clock_.WallNow().ns -
                                                                  500 * kNanosPerMilli);
  for (v1::Share& share : *joined.mutable_adjusted()->mutable_shares(0)->mutable_shares()) {
    share.set_from_offset_ns(700 * kNanosPerMilli);
  }
  *joined.mutable_adjusted()->add_joined() = started.started().assignments(0);
  Tell(joined);
  ASSERT_TRUE(Await([this] { return HasFinalReport(); }));
  // Three quarters of 1,000/s for half a second.
  EXPECT_EQ(Sum().counts().sent(), 375);
  EXPECT_EQ(reports_.front().start_offset_ns(), 700 * kNanosPerMilli);
  EXPECT_GE(reports_.back().first_send_offset_ns(), 700 * kNanosPerMilli);
  EXPECT_EQ(reports_.back().end_reason(), v1::MetricsReport::PLAN_DONE);
}

TEST_F(DriverProcessLossTest, SharesThatComeAfterTheEndAreRefused) {
  StartDriver();
  Tell(HalfOfARate(100 * kNanosPerMilli));
  ASSERT_TRUE(Await([this] { return HasFinalReport(); }));
  Tell(Adjusted(1, 2));
  ASSERT_TRUE(Await([this] { return !ArmError().empty(); }));
  EXPECT_EQ(ArmError(), "t: shares: its part of this test has ended");
}

}  // namespace
}  // namespace loadtest
