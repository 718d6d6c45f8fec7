#include "server/api/watch_subscription.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/server/api/api_samples.h"
#include "tests/server/api/fake_control_plane.h"

namespace loadtest {
namespace {

v1::WatchLoadTestRequest WatchOf(const std::string& name) {
  v1::WatchLoadTestRequest request;
  request.set_name(name);
  return request;
}

TEST(WatchSubscriptionTest, UpdatesFillTheMailboxAndWake) {
  FakeControlPlane fake;
  fake.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
  std::atomic<int> wakes = 0;
  WatchSubscription subscription(fake, WatchOf("loadTests/a"), [&] { ++wakes; });
  EXPECT_EQ(wakes, 1);
  subscription.Take();
  fake.Publish("loadTests/a", SampleUpdate(0.25));
  EXPECT_EQ(wakes, 2);
  EXPECT_EQ(std::get<UpdateMailbox::Update>(*subscription.Take())->progress(), 0.25);
}

TEST(WatchSubscriptionTest, UnknownTestEndsTheWatchAtOnce) {
  FakeControlPlane fake;
  WatchSubscription subscription(fake, WatchOf("loadTests/none"), [] {});
  EXPECT_EQ(std::get<UpdateMailbox::Ended>(*subscription.Take()).status.code(),
            absl::StatusCode::kNotFound);
}

TEST(WatchSubscriptionTest, DestroyingItEndsTheControlPlanesWatch) {
  FakeControlPlane fake;
  fake.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
  {
    WatchSubscription subscription(fake, WatchOf("loadTests/a"), [] {});
    EXPECT_EQ(fake.open_watches(), 1);
  }
  EXPECT_EQ(fake.open_watches(), 0);
}

TEST(WatchSubscriptionTest, DoorsOwnEndIsTakenAfterWhatWaits) {
  FakeControlPlane fake;
  fake.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
  WatchSubscription subscription(fake, WatchOf("loadTests/a"), [] {});
  subscription.End(absl::UnavailableError(kStopping));
  EXPECT_TRUE(std::holds_alternative<UpdateMailbox::Update>(*subscription.Take()));
  EXPECT_EQ(std::get<UpdateMailbox::Ended>(*subscription.Take()).status,
            absl::UnavailableError("orchestrator is stopping"));
}

}  // namespace
}  // namespace loadtest
