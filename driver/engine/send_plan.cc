#include "driver/engine/send_plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace loadtest {
namespace {

constexpr int kGapBits = 20;

// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): the
// generator's output at a position, so that any gap can be had without those before it.
uint64_t RandomAt(uint64_t stream, uint64_t position) {
  uint64_t z = stream + (position + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// An exponentially distributed gap of mean 1, in units of 2^-kGapBits.
int64_t GapAt(uint64_t stream, int64_t n) {
  // Uniform in (0, 1], so that its logarithm is finite.
  const double uniform =
      static_cast<double>((RandomAt(stream, static_cast<uint64_t>(n)) >> 11) + 1) * 0x1p-53;
  return std::llround(-std::log(uniform) * (1 << kGapBits));
}

}  // namespace

SendPlan SendPlan::ClosedLoop(Limits limits) {
  SendPlan plan;
  plan.requests_ = limits.requests;
  plan.warmup_ns_ = limits.warmup_ns;
  plan.duration_ns_ =
      limits.duration_ns == kNoLimit ? kNoLimit : limits.warmup_ns + limits.duration_ns;
  return plan;
}

SendPlan SendPlan::OpenLoop(Pace pace, Slot slot, Limits limits) {
  SendPlan plan = ClosedLoop(limits);
  plan.is_open_loop_ = true;
  plan.pace_ = std::move(pace);
  plan.slot_ = slot;
  if (const auto* curve = std::get_if<RateCurve>(&plan.pace_)) {
    plan.duration_ns_ = std::min(plan.duration_ns_, curve->duration_ns());
  }
  if (plan.requests_ != kNoLimit) {
    plan.requests_ += slot.CountBelow(plan.CountBefore(limits.warmup_ns));
  }
  if (plan.duration_ns_ != kNoLimit) {
    plan.requests_ = std::min(plan.requests_, slot.CountBelow(plan.CountBefore(plan.duration_ns_)));
  }
  return plan;
}

SendPlan SendPlan::OpenLoop(Pace pace, Slot slot, Limits limits, Poisson poisson) {
  SendPlan plan = OpenLoop(std::move(pace), slot, limits);
  plan.is_poisson_ = true;
  plan.requests_ = limits.requests;
  plan.stream_ = RandomAt(poisson.seed, static_cast<uint64_t>(poisson.stream));
  return plan;
}

int64_t SendPlan::DueOf(long double count) const {
  if (const auto* curve = std::get_if<RateCurve>(&pace_)) return curve->TimeOf(count);
  return std::get<Schedule>(pace_).TimeOf(count);
}

int64_t SendPlan::CountBefore(int64_t offset_ns) const {
  return std::visit([offset_ns](const auto& pace) { return pace.CountBefore(offset_ns); }, pace_);
}

DueCursor::DueCursor(const SendPlan& plan) : plan_(&plan) {
  if (plan.is_poisson_) gaps_ = GapAt(plan.stream_, 0);
  SetDue();
}

void DueCursor::SetDue() {
  if (plan_->is_poisson_) {
    // This slot's count of 1 is a stride of the whole pace's.
    const long double count = std::ldexp(static_cast<long double>(gaps_), -kGapBits) *
                              static_cast<long double>(plan_->slot_.stride());
    due_ns_ = plan_->DueOf(count);
    return;
  }
  const int64_t index = plan_->slot_.IndexOf(n_);
  if (const auto* schedule = std::get_if<Schedule>(&plan_->pace_)) {
    due_ns_ = schedule->Due(index);
  } else {
    due_ns_ = std::get<RateCurve>(plan_->pace_).TimeOf(static_cast<long double>(index));
  }
}

bool DueCursor::at_end() const {
  if (!plan_->is_poisson_) return n_ >= plan_->requests_;
  return due_ns_ >= plan_->duration_ns_ ||
         (due_ns_ >= plan_->warmup_ns_ && n_ - warmup_requests_ >= plan_->requests_);
}

void DueCursor::Advance() {
  if (due_ns_ < plan_->warmup_ns_) ++warmup_requests_;
  ++n_;
  if (plan_->is_poisson_) gaps_ += GapAt(plan_->stream_, n_);
  SetDue();
}

void DueCursor::Skip(int64_t requests) {
  if (plan_->is_poisson_) {
    for (int64_t i = 0; i < requests; ++i) Advance();
  } else if (requests > 0) {
    n_ += requests;
    SetDue();
  }
}

void DueCursor::SkipDue(int64_t offset_ns) {
  if (plan_->is_poisson_) {
    while (!at_end() && due_ns_ <= offset_ns) Advance();
    return;
  }
  if (due_ns_ > offset_ns || at_end()) return;
  const int64_t due =
      std::min(plan_->requests_, plan_->slot_.CountBelow(plan_->CountBefore(offset_ns + 1)));
  Skip(due - n_);
}

}  // namespace loadtest
