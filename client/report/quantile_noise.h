// How far a percentile of a whole test may be from what it would be in the long run, by how its
// intervals differ.
//
// Whoever takes the spread of the intervals' own percentiles for it is misled as soon as a few
// seconds are much slower than the rest: those alone make up the whole's p99, while the p99 of all
// others stays what it is. What adds up over intervals is the share of requests above a latency. So
// the question is turned around: for which latencies could the share above them be 1 %, as far as
// the intervals' shares, which differ, can say? (A confidence interval of a quantile by inverting
// the test of its level: Conover, Practical Nonparametric Statistics, 1999, 3.2, here with the
// standard error of a mean over intervals.) Far out to one side, that interval is wide to that
// side.
#pragma once

#include <vector>

#include "client/report/noise.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Share of the requests of `summary` that took longer, from its percentiles: between two of them as
// a straight line of the logarithms of both.
double ShareAbove(const v1::LatencySummary& summary, double latency_ns);

// A percentile of a test, and the intervals it is of. References must outlive it.
class QuantileNoise {
 public:
  // `value_ns` is the quantile `q` of the whole; at least two intervals, each with requests.
  QuantileNoise(std::vector<const v1::LatencySummary*> intervals, double q, double value_ns);

  // With standard errors taken `factor` times.
  Estimate Interval(double factor = 1) const;

  // For each interval, how much more of it lies above the value than 1 - q, weighted by its
  // requests.
  const std::vector<double>& excess() const { return excess_; }

 private:
  std::vector<double> ExcessAt(double latency_ns) const;
  // Whether the share above a latency may be 1 - q.
  bool MayBe(double latency_ns, double factor) const;
  // The last of latencies in steps from the value to `end` that may be it.
  double Reach(double end, double factor) const;

  const std::vector<const v1::LatencySummary*> intervals_;
  const double q_;
  const double value_ns_;
  double mean_count_ = 0;
  double lowest_ns_ = 0;
  double highest_ns_ = 0;
  std::vector<double> excess_;
  // What the lines between percentiles are off at the value.
  double offset_ = 0;
};

// after - before. What intervals at the same time have in common, such as a ramp, is no noise.
Estimate OfQuantileDifference(const QuantileNoise& before, const QuantileNoise& after);

}  // namespace loadtest
