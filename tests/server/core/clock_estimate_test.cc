#include "server/core/clock_estimate.h"

#include <gtest/gtest.h>

#include <random>

namespace loadtest {
namespace {

constexpr int64_t kMilli = 1'000'000;

// A sign of life that leaves at `sent`, takes `there`, and is answered `wait` later; the answer
// takes `back`. The driver's clock is `offset` ahead.
ClockEstimate::Times Exchange(int64_t sent, int64_t there, int64_t wait, int64_t back,
                              int64_t offset) {
  return {.sent = sent,
          .received = sent + there + offset,
          .answered = sent + there + wait + offset,
          .returned = sent + there + wait + back};
}

TEST(ClockEstimateTest, KnowsNothingBeforeTheFirstSample) {
  EXPECT_FALSE(ClockEstimate().Get().has_value());
}

TEST(ClockEstimateTest, FindsTheOffsetWhenBothWaysAreAlike) {
  ClockEstimate estimate;
  estimate.Add(Exchange(1'000 * kMilli, 2 * kMilli, 500 * kMilli, 2 * kMilli, 70 * kMilli));
  EXPECT_EQ(estimate.Get()->offset_ns, 70 * kMilli);
  EXPECT_EQ(estimate.Get()->error_ns, 2 * kMilli) << "half of the 4 ms on the way";
}

TEST(ClockEstimateTest, BelievesTheSampleWithTheSmallestDelay) {
  ClockEstimate estimate;
  estimate.Add(Exchange(0, 40 * kMilli, kMilli, 2 * kMilli, -5 * kMilli));
  estimate.Add(Exchange(1'000 * kMilli, kMilli, kMilli, kMilli, -5 * kMilli));
  estimate.Add(Exchange(2'000 * kMilli, 2 * kMilli, kMilli, 90 * kMilli, -5 * kMilli));
  EXPECT_EQ(estimate.Get()->offset_ns, -5 * kMilli);
  EXPECT_EQ(estimate.Get()->error_ns, kMilli);
}

TEST(ClockEstimateTest, ForgetsAllButTheNewestSixteen) {
  ClockEstimate estimate;
  estimate.Add(Exchange(0, 0, 0, 0, 500 * kMilli));
  for (int i = 1; i <= 16; ++i) estimate.Add(Exchange(i * kMilli, kMilli, 0, kMilli, 20 * kMilli));
  EXPECT_EQ(estimate.Get()->offset_ns, 20 * kMilli) << "the clock was set meanwhile";
}

TEST(ClockEstimateTest, LeavesOutTimesThatContradictEachOther) {
  ClockEstimate estimate;
  estimate.Add({.sent = 100, .received = 0, .answered = 0, .returned = 50});  // back before it left
  estimate.Add(
      {.sent = 0, .received = 100, .answered = 50, .returned = 200});  // answered before read
  estimate.Add({.sent = 0, .received = 0, .answered = 500, .returned = 200});  // a negative delay
  EXPECT_FALSE(estimate.Get().has_value());
}

TEST(ClockEstimateTest, IsNeverFurtherOffThanItsErrorWhateverTheWaysTake) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 1'000; ++round) {
    const int64_t offset = static_cast<int64_t>(random() % 2'000'000'000) - 1'000'000'000;
    ClockEstimate estimate;
    for (int i = 0; i < 40; ++i) {
      estimate.Add(Exchange(i * 1'000 * kMilli + 2'000'000'000,
                            static_cast<int64_t>(random() % (50 * kMilli)),
                            static_cast<int64_t>(random() % (900 * kMilli)),
                            static_cast<int64_t>(random() % (50 * kMilli)), offset));
    }
    const ClockEstimate::Offset found = *estimate.Get();
    EXPECT_LE(std::abs(found.offset_ns - offset), found.error_ns) << "round " << round;
  }
}

}  // namespace
}  // namespace loadtest
