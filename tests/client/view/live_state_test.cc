#include "client/view/live_state.h"

#include <gtest/gtest.h>

#include "client/sample_messages.h"

namespace loadtest {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

v1::LoadTestUpdate IntervalAt(int64_t start_ns, int64_t end_ns, int64_t sent) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.mutable_interval()->set_start_offset_ns(start_ns);
  update.mutable_interval()->set_end_offset_ns(end_ns);
  update.mutable_interval()->mutable_counts()->set_sent(sent);
  return update;
}

TEST(LiveState, AnIntervalThatIsToldTwiceIsInTheHistoryOnce) {
  LiveState state;
  state.Apply(IntervalAt(0, kSecond, 600));
  state.Apply(IntervalAt(0, kSecond, 600));
  state.Apply(IntervalAt(kSecond, 2 * kSecond, 500));
  ASSERT_EQ(state.history().size(), 2u);
  EXPECT_EQ(state.history()[1].sent_per_second, 500);
  EXPECT_EQ(state.history()[1].p99_ns, 4'560'000);
}

TEST(LiveState, AnIntervalOfAFewMillisecondsHasNoRate) {
  LiveState state;
  state.Apply(IntervalAt(0, kSecond, 600));
  state.Apply(IntervalAt(kSecond, kSecond + 3'000'000, 2));
  EXPECT_EQ(state.history().size(), 1u);
  EXPECT_EQ(state.interval().end_offset_ns(), kSecond);
}

TEST(LiveState, TheHistoryOfALongTestIsPutTogether) {
  LiveState state;
  for (int64_t i = 0; i < 10'000; ++i) {
    v1::LoadTestUpdate update = IntervalAt(i * kSecond, (i + 1) * kSecond, i % 2 == 0 ? 100 : 300);
    if (i == 5'001) update.mutable_interval()->mutable_response_time()->set_p99_ns(77'000'000);
    state.Apply(update);
  }
  EXPECT_LE(state.history().size(), 4'096u);
  EXPECT_EQ(state.history().front().start_ns, 0);
  EXPECT_EQ(state.history().front().sent_per_second, 200);
  EXPECT_EQ(state.history().back().end_ns, 10'000 * kSecond);
  int64_t largest = 0;
  for (const HistoryPoint& point : state.history()) largest = std::max(largest, point.p99_ns);
  EXPECT_EQ(largest, 77'000'000);
}

TEST(LiveState, OfManyEventsTheNewestAreKept) {
  LiveState state;
  v1::LoadTestUpdate update = SampleUpdate();
  for (int i = 0; i < 100; ++i) update.add_events()->set_message(std::to_string(i));
  state.Apply(update);
  EXPECT_EQ(state.events().size(), 64u);
  EXPECT_EQ(state.events().back().message(), "99");
}

TEST(WantedPerSecond, AClosedLoopWantsNone) {
  v1::LoadTestSpec spec;
  spec.mutable_avalanche();
  EXPECT_EQ(WantedPerSecond(spec, 3, 0), -1);
}

TEST(WantedPerSecond, IsThatOfAllDriversTogether) {
  v1::LoadTestSpec spec;
  spec.mutable_tsunami()->mutable_delay()->set_nanos(5'000'000);
  EXPECT_EQ(WantedPerSecond(spec, 3, 0), 600);
  spec.mutable_rate()->set_requests_per_second(500);
  EXPECT_EQ(WantedPerSecond(spec, 3, 0), 500);
}

TEST(WantedPerSecond, FollowsTheStagesAfterTheWarmup) {
  v1::LoadTestSpec spec;
  spec.mutable_warmup()->set_seconds(5);
  v1::Stage& ramp = *spec.mutable_stages()->add_stages();
  ramp.set_to(100);
  ramp.mutable_duration()->set_seconds(10);
  v1::Stage& plateau = *spec.mutable_stages()->add_stages();
  plateau.set_from(40);
  plateau.set_to(40);
  plateau.mutable_duration()->set_seconds(10);
  EXPECT_EQ(WantedPerSecond(spec, 2, 2 * kSecond), 100) << "the first rate that is not 0";
  EXPECT_EQ(WantedPerSecond(spec, 2, 5 * kSecond), 0);
  EXPECT_EQ(WantedPerSecond(spec, 2, 10 * kSecond), 50);
  EXPECT_EQ(WantedPerSecond(spec, 2, 16 * kSecond), 40);
  EXPECT_EQ(WantedPerSecond(spec, 2, 26 * kSecond), 0);
}

}  // namespace
}  // namespace loadtest
