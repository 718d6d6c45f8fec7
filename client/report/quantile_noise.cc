#include "client/report/quantile_noise.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace loadtest {
namespace {

// Of the search for the end of an interval.
constexpr double kStep = 1.01;
// Two tests whose intervals have so much in common follow the same course.
constexpr double kCommon = 0.6;

double MeanOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double ShareAbove(const v1::LatencySummary& summary, double latency_ns) {
  const auto count = static_cast<double>(summary.count());
  if (count == 0 || latency_ns >= static_cast<double>(summary.max_ns())) return 0;
  if (latency_ns < static_cast<double>(summary.min_ns())) return 1;
  const std::pair<double, int64_t> points[] = {
      {0.5, summary.p50_ns()},      {0.1, summary.p90_ns()},    {0.05, summary.p95_ns()},
      {0.01, summary.p99_ns()},     {0.001, summary.p999_ns()}, {0.0001, summary.p9999_ns()},
      {1 / count, summary.max_ns()}};
  double from_share = 1;
  auto from_ns = static_cast<double>(std::max<int64_t>(summary.min_ns(), 1));
  for (const auto& [share, ns] : points) {
    // Beyond its last request nothing is known but that it is the last.
    if (share < 1 / count) continue;
    const double to_ns = std::max(static_cast<double>(ns), from_ns);
    if (latency_ns < to_ns) {
      const double part = std::log(latency_ns / from_ns) / std::log(to_ns / from_ns);
      return from_share * std::pow(share / from_share, std::clamp(part, 0.0, 1.0));
    }
    from_share = share;
    from_ns = to_ns;
  }
  return from_share;
}

QuantileNoise::QuantileNoise(std::vector<const v1::LatencySummary*> intervals, double q,
                             double value_ns)
    : intervals_(std::move(intervals)), q_(q), value_ns_(value_ns), lowest_ns_(value_ns) {
  for (const v1::LatencySummary* interval : intervals_) {
    mean_count_ += static_cast<double>(interval->count()) / static_cast<double>(intervals_.size());
    lowest_ns_ = std::min(lowest_ns_, static_cast<double>(interval->min_ns()));
    highest_ns_ = std::max(highest_ns_, static_cast<double>(interval->max_ns()));
  }
  highest_ns_ = std::max(highest_ns_, value_ns);
  lowest_ns_ = std::max(lowest_ns_, 1.0);
  excess_ = ExcessAt(value_ns);
  offset_ = MeanOf(excess_);
}

std::vector<double> QuantileNoise::ExcessAt(double latency_ns) const {
  std::vector<double> excess;
  excess.reserve(intervals_.size());
  for (const v1::LatencySummary* interval : intervals_) {
    excess.push_back(static_cast<double>(interval->count()) / mean_count_ *
                     (ShareAbove(*interval, latency_ns) - (1 - q_)));
  }
  return excess;
}

bool QuantileNoise::MayBe(double latency_ns, double factor) const {
  const std::vector<double> excess = ExcessAt(latency_ns);
  const double mean = MeanOf(excess);
  const Spread spread = SpreadOf(excess, mean);
  return std::abs(mean - offset_) <= StudentT(spread.freedom) * spread.error * factor;
}

double QuantileNoise::Reach(double end, double factor) const {
  const bool upwards = end > value_ns_;
  double reached = value_ns_;
  while (reached != end) {
    const double next = upwards ? std::min(reached * kStep, end) : std::max(reached / kStep, end);
    if (!MayBe(next, factor)) return next;
    reached = next;
  }
  return end;
}

Estimate QuantileNoise::Interval(double factor) const {
  if (value_ns_ <= 0) return {value_ns_, value_ns_, value_ns_};
  return {value_ns_, Reach(lowest_ns_, factor), Reach(highest_ns_, factor)};
}

Estimate OfQuantileDifference(const QuantileNoise& before, const QuantileNoise& after) {
  std::vector<double> a = before.excess();
  std::vector<double> b = after.excess();
  const size_t n = std::min(a.size(), b.size());
  a.resize(n);
  b.resize(n);
  std::vector<double> differences(n);
  for (size_t i = 0; i < n; ++i) differences[i] = b[i] - a[i];
  const auto variance = [](const std::vector<double>& values) {
    return std::pow(SpreadOf(values, MeanOf(values)).error, 2);
  };
  const double apart = variance(a) + variance(b);
  const double together = variance(differences);
  const double factor = apart > 0 ? std::sqrt(together / apart) : 1;
  const double used = factor < kCommon ? factor : 1;
  return OfDifference(before.Interval(used), after.Interval(used));
}

}  // namespace loadtest
