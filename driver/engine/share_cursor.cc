#include "driver/engine/share_cursor.h"

#include <algorithm>

#include "driver/engine/send_plan.h"

namespace loadtest {

ShareCursor::ShareCursor(const SendPlan& plan, const Share& share)
    : slot_(share.first, share.stride),
      until_ns_(share.until_ns),
      end_(SendPlan::kNoLimit),
      is_own_(share.from_ns == 0 && share.stride == plan.slots_),
      gaps_(is_own_ ? PoissonGaps(plan.seed_, share.first)
                    : PoissonGaps(plan.seed_, share.first, share.stride)) {
  if (plan.is_random_) {
    base_ = plan.schedule_.AmountBefore(share.from_ns);
  } else {
    k_ = slot_.CountBelow(plan.schedule_.CountBefore(share.from_ns));
    end_ = slot_.CountBelow(plan.end_index_);
  }
  SetDue(plan);
}

int64_t ShareCursor::SkipDue(const SendPlan& plan, int64_t offset_ns) {
  const int64_t before = k_;
  if (plan.is_random_) {
    while (due_ns() <= offset_ns) Advance(plan);
  } else if (due_ns() <= offset_ns) {
    const int64_t end_ns = std::min(offset_ns + 1, until_ns_);
    k_ = std::min(end_, slot_.CountBelow(plan.schedule_.CountBefore(end_ns)));
    SetDue(plan);
  }
  return k_ - before;
}

void ShareCursor::SetDue(const SendPlan& plan) {
  if (plan.is_random_) {
    SetRandomDue(plan);
  } else {
    due_ns_ = k_ < end_ ? plan.schedule_.Due(slot_.IndexOf(k_)) : kNeverNs;
  }
}

// The sum is in whole parts of a request, so it does not drift, and is the same on every way here.
void ShareCursor::SetRandomDue(const SendPlan& plan) {
  if (k_ >= end_) {
    due_ns_ = kNeverNs;
    return;
  }
  sum_ += gaps_.Gap(k_);
  due_ns_ = plan.schedule_.DueOf(base_ + sum_ * static_cast<Amount>(slot_.stride()));
  if (due_ns_ >= plan.duration_ns_ || (!is_own_ && due_ns_ >= plan.end_of_others_ns_)) {
    due_ns_ = kNeverNs;
  } else if (is_own_ && end_ == SendPlan::kNoLimit &&
             plan.measured_requests_ != SendPlan::kNoLimit && due_ns_ >= plan.warmup_ns_) {
    end_ = k_ + plan.measured_requests_;
  }
}

}  // namespace loadtest
