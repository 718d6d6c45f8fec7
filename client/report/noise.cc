#include "client/report/noise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <utility>

namespace loadtest {
namespace {

// Of the normal distribution, both sides together 1 - kConfidence.
constexpr double kZ = 2.5758;
// Beyond it a series tells too little about its own correlation.
constexpr double kMostCorrelation = 0.9;
// All pairs of them are a million.
constexpr size_t kMostRanked = 1'000;

double Rank(double z, double n, double q, double direction) {
  return n * q + direction * z * std::sqrt(n * q * (1 - q));
}

// By how much the variance of a mean of `values` is larger than if they were independent.
double Inflation(const std::vector<double>& values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) /
                      static_cast<double>(std::max<size_t>(values.size(), 1));
  double own = 0;
  double lagged = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    own += (values[i] - mean) * (values[i] - mean);
    if (i > 0) lagged += (values[i] - mean) * (values[i - 1] - mean);
  }
  const double r = own > 0 ? std::clamp(lagged / own, 0.0, kMostCorrelation) : 0;
  return (1 + r) / (1 - r);
}

// 1 for the smallest; equal values share the mean of their ranks.
std::vector<double> RanksOf(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t end = first;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (size_t i = first; i < end; ++i) ranks[order[i]] = static_cast<double>(first + end + 1) / 2;
    first = end;
  }
  return ranks;
}

// Every second, third and so on, so that there are not more than kMostRanked.
std::vector<double> Thinned(std::vector<double> values) {
  const size_t step = (values.size() + kMostRanked - 1) / kMostRanked;
  if (step <= 1) return values;
  for (size_t i = 0; i * step < values.size(); ++i) values[i] = values[i * step];
  values.resize((values.size() + step - 1) / step);
  return values;
}

// With the two ranks that are kZ deviations from it, or the smallest and the largest value.
Estimate MedianOf(std::vector<double> values, double deviation_of_rank) {
  const auto ranked = [&values](size_t rank) {
    std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(rank), values.end());
    return values[rank];
  };
  const double middle = static_cast<double>(values.size()) / 2;
  const auto low = static_cast<size_t>(std::max(0.0, std::floor(middle - kZ * deviation_of_rank)));
  const size_t upper = values.size() / 2;
  return {(ranked(upper) + ranked(values.size() - 1 - upper)) / 2, ranked(low),
          ranked(values.size() - 1 - low)};
}

}  // namespace

Estimate WiderOf(const Estimate& a, const Estimate& b) {
  return {a.value, std::min(a.low, b.low), std::max(a.high, b.high)};
}

Estimate OfQuantile(const Histogram& histogram, double q, double value) {
  const auto n = static_cast<double>(histogram.count());
  if (n == 0) return {value, value, value};
  const double low = std::floor(Rank(kZ, n, q, -1)) / n;
  const double high = (std::ceil(Rank(kZ, n, q, 1)) + 1) / n;
  return {value,
          low <= 0 ? static_cast<double>(histogram.min())
                   : static_cast<double>(histogram.Percentile(low)),
          high >= 1 ? static_cast<double>(histogram.max())
                    : static_cast<double>(histogram.Percentile(high))};
}

Estimate OfShare(double count, double n) {
  if (n <= 0) return {};
  const double p = count / n;
  const double z2 = kZ * kZ;
  const double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {p, std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

Estimate OfDifference(const Estimate& before, const Estimate& after) {
  const double value = after.value - before.value;
  // What each may be off to one side, added as errors are.
  return {value, value - std::hypot(after.value - after.low, before.high - before.value),
          value + std::hypot(after.high - after.value, before.value - before.low)};
}

Spread SpreadOf(const std::vector<double>& values, double center) {
  const auto n = static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  const double inflation = Inflation(values);
  return {std::sqrt(squares / (n - 1) / n * inflation), std::max(1.0, n / inflation - 1)};
}

double StudentT(double degrees_of_freedom) {
  // Both sides 1 %: the 0.995 quantile for 1 to 30 degrees of freedom.
  constexpr double kTable[] = {63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355,
                               3.250,  3.169, 3.106, 3.055, 3.012, 2.977, 2.947, 2.921,
                               2.898,  2.878, 2.861, 2.845, 2.831, 2.819, 2.807, 2.797,
                               2.787,  2.779, 2.771, 2.763, 2.756, 2.750};
  const auto at = static_cast<size_t>(std::max(1.0, std::floor(degrees_of_freedom)));
  if (at <= std::size(kTable)) return kTable[at - 1];
  // The first term of the expansion around the normal distribution.
  return kZ + (kZ * kZ * kZ + kZ) / (4 * static_cast<double>(at));
}

Estimate WidenBySpread(const Estimate& estimate, const std::vector<double>& values) {
  const Spread spread = SpreadOf(values, estimate.value);
  const double half = StudentT(spread.freedom) * spread.error;
  return WiderOf(estimate, {estimate.value, estimate.value - half, estimate.value + half});
}

Estimate OfMedian(std::vector<double> values) {
  const double deviation =
      std::sqrt(static_cast<double>(values.size()) * Inflation(RanksOf(values))) / 2;
  return MedianOf(std::move(values), deviation);
}

Estimate OfShift(std::vector<double> before, std::vector<double> after) {
  before = Thinned(std::move(before));
  after = Thinned(std::move(after));
  std::vector<double> differences;
  differences.reserve(before.size() * after.size());
  for (const double a : before) {
    for (const double b : after) differences.push_back(b - a);
  }
  const auto n = static_cast<double>(before.size());
  const auto m = static_cast<double>(after.size());
  // Of the number of pairs in which `after` is higher.
  const double inflation = (Inflation(RanksOf(before)) + Inflation(RanksOf(after))) / 2;
  const double deviation = std::sqrt(n * m * (n + m + 1) / 12 * inflation);
  return MedianOf(std::move(differences), deviation);
}

Estimate OfMiddle(std::vector<double> differences) {
  differences = Thinned(std::move(differences));
  std::vector<double> means;
  means.reserve(differences.size() * (differences.size() + 1) / 2);
  for (size_t i = 0; i < differences.size(); ++i) {
    for (size_t k = i; k < differences.size(); ++k)
      means.push_back((differences[i] + differences[k]) / 2);
  }
  const auto n = static_cast<double>(differences.size());
  // Of the sum of the ranks that are above zero.
  const double inflation = Inflation(RanksOf(differences));
  const double deviation = std::sqrt(n * (n + 1) * (2 * n + 1) / 24 * inflation);
  return MedianOf(std::move(means), deviation);
}

}  // namespace loadtest
