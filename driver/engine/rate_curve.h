// A rate that changes over time, and the requests that it makes.
#pragma once

#include <cstdint>
#include <vector>

namespace loadtest {

// The rate is a straight line within each stage. Count(t), the requests that are due before t, is
// its integral: within a stage of the rate r at its beginning and the slope s it is
//   n(t) = r t + s t^2 / 2
// Its inverse is the root of that, written so that nothing is lost when s or r is near 0:
//   t(n) = 2 n / (r + sqrt(r^2 + 2 s n))
// So any due time follows from its index alone, however long the test. Computed in 80-bit floating
// point: off by less than a nanosecond in a week.
//
// Immutable; thread-safe.
class RateCurve {
 public:
  // Requests per second at the beginning and at the end, 0 or more; duration in nanoseconds, more
  // than 0.
  struct Stage {
    double from = 0;
    double to = 0;
    int64_t duration_ns = 0;
  };

  RateCurve() = default;
  explicit RateCurve(const std::vector<Stage>& stages);

  // Sum of the durations, nanoseconds, and the count at that time.
  int64_t duration_ns() const { return parts_.empty() ? 0 : parts_.back().end_ns; }
  long double total() const { return parts_.empty() ? 0 : parts_.back().end_count; }

  // The time at which the count goes beyond `count`, nanoseconds: what is due at the end of a stage
  // before a pause is due after the pause. The end of the curve for total() or more.
  int64_t TimeOf(long double count) const;

  // How many of the counts 0, 1, 2 ... are due before `offset_ns`; agrees with TimeOf to the last.
  int64_t CountBefore(int64_t offset_ns) const;

 private:
  struct Part {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    long double begin_count = 0;
    long double end_count = 0;
    // Requests per nanosecond, and that per nanosecond.
    long double rate = 0;
    long double slope = 0;
  };

  long double CountAt(int64_t offset_ns) const;

  std::vector<Part> parts_;
};

}  // namespace loadtest
