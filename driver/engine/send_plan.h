// Which requests one driver is to send, and when.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "driver/engine/schedule.h"
#include "driver/engine/slot.h"

namespace loadtest {

// The driver's own requests are numbered n = 0, 1, 2 ... in the order in which they are sent. In an
// open loop each has a due time; in a closed loop it is due when a connection takes it up.
//
// Immutable; thread-safe.
class SendPlan {
 public:
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

  // How many requests and how long, whichever ends first. kNoLimit: not limited by it.
  struct Limits {
    int64_t requests = kNoLimit;
    int64_t duration_ns = kNoLimit;
    // Comes before both.
    int64_t warmup_ns = 0;
  };

  // Sends nothing.
  SendPlan() = default;

  static SendPlan ClosedLoop(Limits limits) {
    SendPlan plan;
    plan.requests_ = limits.requests;
    plan.warmup_ns_ = limits.warmup_ns;
    plan.duration_ns_ =
        limits.duration_ns == kNoLimit ? kNoLimit : limits.warmup_ns + limits.duration_ns;
    return plan;
  }

  // Sends every index of `slot` that is due before the duration is over.
  static SendPlan OpenLoop(Schedule schedule, Slot slot, Limits limits) {
    SendPlan plan = ClosedLoop(limits);
    plan.is_open_loop_ = true;
    plan.schedule_ = schedule;
    plan.slot_ = slot;
    if (limits.requests != kNoLimit) {
      plan.requests_ += slot.CountBelow(schedule.CountBefore(limits.warmup_ns));
    }
    if (plan.duration_ns_ != kNoLimit) {
      const int64_t before_end = slot.CountBelow(schedule.CountBefore(plan.duration_ns_));
      plan.requests_ = std::min(plan.requests_, before_end);
    }
    return plan;
  }

  bool is_open_loop() const { return is_open_loop_; }

  // Number of requests; kNoLimit in a closed loop that only time ends.
  int64_t requests() const { return requests_; }

  // The first requests, up to this offset from the start, are not measured. Nanoseconds.
  int64_t warmup_ns() const { return warmup_ns_; }

  // Closed loop: no request is taken up at or after this offset from the start.
  int64_t duration_ns() const { return duration_ns_; }

  // Open loop: nanoseconds after the start at which request n is due.
  int64_t Due(int64_t n) const { return schedule_.Due(slot_.IndexOf(n)); }

  // Open loop: how many requests are due at `offset_ns` or before.
  int64_t CountDue(int64_t offset_ns) const {
    return std::min(requests_, slot_.CountBelow(schedule_.CountBefore(offset_ns + 1)));
  }

 private:
  bool is_open_loop_ = false;
  Schedule schedule_ = Schedule::EveryDelay(1);
  Slot slot_;
  int64_t requests_ = 0;
  int64_t duration_ns_ = 0;
  int64_t warmup_ns_ = 0;
};

}  // namespace loadtest
