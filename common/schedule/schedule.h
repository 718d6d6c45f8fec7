// When each request of an open loop is due: a pure function of its index.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "common/schedule/amount.h"
#include "common/schedule/rate_stages.h"

namespace loadtest {

// With a constant rate Due(i) = floor(i * numerator / denominator) nanoseconds after the start, in
// 128-bit arithmetic: exact at any rate and any length. An interval cut to whole nanoseconds and
// added up would be 240 ms short after ten minutes at 700,000/s; and a late turn would shift all
// that follows. For rates that change see rate_stages.h.
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

  static Schedule InStages(RateStages stages) {
    Schedule schedule(1, 1);
    schedule.stages_ = std::move(stages);
    return schedule;
  }

  // Nanoseconds after the start; kNeverNs for an index that never comes. Requires 0 <= index <
  // 2^54.
  int64_t Due(int64_t index) const {
    if (stages_) return stages_->DueOf(static_cast<Amount>(index) * kOneRequest);
    return Bounded(static_cast<Amount>(index) * numerator_ / denominator_);
  }

  // When the rate amounts to `amount`: Due for what is not a whole number of requests. Requires a
  // due time below 2^63.
  int64_t DueOf(Amount amount) const {
    if (stages_) return stages_->DueOf(amount);
    // amount * numerator would be too large: 2^110 by 2^60.
    const Amount whole = amount / kOneRequest * numerator_;
    const Amount part = amount % kOneRequest * numerator_;
    return Bounded((whole + part / kOneRequest) / denominator_);
  }

  // What the rate amounts to in the first `offset_ns` nanoseconds, rounded up; 0 for an offset of 0
  // or less. The other way round than DueOf.
  Amount AmountBefore(int64_t offset_ns) const {
    if (offset_ns <= 0) return 0;
    if (stages_) return stages_->AmountBefore(offset_ns);
    const Amount requests = static_cast<Amount>(offset_ns) * denominator_;
    const Amount part = requests % numerator_ * kOneRequest;
    return requests / numerator_ * kOneRequest + (part + numerator_ - 1) / numerator_;
  }

  // Number of indices with Due(index) < offset_ns; 0 for an offset of 0 or less.
  //   floor(i * n / d) < t  <=>  i * n / d < t  (t is whole)  <=>  i < t * d / n
  // so the count is t * d / n, rounded up; in stages it is the amount before t, rounded up.
  int64_t CountBefore(int64_t offset_ns) const {
    if (offset_ns <= 0) return 0;
    if (stages_) return RoundUp(stages_->AmountBefore(offset_ns), kOneRequest);
    return RoundUp(static_cast<Amount>(offset_ns) * denominator_, numerator_);
  }

 private:
  static constexpr Amount kMost = (Amount{1} << 63) - 1;

  Schedule(int64_t numerator, int64_t denominator)
      : numerator_(static_cast<Amount>(numerator)),
        denominator_(static_cast<Amount>(denominator)) {}

  static int64_t Bounded(Amount ns) {
    return static_cast<int64_t>(std::min<Amount>(ns, static_cast<Amount>(kNeverNs)));
  }
  static int64_t RoundUp(Amount dividend, Amount divisor) {
    return static_cast<int64_t>(std::min<Amount>((dividend + divisor - 1) / divisor, kMost));
  }

  Amount numerator_;
  Amount denominator_;
  std::optional<RateStages> stages_;
};

}  // namespace loadtest
