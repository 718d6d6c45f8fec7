#include "server/core/clock_estimate.h"

#include <algorithm>
#include <cmath>

namespace loadtest {

void ClockEstimate::Add(const Times& t) {
  const int64_t there = t.received - t.sent;
  const int64_t back = t.answered - t.returned;
  const int64_t delay = (t.returned - t.sent) - (t.answered - t.received);
  if (t.answered < t.received || t.returned < t.sent || delay < 0) return;
  samples_[count_ % kSamples] = {.offset_ns = there / 2 + back / 2, .delay_ns = delay};
  ++count_;
}

// The true offset of a sample is within half its delay of the measured one. The spread of the
// samples around the best, as their root mean square, is what drift and coarse clocks add.
std::optional<ClockEstimate::Offset> ClockEstimate::Get() const {
  const size_t kept = std::min(count_, kSamples);
  if (kept == 0) return std::nullopt;
  const auto end = samples_.begin() + static_cast<ptrdiff_t>(kept);
  const auto best = std::min_element(samples_.begin(), end, [](const Sample& a, const Sample& b) {
    return a.delay_ns < b.delay_ns;
  });
  double squares = 0;
  for (auto sample = samples_.begin(); sample != end; ++sample) {
    // What a longer delay explains is no spread.
    const double off = std::abs(static_cast<double>(sample->offset_ns - best->offset_ns)) -
                       static_cast<double>(sample->delay_ns - best->delay_ns) / 2;
    if (off > 0) squares += off * off;
  }
  const double spread = std::sqrt(squares / static_cast<double>(kept));
  return Offset{.offset_ns = best->offset_ns,
                .error_ns = std::max<int64_t>(
                    1, best->delay_ns / 2 + static_cast<int64_t>(std::ceil(spread)))};
}

}  // namespace loadtest
