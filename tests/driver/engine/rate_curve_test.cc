#include "driver/engine/rate_curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "common/base/time.h"
#include "driver/engine/send_plan.h"

namespace loadtest {
namespace {

constexpr int64_t kSecond = kNanosPerSecond;
using Stages = std::vector<RateCurve::Stage>;

TEST(RateCurveTest, AConstantStageIsEven) {
  const RateCurve curve(Stages{{.from = 200, .to = 200, .duration_ns = 2 * kSecond}});
  EXPECT_EQ(curve.TimeOf(0), 0);
  EXPECT_EQ(curve.TimeOf(1), 5'000'000);
  EXPECT_EQ(curve.TimeOf(399), 1'995'000'000);
  EXPECT_EQ(curve.CountBefore(2 * kSecond), 400);
}

TEST(RateCurveTest, ARampFromZeroSendsItsFirstRequestAtTheStart) {
  // n = 50 t^2, so that t = sqrt(n / 50): half of the requests are due in the last 29 %.
  const RateCurve curve(Stages{{.from = 0, .to = 1000, .duration_ns = 10 * kSecond}});
  EXPECT_EQ(curve.TimeOf(0), 0);
  EXPECT_EQ(curve.TimeOf(50), kSecond);
  EXPECT_EQ(curve.TimeOf(200), 2 * kSecond);
  EXPECT_EQ(curve.TimeOf(1250), 5 * kSecond);
  EXPECT_EQ(curve.CountBefore(10 * kSecond), 5000);
}

TEST(RateCurveTest, ARampToZeroIsTheMirrorImage) {
  const RateCurve curve(Stages{{.from = 1000, .to = 0, .duration_ns = 10 * kSecond}});
  // 5000 - 50 (10 - t)^2
  EXPECT_EQ(curve.TimeOf(3750), 5 * kSecond);
  EXPECT_EQ(curve.TimeOf(4950), 9 * kSecond);
  EXPECT_EQ(curve.CountBefore(10 * kSecond), 5000);
}

TEST(RateCurveTest, NothingIsDueInAPause) {
  const RateCurve curve(Stages{{.from = 10, .to = 10, .duration_ns = kSecond},
                               {.from = 0, .to = 0, .duration_ns = 5 * kSecond},
                               {.from = 10, .to = 10, .duration_ns = kSecond}});
  EXPECT_EQ(curve.TimeOf(9), 900'000'000);
  EXPECT_EQ(curve.TimeOf(10), 6 * kSecond);
  EXPECT_EQ(curve.CountBefore(kSecond), 10);
  EXPECT_EQ(curve.CountBefore(6 * kSecond), 10);
  EXPECT_EQ(curve.CountBefore(7 * kSecond), 20);
}

TEST(RateCurveTest, AWeekIsExactToTheNanosecond) {
  const int64_t week = 7 * 24 * 3600 * kSecond;
  const RateCurve curve(Stages{{.from = 1'000'000, .to = 1'000'000, .duration_ns = week}});
  EXPECT_EQ(curve.TimeOf(604'799'999'999), week - 1000);
  EXPECT_EQ(curve.CountBefore(week), 604'800'000'000);
}

TEST(RateCurveTest, CountAgreesWithTimeForCurvesOfAnyShape) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> rate(0, 5000);
  std::uniform_int_distribution<int64_t> length(1'000'000, 3 * kSecond);
  for (int round = 0; round < 50; ++round) {
    Stages stages;
    for (int i = 0; i < 5; ++i) {
      const bool pause = random() % 5 == 0;
      stages.push_back({.from = pause ? 0 : rate(random),
                        .to = pause ? 0 : rate(random),
                        .duration_ns = length(random)});
    }
    const RateCurve curve(stages);
    const int64_t count = curve.CountBefore(curve.duration_ns());
    int64_t previous = -1;
    for (int64_t n = 0; n < count; n += 1 + n / 50) {
      const int64_t due = curve.TimeOf(static_cast<long double>(n));
      ASSERT_GE(due, previous);
      ASSERT_LE(curve.CountBefore(due), n);
      ASSERT_GT(curve.CountBefore(due + 1), n);
      previous = due;
    }
  }
}

// The rate itself, added up in small steps, is the independent truth.
TEST(RateCurveTest, CountIsTheSumOfTheRate) {
  const Stages stages{{.from = 100, .to = 900, .duration_ns = kSecond},
                      {.from = 300, .to = 300, .duration_ns = kSecond / 2},
                      {.from = 900, .to = 0, .duration_ns = 2 * kSecond}};
  const RateCurve curve(stages);
  double sum = 0;
  int64_t begin = 0;
  for (const RateCurve::Stage& stage : stages) {
    constexpr int kSteps = 100'000;
    for (int step = 0; step < kSteps; ++step) {
      const double share = (step + 0.5) / kSteps;
      sum += (stage.from + (stage.to - stage.from) * share) *
             static_cast<double>(stage.duration_ns) / 1e9 / kSteps;
      if (step % 1000 != 999) continue;
      const int64_t at = begin + stage.duration_ns / kSteps * (step + 1);
      ASSERT_NEAR(static_cast<double>(curve.CountBefore(at)), sum, 1.001);
    }
    begin += stage.duration_ns;
  }
}

SendPlan PoissonPlan(uint64_t seed, int64_t stream, SendPlan::Limits limits) {
  return SendPlan::OpenLoop(Schedule::AtRate(1000 * kSecond), Slot(0, 2), limits,
                            {.seed = seed, .stream = stream});
}

std::vector<int64_t> Dues(const SendPlan& plan) {
  std::vector<int64_t> dues;
  for (DueCursor cursor(plan); !cursor.at_end(); cursor.Advance()) dues.push_back(cursor.due_ns());
  return dues;
}

TEST(PoissonTest, TheSameSeedGivesTheSameTimesAndAnotherOneOthers) {
  const SendPlan::Limits limits = {.requests = 1000};
  EXPECT_EQ(Dues(PoissonPlan(7, 0, limits)), Dues(PoissonPlan(7, 0, limits)));
  EXPECT_NE(Dues(PoissonPlan(7, 0, limits)), Dues(PoissonPlan(8, 0, limits)));
  EXPECT_NE(Dues(PoissonPlan(7, 0, limits)), Dues(PoissonPlan(7, 1, limits)));
}

TEST(PoissonTest, GapsAreExponentialWithTheMeanOfTheSlot) {
  // Half of 1,000/s: 2 ms on average.
  const std::vector<int64_t> dues = Dues(PoissonPlan(1, 0, {.requests = 100'000}));
  ASSERT_EQ(dues.size(), 100'000u);
  EXPECT_NEAR(static_cast<double>(dues.back()) / 1e5, 2e6, 2e6 * 0.01);
  // The share of gaps longer than x is exp(-x / mean); Kolmogorov-Smirnov at 1 %: 1.63 / sqrt(n).
  for (const double x : {0.1, 0.5, 1.0, 2.0, 4.0}) {
    int longer = 0;
    for (size_t i = 1; i < dues.size(); ++i) {
      if (static_cast<double>(dues[i] - dues[i - 1]) > x * 2e6) ++longer;
    }
    EXPECT_NEAR(longer / 1e5, std::exp(-x), 1.63 / std::sqrt(1e5)) << x;
  }
}

TEST(PoissonTest, CountsInWindowsVaryAsMuchAsTheirMean) {
  const std::vector<int64_t> dues = Dues(PoissonPlan(3, 1, {.duration_ns = 200 * kSecond}));
  for (const int64_t window : {kSecond / 50, kSecond}) {
    std::vector<double> counts(200 * kSecond / window);
    for (const int64_t due : dues) ++counts[due / window];
    double mean = 0;
    for (const double count : counts) mean += count / static_cast<double>(counts.size());
    double variance = 0;
    for (const double count : counts) {
      variance += (count - mean) * (count - mean) / static_cast<double>(counts.size());
    }
    // Index of dispersion; with 200 windows its own standard deviation is 0.1.
    EXPECT_NEAR(variance / mean, 1, 0.3) << window;
  }
}

TEST(PoissonTest, FollowsACurve) {
  const RateCurve curve(Stages{{.from = 0, .to = 2000, .duration_ns = 100 * kSecond}});
  const std::vector<int64_t> dues =
      Dues(SendPlan::OpenLoop(curve, Slot(), {}, {.seed = 5, .stream = 0}));
  EXPECT_NEAR(static_cast<double>(dues.size()), 100'000, 4 * std::sqrt(1e5));
  int first_half = 0;
  for (const int64_t due : dues) first_half += due < 50 * kSecond ? 1 : 0;
  EXPECT_NEAR(first_half, 25'000, 4 * std::sqrt(25e3));
}

TEST(PoissonTest, NumberAndDurationBothEndIt) {
  EXPECT_EQ(Dues(PoissonPlan(1, 0, {.requests = 10, .duration_ns = 100 * kSecond})).size(), 10u);
  EXPECT_LT(Dues(PoissonPlan(1, 0, {.requests = 100'000, .duration_ns = kSecond})).size(), 700u);
}

TEST(PoissonTest, RequestsOfTheWarmUpDoNotCount) {
  const std::vector<int64_t> dues = Dues(PoissonPlan(1, 0, {.requests = 10, .warmup_ns = kSecond}));
  int measured = 0;
  for (const int64_t due : dues) measured += due >= kSecond ? 1 : 0;
  EXPECT_EQ(measured, 10);
  EXPECT_GT(dues.size(), 400u);
}

TEST(PoissonTest, SkippingToATimeIsTheSameAsWalkingThere) {
  const SendPlan plan = PoissonPlan(1, 0, {.duration_ns = 100 * kSecond});
  DueCursor walking(plan);
  while (walking.due_ns() <= 60 * kSecond) walking.Advance();
  DueCursor skipping(plan);
  skipping.SkipDue(60 * kSecond);
  EXPECT_EQ(skipping.n(), walking.n());
  EXPECT_EQ(skipping.due_ns(), walking.due_ns());
}

}  // namespace
}  // namespace loadtest
