#include "common/schedule/rate_stages.h"

#include <algorithm>
#include <cmath>

namespace loadtest {
namespace {

// What a rate that grows from `low` to `high` over `duration_ns` amounts to in its first `ns`:
//   low * ns + (high - low) / duration * ns^2 / 2 requests, twice that in the unit of Amount.
// The quotient (high - low) * ns / duration is taken apart so that no product goes beyond 110 bits,
// and `rest` is what it leaves: the amount is `whole` + rest / duration.
struct Grown {
  Amount whole = 0;
  bool has_rest = false;
};

Grown GrownAmount(int64_t low, int64_t high, int64_t duration_ns, int64_t ns) {
  const auto t = static_cast<Amount>(ns);
  const auto duration = static_cast<Amount>(duration_ns);
  const Amount constant = 2 * static_cast<Amount>(low) * t;
  if (low == high) return {.whole = constant};
  const Amount growth = static_cast<Amount>(high - low) * t;
  const Amount rest = growth % duration * t;
  return {.whole = constant + growth / duration * t + rest / duration,
          .has_rest = rest % duration != 0};
}

// When a rate that grows from `low` to `high` over `duration_ns` has come to `amount`, about: the
// positive root of a t^2 + 2 b t - n = 0 with a = (high - low) / duration and b = low. Written as
//   t = n / (b + sqrt(b^2 + a n))
// it has no difference of nearly equal numbers, and so loses no digits: it is within a nanosecond
// over weeks.
int64_t RoughTime(int64_t low, int64_t high, int64_t duration_ns, Amount amount) {
  const auto n = static_cast<double>(amount);
  const auto b = static_cast<double>(low);
  const double a = static_cast<double>(high - low) / static_cast<double>(duration_ns);
  const double divisor = b + std::sqrt(b * b + a * n);
  if (divisor <= 0) return 0;  // amount 0 of a ramp from 0
  return std::clamp<int64_t>(static_cast<int64_t>(n / divisor), 0, duration_ns);
}

}  // namespace

RateStages::RateStages(const std::vector<RateStage>& stages) {
  for (const RateStage& stage : stages) {
    const Amount amount = (static_cast<Amount>(stage.from) + static_cast<Amount>(stage.to)) *
                          static_cast<Amount>(stage.duration_ns);
    if (amount > 0) {
      pieces_.push_back(
          {.stage = stage, .start_ns = duration_ns_, .start = total_, .amount = amount});
    }
    total_ += amount;
    duration_ns_ += stage.duration_ns;
  }
}

int64_t RateStages::DueOf(Amount amount) const {
  if (amount >= total_) return kNeverNs;
  const auto after =
      std::upper_bound(pieces_.begin(), pieces_.end(), amount,
                       [](Amount wanted, const Piece& piece) { return wanted < piece.start; });
  const Piece& piece = *(after - 1);
  return piece.start_ns + DueOf(piece, amount - piece.start);
}

Amount RateStages::AmountBefore(int64_t offset_ns) const {
  const auto after =
      std::upper_bound(pieces_.begin(), pieces_.end(), offset_ns,
                       [](int64_t wanted, const Piece& piece) { return wanted < piece.start_ns; });
  if (after == pieces_.begin()) return 0;
  const Piece& piece = *(after - 1);
  const int64_t ns = std::min(offset_ns - piece.start_ns, piece.stage.duration_ns);
  return piece.start + AmountBefore(piece, ns);
}

// Of a rate that falls, the end is looked at backwards, where it grows: what is left of it after
// `ns` is what a growing rate amounts to in the rest of the time.
Amount RateStages::AmountBefore(const Piece& piece, int64_t ns) {
  const auto& [from, to, duration_ns] = piece.stage;
  if (from <= to) {
    const Grown grown = GrownAmount(from, to, duration_ns, ns);
    return grown.whole + (grown.has_rest ? 1 : 0);
  }
  // Rounding down what is left rounds up what is not.
  return piece.amount - GrownAmount(to, from, duration_ns, duration_ns - ns).whole;
}

int64_t RateStages::DueOf(const Piece& piece, Amount amount) {
  const auto& [from, to, duration_ns] = piece.stage;
  if (from == to) return static_cast<int64_t>(amount / (2 * static_cast<Amount>(from)));
  int64_t ns = from < to ? RoughTime(from, to, duration_ns, amount)
                         : duration_ns - RoughTime(to, from, duration_ns, piece.amount - amount);
  // From about to exactly: the last nanosecond before which no more than `amount` is due.
  while (ns > 0 && AmountBefore(piece, ns) > amount) --ns;
  while (ns < duration_ns && AmountBefore(piece, ns + 1) <= amount) ++ns;
  return ns;
}

}  // namespace loadtest
