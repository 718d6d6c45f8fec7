// Keeps work that may be done at any time to a share of the time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/base/time.h"

namespace loadtest {

// What took a millisecond is not done again for `share` milliseconds: with few drivers at once,
// with thousands less often, and never more than 1 / (share + 1) of a core. After five seconds it
// is done again in any case: what takes that long to make up for mostly took so long because the
// process did not run, and has cost nothing. Not thread-safe.
class CostLimit {
 public:
  explicit CostLimit(int64_t share) : share_(share) {}

  bool IsDue(MonotonicTime now) const { return now.ns >= next_ns_; }
  void Took(MonotonicTime begin, MonotonicTime end) {
    next_ns_ = end.ns + std::min(share_ * (end.ns - begin.ns), kLongestPauseNs);
  }

 private:
  static constexpr int64_t kLongestPauseNs = 5 * kNanosPerSecond;

  const int64_t share_;
  int64_t next_ns_ = 0;
};

}  // namespace loadtest
