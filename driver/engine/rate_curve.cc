#include "driver/engine/rate_curve.h"

#include <algorithm>
#include <cmath>

namespace loadtest {

RateCurve::RateCurve(const std::vector<Stage>& stages) {
  Part next;
  for (const Stage& stage : stages) {
    Part part;
    part.begin_ns = next.end_ns;
    part.begin_count = next.end_count;
    const auto length = static_cast<long double>(stage.duration_ns);
    part.rate = static_cast<long double>(stage.from) / 1e9L;
    part.slope =
        (static_cast<long double>(stage.to) - static_cast<long double>(stage.from)) / 1e9L / length;
    part.end_ns = part.begin_ns + stage.duration_ns;
    // The mean of the two rates, times the length.
    part.end_count = part.begin_count +
                     (static_cast<long double>(stage.from) + static_cast<long double>(stage.to)) /
                         2 * length / 1e9L;
    parts_.push_back(part);
    next = part;
  }
}

int64_t RateCurve::TimeOf(long double count) const {
  const auto part =
      std::upper_bound(parts_.begin(), parts_.end(), count,
                       [](long double value, const Part& p) { return value < p.end_count; });
  if (part == parts_.end()) return duration_ns();
  const long double n = std::max<long double>(0, count - part->begin_count);
  if (n == 0) return part->begin_ns;
  const long double root =
      std::sqrt(std::max<long double>(0, part->rate * part->rate + 2 * part->slope * n));
  return part->begin_ns + static_cast<int64_t>(std::llround(2 * n / (part->rate + root)));
}

long double RateCurve::CountAt(int64_t offset_ns) const {
  const auto part = std::upper_bound(parts_.begin(), parts_.end(), offset_ns,
                                     [](int64_t value, const Part& p) { return value < p.end_ns; });
  if (part == parts_.end()) return total();
  const auto t = static_cast<long double>(offset_ns - part->begin_ns);
  return part->begin_count + part->rate * t + part->slope * t * t / 2;
}

int64_t RateCurve::CountBefore(int64_t offset_ns) const {
  if (offset_ns <= 0 || parts_.empty()) return 0;
  // Off by one at most, for TimeOf is rounded to nanoseconds.
  const auto all = static_cast<int64_t>(std::ceil(total()));
  int64_t count = std::clamp<int64_t>(
      static_cast<int64_t>(std::ceil(CountAt(std::min(offset_ns, duration_ns())))), 0, all);
  while (count > 0 && TimeOf(static_cast<long double>(count - 1)) >= offset_ns) --count;
  while (count < all && TimeOf(static_cast<long double>(count)) < offset_ns) ++count;
  return count;
}

}  // namespace loadtest
