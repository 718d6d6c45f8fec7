// Which requests one driver is to send, and when.
#pragma once

#include <cstdint>
#include <limits>
#include <variant>

#include "driver/engine/rate_curve.h"
#include "driver/engine/schedule.h"
#include "driver/engine/slot.h"

namespace loadtest {

// The driver's own requests are numbered n = 0, 1, 2 ... in the order in which they are sent. In an
// open loop each has a due time, which DueCursor tells; in a closed loop it is due when a lane
// takes it up.
//
// Immutable; thread-safe.
class SendPlan {
 public:
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

  // How many requests and how long, whichever ends first, after a warm-up of which the requests are
  // not counted. kNoLimit: not limited by it.
  struct Limits {
    int64_t requests = kNoLimit;
    int64_t duration_ns = kNoLimit;
    int64_t warmup_ns = 0;
  };

  // Open loop: the requests of all drivers together.
  using Pace = std::variant<Schedule, RateCurve>;

  // Independent users instead of a steady hand: a Poisson process of the same rate. Each slot has
  // one of its own, at its share of the rate; together they are one again.
  struct Poisson {
    uint64_t seed = 0;
    // Tells the drivers apart.
    int64_t stream = 0;
  };

  // Sends nothing.
  SendPlan() = default;

  static SendPlan ClosedLoop(Limits limits);

  // Sends every index of `slot` that is due before the duration is over. A RateCurve is to have the
  // warm-up in it.
  static SendPlan OpenLoop(Pace pace, Slot slot, Limits limits);

  // Sends at random, as often as `slot` of `pace` would.
  static SendPlan OpenLoop(Pace pace, Slot slot, Limits limits, Poisson poisson);

  bool is_open_loop() const { return is_open_loop_; }

  // Closed loop: number of requests after the warm-up, or kNoLimit. Open loop with even arrivals:
  // number of all requests.
  int64_t requests() const { return requests_; }

  // The first requests, up to this offset from the start, are not measured. Nanoseconds.
  int64_t warmup_ns() const { return warmup_ns_; }

  // Nothing is sent at or after this offset from the start. Nanoseconds, with the warm-up.
  int64_t duration_ns() const { return duration_ns_; }

 private:
  friend class DueCursor;

  int64_t DueOf(long double count) const;
  int64_t CountBefore(int64_t offset_ns) const;

  bool is_open_loop_ = false;
  bool is_poisson_ = false;
  Pace pace_ = Schedule::EveryDelay(1);
  Slot slot_;
  // Of this slot's random numbers.
  uint64_t stream_ = 0;
  int64_t requests_ = 0;
  int64_t duration_ns_ = 0;
  int64_t warmup_ns_ = 0;
};

// Walks through the due times of an open loop. Several may walk through one plan; they see the same
// times.
class DueCursor {
 public:
  // At request 0. `plan` must outlive the cursor.
  explicit DueCursor(const SendPlan& plan);

  // The number of the request it stands at, and the nanoseconds after the start at which that is
  // due.
  int64_t n() const { return n_; }
  int64_t due_ns() const { return due_ns_; }
  // There is no such request: the plan ends before it.
  bool at_end() const;

  // Goes to the next request.
  void Advance();
  // Goes `requests` further.
  void Skip(int64_t requests);
  // Goes to the first request that is due after `offset_ns`, or to the end.
  void SkipDue(int64_t offset_ns);

 private:
  void SetDue();

  const SendPlan* plan_;
  int64_t n_ = 0;
  int64_t due_ns_ = 0;
  // Poisson: sum of the gaps up to here, each 1 on average, in units of 2^-20.
  int64_t gaps_ = 0;
  // Poisson: how many of the requests so far belong to the warm-up.
  int64_t warmup_requests_ = 0;
};

}  // namespace loadtest
