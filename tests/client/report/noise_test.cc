#include "client/report/noise.h"

#include <gtest/gtest.h>

#include "client/report/quantile_noise.h"

namespace loadtest {
namespace {

// Values of printed tables (Hahn, Meeker, table A.8a).
TEST(StudentT, IsThatOfTheTables) {
  EXPECT_NEAR(StudentT(1), 63.657, 0.001);
  EXPECT_NEAR(StudentT(10), 3.169, 0.001);
  EXPECT_NEAR(StudentT(30), 2.750, 0.001);
  EXPECT_NEAR(StudentT(60), 2.660, 0.003);
  EXPECT_NEAR(StudentT(120), 2.617, 0.002);
}

TEST(OfMiddle, IsTheMedianOfTheMeansOfAllPairs) {
  // 1 and 9, and their mean 5; the others are 5.
  const Estimate middle = OfMiddle({1, 9, 5, 5, 5, 5, 5, 5});
  EXPECT_DOUBLE_EQ(middle.value, 5);
  EXPECT_DOUBLE_EQ(middle.low, 1);
  EXPECT_DOUBLE_EQ(middle.high, 9);
}

// Ten values: the sum of ranks 1 to 10 is 55, its deviation 9.81, so ranks 2 to 52 of 0 to 54.
TEST(OfMiddle, LeavesOutTheRanksThatWilcoxonsTestLeavesOut) {
  const Estimate middle = OfMiddle({4, 9, 2, 7, 1, 10, 3, 8, 5, 6});
  EXPECT_DOUBLE_EQ(middle.value, 5.5);
  EXPECT_DOUBLE_EQ(middle.low, 2);
  EXPECT_DOUBLE_EQ(middle.high, 9);
}

TEST(OfShift, AFewThatAreFarOutHardlyMoveIt) {
  const std::vector<double> before = {5, 3, 4, 3, 5, 4, 900, 4, 3, 5};
  const std::vector<double> after = {8, 6, 700, 7, 6, 8, 7, 6, 8, 7};
  const Estimate shift = OfShift(before, after);
  EXPECT_DOUBLE_EQ(shift.value, 3);
  EXPECT_GT(shift.low, 0);
  EXPECT_LT(shift.high, 10);
}

TEST(OfShift, IsNothingBetweenTheSame) {
  const std::vector<double> values = {5, 3, 4, 3, 5, 4, 4, 4, 3, 5};
  const Estimate shift = OfShift(values, values);
  EXPECT_DOUBLE_EQ(shift.value, 0);
  EXPECT_LE(shift.low, 0);
  EXPECT_GE(shift.high, 0);
}

v1::LatencySummary Summary(int64_t count, int64_t ns) {
  v1::LatencySummary summary;
  summary.set_count(count);
  summary.set_min_ns(ns);
  summary.set_p50_ns(2 * ns);
  summary.set_p90_ns(4 * ns);
  summary.set_p95_ns(5 * ns);
  summary.set_p99_ns(10 * ns);
  summary.set_p999_ns(40 * ns);
  summary.set_p9999_ns(40 * ns);
  summary.set_max_ns(40 * ns);
  return summary;
}

TEST(ShareAbove, IsThatOfThePercentilesAndBetweenThem) {
  const v1::LatencySummary summary = Summary(1'000, 1'000'000);
  EXPECT_DOUBLE_EQ(ShareAbove(summary, 500'000), 1);
  EXPECT_DOUBLE_EQ(ShareAbove(summary, 2'000'000), 0.5);
  EXPECT_DOUBLE_EQ(ShareAbove(summary, 10'000'000), 0.01);
  // Half of the way from 1 % at 10 ms to 0.1 % at 40 ms, both as logarithms.
  EXPECT_NEAR(ShareAbove(summary, 20'000'000), 0.00316, 0.00001);
  EXPECT_DOUBLE_EQ(ShareAbove(summary, 40'000'000), 0);
}

TEST(QuantileNoise, OneBadIntervalOfTenWidensItUpwardsOnly) {
  std::vector<v1::LatencySummary> summaries(10, Summary(1'000, 1'000'000));
  for (int i = 0; i < 10; ++i) summaries[i] = Summary(1'000, 1'000'000 + 10'000 * (i % 3));
  std::vector<const v1::LatencySummary*> intervals;
  for (const v1::LatencySummary& summary : summaries) intervals.push_back(&summary);
  const Estimate calm = QuantileNoise(intervals, 0.99, 10'000'000).Interval();
  EXPECT_GT(calm.low, 9'000'000);
  EXPECT_LT(calm.high, 11'000'000);
  summaries[4] = Summary(1'000, 20'000'000);
  const Estimate noisy = QuantileNoise(intervals, 0.99, 80'000'000).Interval();
  EXPECT_LT(noisy.low, 11'000'000);
  EXPECT_GT(noisy.high, 80'000'000);
}

}  // namespace
}  // namespace loadtest
