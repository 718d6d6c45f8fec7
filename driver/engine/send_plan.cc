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
  plan.shares_ = {Share()};
  return plan;
}

// The requests of all slots are a block of indices: n * slots of them are n of each slot, wherever
// the block begins. So what limits a slot can be said of the schedule.
SendPlan SendPlan::Scheduled(Schedule schedule, Slot slot, Limits limits) {
  SendPlan plan = ClosedLoop(limits);
  plan.is_open_loop_ = true;
  plan.shares_ = {{.first = slot.first(), .stride = slot.stride()}};
  plan.slots_ = slot.stride();
  plan.end_index_ = kNoLimit;
  if (limits.requests != kNoLimit) {
    plan.end_index_ = schedule.CountBefore(limits.warmup_ns) + limits.requests * slot.stride();
  }
  if (plan.duration_ns_ != kNoLimit) {
    plan.end_index_ = std::min(plan.end_index_, schedule.CountBefore(plan.duration_ns_));
  }
  plan.schedule_ = std::move(schedule);
  return plan;
}

SendPlan SendPlan::OpenLoop(Schedule schedule, Slot slot, Limits limits) {
  SendPlan plan = Scheduled(std::move(schedule), slot, limits);
  plan.requests_ = plan.CountIn(plan.shares_[0]);
  return plan;
}

SendPlan SendPlan::Poisson(Schedule schedule, uint64_t seed, Slot slot, Limits limits) {
  SendPlan plan = Scheduled(std::move(schedule), slot, limits);
  plan.is_random_ = true;
  plan.seed_ = seed;
  plan.measured_requests_ = limits.requests;
  plan.requests_ = kNoLimit;
  if (limits.requests != kNoLimit) plan.end_of_others_ns_ = plan.schedule_.Due(plan.end_index_);
  return plan;
}

SendPlan SendPlan::WithShares(std::vector<Share> shares) const {
  SendPlan plan = *this;
  plan.shares_ = std::move(shares);
  if (!is_open_loop_) {
    int64_t until_ns = 0;
    for (const Share& share : plan.shares_) until_ns = std::max(until_ns, share.until_ns);
    if (until_ns != kNeverNs) plan.duration_ns_ = std::min(plan.duration_ns_, until_ns);
  } else if (!is_random_) {
    plan.requests_ = 0;
    const SendShares disjoint(plan.shares_kind(), plan.shares_);
    for (const Share& share : disjoint.entries()) plan.requests_ += plan.CountIn(share);
  }
  return plan;
}

int64_t SendPlan::begin_ns() const {
  if (shares_.empty()) return 0;
  const auto first =
      std::min_element(shares_.begin(), shares_.end(),
                       [](const Share& a, const Share& b) { return a.from_ns < b.from_ns; });
  return first->from_ns;
}

int64_t SendPlan::CountIn(const Share& share) const {
  const Slot slot(share.first, share.stride);
  const int64_t end_index = share.until_ns == kNeverNs
                                ? end_index_
                                : std::min(end_index_, schedule_.CountBefore(share.until_ns));
  const int64_t before = slot.CountBelow(schedule_.CountBefore(share.from_ns));
  return std::max<int64_t>(0, slot.CountBelow(end_index) - before);
}

DueCursor::DueCursor(const SendPlan& plan) : plan_(&plan) {
  if (plan.is_open_loop()) Follow(SendShares(plan.shares_kind(), plan.shares()));
}

void DueCursor::Advance() {
  ++n_;
  if (live_.empty()) return;  // a closed loop
  ShareCursor& share = shares_[next_];
  share.Advance(*plan_);
  if (live_.size() == 1 && share.due_ns() != kNeverNs) {
    due_ns_ = share.due_ns();
  } else {
    FindNext();
  }
}

void DueCursor::Skip(int64_t requests) {
  for (int64_t i = 0; i < requests; ++i) Advance();
}

void DueCursor::SkipDue(int64_t offset_ns) {
  if (due_ns_ > offset_ns) return;
  for (const size_t i : live_) n_ += shares_[i].SkipDue(*plan_, offset_ns);
  FindNext();
}

void DueCursor::Follow(const SendShares& shares) {
  for (size_t i = 0; i < shares.entries().size(); ++i) {
    const Share& entry = shares.entries()[i];
    if (i < shares_.size()) {
      shares_[i].SetUntil(entry.until_ns);
    } else {
      shares_.emplace_back(*plan_, entry);
    }
  }
  live_.clear();
  for (size_t i = 0; i < shares_.size(); ++i) live_.push_back(i);
  FindNext();
}

void DueCursor::FindNext() {
  std::erase_if(live_, [this](size_t i) { return shares_[i].due_ns() == kNeverNs; });
  at_end_ = live_.empty();
  due_ns_ = kNeverNs;
  for (const size_t i : live_) {
    if (shares_[i].due_ns() >= due_ns_) continue;
    due_ns_ = shares_[i].due_ns();
    next_ = i;
  }
}

}  // namespace loadtest
