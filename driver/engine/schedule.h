// When each request of an open loop is due: a pure function of its index.
#pragma once

#include <cstdint>

namespace loadtest {

// Due(i) = floor(i * numerator / denominator) nanoseconds after the start, in 128-bit arithmetic:
// exact at any rate and any length. An interval cut to whole nanoseconds and added up would be 240
// ms short after ten minutes at 700,000/s; and a late turn would shift all that follows.
//
// Immutable; thread-safe.
class Schedule {
 public:
  // Index i is due at i * delay_ns. Requires delay_ns > 0.
  static Schedule EveryDelay(int64_t delay_ns) { return Schedule(delay_ns, 1); }

  // Index i is due at i * 10^9 / rate, rounded down. The rate is an integer of 10^-9 requests per
  // second, so that drivers that share it agree to the last digit. Requires 0 < rate <= 10^18.
  static Schedule AtRate(int64_t nano_requests_per_second) {
    return Schedule(1'000'000'000'000'000'000, nano_requests_per_second);
  }

  // Nanoseconds after the start. Requires index >= 0, and a due time below 2^63.
  int64_t Due(int64_t index) const {
    return static_cast<int64_t>(static_cast<Wide>(index) * numerator_ / denominator_);
  }

  // The same for any count, for arrivals at random. Within a nanosecond of Due for whole ones.
  int64_t TimeOf(long double count) const {
    return static_cast<int64_t>(count * static_cast<long double>(numerator_) /
                                static_cast<long double>(denominator_));
  }

  // Number of indices with Due(index) < offset_ns; 0 for an offset of 0 or less.
  //   floor(i * n / d) < t  <=>  i * n / d < t  (t is whole)  <=>  i < t * d / n
  // so the count is t * d / n, rounded up.
  int64_t CountBefore(int64_t offset_ns) const {
    if (offset_ns <= 0) return 0;
    const Wide product = static_cast<Wide>(offset_ns) * denominator_;
    const Wide count = (product + numerator_ - 1) / numerator_;
    return count > kMost ? static_cast<int64_t>(kMost) : static_cast<int64_t>(count);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr Wide kMost = (Wide{1} << 63) - 1;

  Schedule(int64_t numerator, int64_t denominator)
      : numerator_(static_cast<Wide>(numerator)), denominator_(static_cast<Wide>(denominator)) {}

  Wide numerator_;
  Wide denominator_;
};

}  // namespace loadtest
