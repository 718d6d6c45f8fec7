// One driver's share of a fleet-wide schedule.
#pragma once

#include <cstdint>

namespace loadtest {

// The indices first, first + stride, first + 2 * stride and so on.
//
// The slots of a test have the same stride (their number) and different firsts, so together they
// cover every index exactly once, and no two drivers ever have to agree on whose turn it is.
//
// Immutable; thread-safe.
class Slot {
 public:
  // All indices: the slot of a driver that has the schedule for itself.
  Slot() = default;
  // Requires 0 <= first < stride.
  Slot(int64_t first, int64_t stride) : first_(first), stride_(stride) {}

  int64_t first() const { return first_; }
  int64_t stride() const { return stride_; }

  // The schedule index of this driver's n-th request, n = 0, 1, 2 ...
  int64_t IndexOf(int64_t n) const { return first_ + n * stride_; }

  // How many of this slot's indices are below `end`.
  int64_t CountBelow(int64_t end) const {
    return end <= first_ ? 0 : (end - first_ - 1) / stride_ + 1;
  }

 private:
  int64_t first_ = 0;
  int64_t stride_ = 1;
};

}  // namespace loadtest
