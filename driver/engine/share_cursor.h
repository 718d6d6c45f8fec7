// A place in one share of a plan.
#pragma once

#include <cstdint>

#include "common/schedule/amount.h"
#include "common/schedule/slot.h"
#include "driver/engine/poisson_gaps.h"
#include "driver/engine/send_shares.h"

namespace loadtest {

class SendPlan;

// Stands at the next request of a share, or, when that is due at or after the share's end, waits
// there in case the end is put off. Cheap to copy.
//
// Owned by one thread; not thread-safe.
class ShareCursor {
 public:
  ShareCursor(const SendPlan& plan, const Share& share);

  // Nanoseconds after the start; kNeverNs when no request is left.
  int64_t due_ns() const { return due_ns_ < until_ns_ ? due_ns_ : kNeverNs; }

  // Goes to the next request. Not when none is left.
  void Advance(const SendPlan& plan) {
    ++k_;
    SetDue(plan);
  }

  // Goes to the first request that is due after `offset_ns`. Returns how many were before it.
  int64_t SkipDue(const SendPlan& plan, int64_t offset_ns);

  void SetUntil(int64_t until_ns) { until_ns_ = until_ns; }

 private:
  // Finds out when request k_ of the share is due.
  void SetDue(const SendPlan& plan);
  void SetRandomDue(const SendPlan& plan);

  Slot slot_;
  int64_t until_ns_;
  int64_t k_ = 0;
  int64_t due_ns_ = 0;
  // The first k beyond the plan's limit of requests; Poisson: known once the warm-up is over.
  int64_t end_;
  // Poisson: it has been the driver's own from the start on, and so has a number of requests.
  bool is_own_;
  // Poisson: the gaps, and the sum of those so far, in requests of this share, beginning with what
  // the fleet's rate amounts to at the share's begin.
  PoissonGaps gaps_;
  Amount base_ = 0;
  Amount sum_ = 0;
};

}  // namespace loadtest
