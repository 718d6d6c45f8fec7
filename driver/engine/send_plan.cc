#include "driver/engine/send_plan.h"

#include <algorithm>
#include <utility>

namespace loadtest {

SendPlan SendPlan::ClosedLoop(Limits limits) {
  SendPlan plan;
  plan.requests_ = limits.requests;
  plan.warmup_ns_ = limits.warmup_ns;
  plan.duration_ns_ =
      limits.duration_ns == kNoLimit ? kNoLimit : limits.warmup_ns + limits.duration_ns;
  return plan;
}

SendPlan SendPlan::OpenLoop(Schedule schedule, Slot slot, Limits limits) {
  SendPlan plan = ClosedLoop(limits);
  plan.is_open_loop_ = true;
  plan.slot_ = slot;
  if (limits.requests != kNoLimit) {
    plan.requests_ += slot.CountBelow(schedule.CountBefore(limits.warmup_ns));
  }
  if (plan.duration_ns_ != kNoLimit) {
    const int64_t before_end = slot.CountBelow(schedule.CountBefore(plan.duration_ns_));
    plan.requests_ = std::min(plan.requests_, before_end);
  }
  plan.schedule_ = std::move(schedule);
  return plan;
}

SendPlan SendPlan::Poisson(Schedule schedule, PoissonGaps gaps, int64_t share, Limits limits) {
  SendPlan plan = ClosedLoop(limits);
  plan.is_open_loop_ = true;
  plan.schedule_ = std::move(schedule);
  plan.gaps_ = gaps;
  plan.share_ = static_cast<Amount>(share);
  plan.measured_requests_ = limits.requests;
  plan.requests_ = kNoLimit;
  return plan;
}

DueCursor::DueCursor(const SendPlan& plan) : plan_(&plan), requests_(plan.requests_) { SetDue(); }

void DueCursor::Advance() {
  ++n_;
  SetDue();
}

void DueCursor::Skip(int64_t requests) {
  if (plan_->gaps_) {
    for (int64_t i = 0; i < requests; ++i) Advance();
  } else if (requests > 0) {
    n_ += requests;
    SetDue();
  }
}

void DueCursor::SkipDue(int64_t offset_ns) {
  if (plan_->gaps_) {
    while (due_ns_ <= offset_ns) Advance();
    return;
  }
  if (due_ns_ > offset_ns) return;
  const int64_t due = plan_->slot_.CountBelow(plan_->schedule_.CountBefore(offset_ns + 1));
  Skip(std::min(requests_, due) - n_);
}

void DueCursor::SetDue() {
  if (!plan_->is_open_loop_) return;
  if (plan_->gaps_) {
    SetRandomDue();
  } else if (n_ >= requests_) {
    End();
  } else {
    due_ns_ = plan_->schedule_.Due(plan_->slot_.IndexOf(n_));
  }
}

// The sum is in whole parts of a request, so it does not drift, and is the same on every way here.
void DueCursor::SetRandomDue() {
  if (n_ >= requests_) return End();
  sum_ += plan_->gaps_->Gap(n_);
  due_ns_ = plan_->schedule_.DueOf(sum_ * plan_->share_);
  if (due_ns_ >= plan_->duration_ns_ || due_ns_ == kNeverNs) return End();
  if (requests_ == SendPlan::kNoLimit && plan_->measured_requests_ != SendPlan::kNoLimit &&
      due_ns_ >= plan_->warmup_ns_) {
    requests_ = n_ + plan_->measured_requests_;
  }
}

void DueCursor::End() {
  at_end_ = true;
  due_ns_ = kNeverNs;
}

}  // namespace loadtest
