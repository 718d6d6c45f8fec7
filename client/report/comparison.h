// What changed between two tests, and whether by more than noise. docs/comparing.md explains the
// method for people.
//
// Each measure is compared twice:
//
//   the whole    the number of all requests, a percentile that of the merged histogram. How far it
//   is
//                from what it would be in the long run is estimated from requests, and from the
//                intervals of the test; the wider one is taken. A test's few bad seconds are in it,
//                and make it wide.
//   a typical    the middle of the intervals' own numbers, compared by their ranks. A few bad
//   interval     seconds, of the server or of what else ran there, hardly move it.
//
// Differences between intervals are those of intervals at the same time of both tests, so that a
// ramp, which both have, is no noise.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "client/report/noise.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Before the name of a measure: that of a typical interval.
inline constexpr std::string_view kTypical = "typical.";

// What changed in one measure.
struct Change {
  enum class Unit { kNanoseconds, kShare, kPerSecond };
  enum class Direction { kNone, kBetter, kWorse };

  std::string name;  // "p99", "service.p99", "rate", "errors", "typical.service.p99"
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
  bool is_typical() const { return name.compare(0, kTypical.size(), kTypical) == 0; }
  double Relative(double difference_of) const {
    return before.value > 0 ? difference_of / before.value : 0;
  }
};

// Whole intervals of the measured part, in which requests were sent: what noise is estimated from.
std::vector<const v1::IntervalResult*> SteadyIntervals(const v1::Report& report);

// Fewer intervals than this of each test tell nothing about noise.
inline constexpr size_t kFewestIntervals = 3;

// Of two tests that can be compared. In the order in which people read them: rate, errors, then
// latencies; then the same of a typical interval, as far as there are kFewestRanked of them.
std::vector<Change> Compare(const v1::Report& before, const v1::Report& after);

// "+12.3 %" or, for shares, "+0.12 points".
std::string FormatChange(const Change& change, double difference);
// "4.51ms", "0.02 %", "950/s".
std::string FormatMeasured(const Change& change, double value);

}  // namespace loadtest
