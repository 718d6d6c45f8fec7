// Poisson arrivals as a plan sends them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "driver/engine/send_plan.h"

namespace loadtest {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNano = 1'000'000'000;  // rates are in 10^-9 requests per second

struct Shape {
  uint64_t seed = 1;
  int64_t slot = 0;
  int64_t share = 1;
};

SendPlan Arrivals(const Schedule& schedule, SendPlan::Limits limits, Shape shape = {}) {
  return SendPlan::Poisson(schedule, shape.seed, Slot(shape.slot, shape.share), limits);
}

std::vector<int64_t> TimesOf(const SendPlan& plan) {
  std::vector<int64_t> times;
  for (DueCursor at(plan); !at.at_end(); at.Advance()) times.push_back(at.due_ns());
  return times;
}

// Variance by mean of the counts in windows of this length: 1 for a Poisson process.
double DispersionOf(const std::vector<int64_t>& times, int64_t window_ns, int64_t end_ns) {
  std::vector<double> counts(static_cast<size_t>(end_ns / window_ns), 0);
  for (const int64_t time : times) ++counts[static_cast<size_t>(time / window_ns)];
  double mean = 0;
  for (const double count : counts) mean += count / static_cast<double>(counts.size());
  double variance = 0;
  for (const double count : counts) {
    variance += (count - mean) * (count - mean) / static_cast<double>(counts.size() - 1);
  }
  return variance / mean;
}

// Largest distance of the distribution of gaps from the exponential one (Kolmogorov-Smirnov).
double DistanceFromExponential(std::vector<double> gaps, double mean) {
  std::sort(gaps.begin(), gaps.end());
  double distance = 0;
  for (size_t i = 0; i < gaps.size(); ++i) {
    const double wanted = 1 - std::exp(-gaps[i] / mean);
    const double n = static_cast<double>(gaps.size());
    distance = std::max({distance, std::abs(wanted - static_cast<double>(i) / n),
                         std::abs(wanted - static_cast<double>(i + 1) / n)});
  }
  return distance;
}

TEST(PoissonArrivalsTest, CountsInWindowsHaveTheirMeanAsVariance) {
  // 10^5 requests at 1,000/s in 10^4 windows of 10 ms.
  const std::vector<int64_t> times =
      TimesOf(Arrivals(Schedule::AtRate(1'000 * kNano), {.duration_ns = 100 * kSecond}));
  EXPECT_NEAR(static_cast<double>(times.size()), 100'000, 4 * std::sqrt(100'000));
  EXPECT_NEAR(DispersionOf(times, 10'000'000, 100 * kSecond), 1, 0.1);
  EXPECT_NEAR(DispersionOf(times, 100'000'000, 100 * kSecond), 1, 0.2);
}

TEST(PoissonArrivalsTest, GapsAreExponential) {
  const std::vector<int64_t> times =
      TimesOf(Arrivals(Schedule::EveryDelay(1'000'000), {.requests = 100'000}));
  ASSERT_EQ(times.size(), 100'000u);
  std::vector<double> gaps;
  for (size_t i = 0; i < times.size(); ++i)
    gaps.push_back(static_cast<double>(times[i] - (i == 0 ? 0 : times[i - 1])));
  // The bound that a true sample exceeds once in a thousand times is 1.95 / sqrt(n).
  EXPECT_LT(DistanceFromExponential(gaps, 1e6), 1.95 / std::sqrt(100'000));
}

TEST(PoissonArrivalsTest, DriversTogetherMakeTheFleetsRateAndAreAPoissonProcess) {
  std::vector<int64_t> times;
  for (int slot = 0; slot < 3; ++slot) {
    const std::vector<int64_t> own = TimesOf(Arrivals(
        Schedule::AtRate(900 * kNano), {.duration_ns = 100 * kSecond}, {.slot = slot, .share = 3}));
    EXPECT_NEAR(static_cast<double>(own.size()), 30'000, 4 * std::sqrt(30'000)) << slot;
    times.insert(times.end(), own.begin(), own.end());
  }
  EXPECT_NEAR(DispersionOf(times, 10'000'000, 100 * kSecond), 1, 0.1);
}

TEST(PoissonArrivalsTest, TheRateOfStagesIsKeptOnAverage) {
  // 0 to 1,000/s in 100 s: a quarter of all in the first half.
  const Schedule ramp = Schedule::InStages(
      RateStages({{.from = 0, .to = 1'000 * kNano, .duration_ns = 100 * kSecond}}));
  const std::vector<int64_t> times = TimesOf(Arrivals(ramp, {.duration_ns = 100 * kSecond}));
  EXPECT_NEAR(static_cast<double>(times.size()), 50'000, 4 * std::sqrt(50'000));
  const auto half = std::lower_bound(times.begin(), times.end(), 50 * kSecond);
  EXPECT_NEAR(static_cast<double>(half - times.begin()), 12'500, 4 * std::sqrt(12'500));
}

TEST(PoissonArrivalsTest, AnEndOfTheStagesEndsThePlan) {
  const Schedule steps = Schedule::InStages(
      RateStages({{.from = 10 * kNano, .to = 10 * kNano, .duration_ns = kSecond}}));
  const std::vector<int64_t> times = TimesOf(Arrivals(steps, {.requests = 1'000'000}));
  EXPECT_LT(times.size(), 40u);
  EXPECT_LT(times.back(), kSecond);
}

TEST(PoissonArrivalsTest, TheSameSeedGivesTheSameTimes) {
  const Schedule schedule = Schedule::AtRate(100 * kNano);
  const auto times = [&schedule](Shape shape) {
    return TimesOf(Arrivals(schedule, {.requests = 100}, shape));
  };
  EXPECT_EQ(times({.seed = 7, .slot = 1}), times({.seed = 7, .slot = 1}));
  EXPECT_NE(times({.seed = 7, .slot = 1}), times({.seed = 7, .slot = 2}));
  EXPECT_NE(times({.seed = 7, .slot = 1}), times({.seed = 8, .slot = 1}));
}

TEST(PoissonArrivalsTest, TheTimesOfASeedStayTheSameFromVersionToVersion) {
  const std::vector<int64_t> times =
      TimesOf(Arrivals(Schedule::EveryDelay(1'000'000), {.requests = 4}, {.seed = 42}));
  EXPECT_EQ(times, (std::vector<int64_t>{1876442, 2545522, 3091072, 4314150}));
}

TEST(PoissonArrivalsTest, CursorsAgreeAfterAMillionSteps) {
  const SendPlan plan = Arrivals(Schedule::AtRate(50'000 * kNano), {.requests = 2'000'000});
  DueCursor by_steps(plan);
  for (int i = 0; i < 1'000'000; ++i) by_steps.Advance();
  DueCursor by_time(plan);
  by_time.SkipDue(by_steps.due_ns() - 1);
  DueCursor by_number(plan);
  by_number.Skip(1'000'000);
  EXPECT_EQ(by_time.n(), 1'000'000);
  EXPECT_EQ(by_time.due_ns(), by_steps.due_ns());
  EXPECT_EQ(by_number.due_ns(), by_steps.due_ns());
  by_time.Advance();
  by_steps.Advance();
  EXPECT_EQ(by_time.due_ns(), by_steps.due_ns());
}

TEST(PoissonArrivalsTest, ANumberOfRequestsCountsFromTheEndOfTheWarmUp) {
  const SendPlan plan =
      Arrivals(Schedule::AtRate(1'000 * kNano), {.requests = 500, .warmup_ns = kSecond});
  const std::vector<int64_t> times = TimesOf(plan);
  const auto measured = std::lower_bound(times.begin(), times.end(), kSecond);
  EXPECT_EQ(times.end() - measured, 500);
  EXPECT_NEAR(static_cast<double>(measured - times.begin()), 1'000, 4 * std::sqrt(1'000));
}

TEST(PoissonArrivalsTest, TheDurationEndsItWhenItComesFirst) {
  const SendPlan plan =
      Arrivals(Schedule::AtRate(1'000 * kNano),
               {.requests = 1'000'000, .duration_ns = kSecond, .warmup_ns = kSecond});
  EXPECT_LT(TimesOf(plan).back(), 2 * kSecond);
  DueCursor at(plan);
  at.SkipDue(10 * kSecond);
  EXPECT_TRUE(at.at_end());
  EXPECT_EQ(at.due_ns(), kNeverNs);
  EXPECT_EQ(at.n(), static_cast<int64_t>(TimesOf(plan).size()));
}

}  // namespace
}  // namespace loadtest
