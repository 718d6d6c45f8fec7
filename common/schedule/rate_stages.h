// A rate that changes in straight lines: when each request is due.
#pragma once

#include <cstdint>
#include <vector>

#include "common/schedule/amount.h"

namespace loadtest {

// One stage: the rate goes in a straight line from `from` to `to`, both in 10^-9 requests per
// second (0 to 10^18), in `duration_ns` (more than 0). A rate that stays the same is one with from
// == to.
struct RateStage {
  int64_t from = 0;
  int64_t to = 0;
  int64_t duration_ns = 0;
};

// Let L(t) be the number of requests that the rate amounts to up to t: the integral of the rate,
// a straight line where the rate is constant and a parabola in a ramp. An amount x is due when
// L(t) = x, and index i is due when its amount i is; so index 0 is due at the start of the first
// stage that has a rate. Where the rate is 0 for a while, L stays the same: what would be due at
// any time of such a pause is due at its end, with the rest of the next stage. A pause has no
// requests.
//
// All due times are rounded down to nanoseconds and exact: they are computed from the amount within
// its stage, never from the due time before.
//
// Immutable; thread-safe.
class RateStages {
 public:
  // Requires durations that sum up to less than 2^50 ns (13 days).
  explicit RateStages(const std::vector<RateStage>& stages);

  // All requests of all stages.
  Amount total() const { return total_; }
  int64_t duration_ns() const { return duration_ns_; }

  // Nanoseconds after the start; kNeverNs for an amount that the stages do not come to.
  int64_t DueOf(Amount amount) const;

  // L(offset_ns), rounded up: an amount is less than L(t) if and only if it is less than this.
  Amount AmountBefore(int64_t offset_ns) const;

 private:
  // A stage and what came before it; pauses are left out.
  struct Piece {
    RateStage stage;
    int64_t start_ns = 0;
    Amount start = 0;
    Amount amount = 0;  // of the stage alone
  };

  static Amount AmountBefore(const Piece& piece, int64_t ns);
  static int64_t DueOf(const Piece& piece, Amount amount);

  std::vector<Piece> pieces_;
  Amount total_ = 0;
  int64_t duration_ns_ = 0;
};

}  // namespace loadtest
