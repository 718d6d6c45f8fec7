// Which requests one driver is to send, and when.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "common/schedule/amount.h"
#include "driver/engine/poisson_gaps.h"
#include "common/schedule/schedule.h"
#include "common/schedule/slot.h"

namespace loadtest {

// The driver's own requests are numbered n = 0, 1, 2 ... in the order in which they are sent. In an
// open loop each has a due time; in a closed loop it is due when a connection takes it up.
//
// Evenly spaced requests are a function of their number. Those of a Poisson process are only known
// one after the other, so whoever goes through a plan has a DueCursor.
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

  static SendPlan ClosedLoop(Limits limits);

  // Sends every index of `slot` that is due before the duration is over.
  static SendPlan OpenLoop(Schedule schedule, Slot slot, Limits limits);

  // As many requests per second as OpenLoop, at random times. `share` is by how much the schedule's
  // rate is divided: the number of drivers that share it, 1 if each has it for itself.
  static SendPlan Poisson(Schedule schedule, PoissonGaps gaps, int64_t share, Limits limits);

  bool is_open_loop() const { return is_open_loop_; }

  // Number of requests, those of the warm-up included; kNoLimit where it shows only on the way: in
  // a closed loop that only time ends, and in a Poisson process. A closed loop's is without the
  // warm-up, whose requests nobody can count beforehand.
  int64_t requests() const { return requests_; }

  // The first requests, up to this offset from the start, are not measured. Nanoseconds.
  int64_t warmup_ns() const { return warmup_ns_; }

  // No request is taken up or due at or after this offset from the start, warm-up included.
  int64_t duration_ns() const { return duration_ns_; }

 private:
  friend class DueCursor;

  bool is_open_loop_ = false;
  Schedule schedule_ = Schedule::EveryDelay(1);
  Slot slot_;
  int64_t requests_ = 0;
  int64_t duration_ns_ = 0;
  int64_t warmup_ns_ = 0;
  // A Poisson process: its gaps, how many drivers share the rate, and its requests after the
  // warm-up.
  std::optional<PoissonGaps> gaps_;
  Amount share_ = 1;
  int64_t measured_requests_ = kNoLimit;
};

// A place in a plan: a request, or the end. Cheap to copy; all cursors of a plan see the same times
// to the last bit, on whatever way they came. In a closed loop it only counts, and never comes to
// an end.
//
// Owned by one thread; not thread-safe.
class DueCursor {
 public:
  // At request 0. `plan` must outlive the cursor.
  explicit DueCursor(const SendPlan& plan);

  // The number of the request it stands at, which is how many came before it, and the nanoseconds
  // after the start at which that is due: kNeverNs at the end of the plan, and in a closed loop.
  int64_t n() const { return n_; }
  int64_t due_ns() const { return due_ns_; }
  // Open loop: no request is left.
  bool at_end() const { return at_end_; }

  // Goes to the next request. Not at the end.
  void Advance();
  // Goes `requests` further, which must not be beyond the end: in one step where they are evenly
  // spaced, in as many in a Poisson process.
  void Skip(int64_t requests);
  // Open loop: goes to the first request that is due after `offset_ns`, or to the end.
  void SkipDue(int64_t offset_ns);

 private:
  // Finds out when request n_ is due.
  void SetDue();
  void SetRandomDue();
  void End();

  const SendPlan* plan_;
  int64_t n_ = 0;
  int64_t due_ns_ = kNeverNs;
  bool at_end_ = false;
  // Poisson: the sum of the gaps so far, in requests of this driver.
  Amount sum_ = 0;
  // Number of all requests; Poisson: as soon as the warm-up is over.
  int64_t requests_ = SendPlan::kNoLimit;
};

}  // namespace loadtest
