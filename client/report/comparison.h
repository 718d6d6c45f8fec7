// What changed between two tests, and whether by more than noise. docs/comparing.md explains the
// method for people.
//
// A percentile of a whole test is that of its merged histogram. How far it is from what it would be
// in the long run is estimated twice, and the wider interval is taken:
//
//   from requests   order statistics: the rank of a quantile is binomial, so two ranks around it
//                   bound it without any assumption on the distribution (Hahn, Meeker: Statistical
//                   Intervals, 1991, 5.2). Shares: Wilson's score interval (1927). Of the
//                   difference: both intervals put together as Zou and Donner do (Statistics in
//                   Medicine 27, 2008). Takes requests to be independent, which they are not: those
//                   of one moment share a queue, a garbage collection, a noisy neighbour.
//   from intervals  sectioning (Asmussen, Glynn: Stochastic Simulation, 2007, III.5; Nakayama, ACM
//                   TOMACS 24, 2014): the spread of the intervals' own values around that of the
//                   whole, with Student's t. Of the difference: the spread of the differences of
//                   intervals at the same time of both tests, so that a ramp, which both have, is
//                   no noise. Where neighbours resemble each other the variance is raised by
//                   (1 + r) / (1 - r), r their correlation, as of an autoregressive process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Of intervals: a false alarm in a hundred comparisons of one measure.
inline constexpr double kConfidence = 0.99;

struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
};

struct Change {
  enum class Unit { kNanoseconds, kShare, kPerSecond };
  enum class Direction { kNone, kBetter, kWorse };

  std::string name;  // "p99", "service.p99", "rate", "errors"
  Unit unit = Unit::kNanoseconds;
  Estimate before = {};
  Estimate after = {};
  // after - before.
  Estimate difference = {};
  // Whether the difference is beyond noise, and to which side.
  Direction direction = Direction::kNone;

  // The difference as a share of `before`; 0 when that is 0. Shares differ in points, not in shares
  // of themselves.
  bool is_relative() const { return unit != Unit::kShare && before.value > 0; }
  double Relative(double difference_of) const {
    return before.value > 0 ? difference_of / before.value : 0;
  }
};

// Whole intervals of the measured part, in which requests were sent: what noise is estimated from.
std::vector<const v1::IntervalResult*> SteadyIntervals(const v1::Report& report);

// Fewer intervals than this of each test tell nothing about noise.
inline constexpr size_t kFewestIntervals = 3;

// Of two tests that can be compared. In the order in which people read them: rate, errors, then
// latencies.
std::vector<Change> Compare(const v1::Report& before, const v1::Report& after);

// Half the width of Student's t interval of kConfidence in standard errors.
double StudentT(double degrees_of_freedom);

// "+12.3 %" or, for shares, "+0.12 points".
std::string FormatChange(const Change& change, double difference);
// "4.51ms", "0.02 %", "950/s".
std::string FormatMeasured(const Change& change, double value);

}  // namespace loadtest
