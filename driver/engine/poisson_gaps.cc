#include "driver/engine/poisson_gaps.h"

#include <cmath>

namespace loadtest {

Amount PoissonGaps::Gap(int64_t n) const {
  // The key goes between two hashes, so that no share's stream is another one's from further on.
  const uint64_t random = Mix(key_ ^ Mix(static_cast<uint64_t>(n)));
  // The middles of 2^52 equal parts of (0, 1): neither 0 nor 1.
  const double uniform = (static_cast<double>(random >> 12) + 0.5) * 0x1p-52;
  return static_cast<Amount>(-std::log(uniform) * static_cast<double>(kOneRequest));
}

}  // namespace loadtest
