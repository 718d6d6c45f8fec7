// Which requests one driver is to send, and when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "common/schedule/amount.h"
#include "common/schedule/schedule.h"
#include "common/schedule/slot.h"
#include "driver/engine/send_shares.h"
#include "driver/engine/share_cursor.h"

namespace loadtest {

// The driver's own requests are numbered n = 0, 1, 2 ... in the order in which they are due. In an
// open loop each has a due time; in a closed loop it is due when a connection takes it up.
//
// An open loop sends the indices of one share, or of several while it does the work of drivers that
// were lost. Evenly spaced requests are a function of their number; those of a Poisson process are
// only known one after the other. So whoever goes through a plan has a DueCursor.
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

  // Sends every index of `slot` that is due before the duration is over. The slots of the test are
  // slot.stride(): what each of them sends at most bounds also what is taken over of others.
  static SendPlan OpenLoop(Schedule schedule, Slot slot, Limits limits);

  // As many requests per second as OpenLoop, at random times: the schedule's rate divided by
  // slot.stride(); seed and slot say at which.
  static SendPlan Poisson(Schedule schedule, uint64_t seed, Slot slot, Limits limits);

  // The same with other shares than the slot, for a driver that joins in mid-test. In a closed loop
  // only their first begin and last end matter.
  SendPlan WithShares(std::vector<Share> shares) const;

  bool is_open_loop() const { return is_open_loop_; }

  // What it begins with.
  const std::vector<Share>& shares() const { return shares_; }
  SendShares::Kind shares_kind() const {
    return is_random_ ? SendShares::Kind::kProcesses : SendShares::Kind::kIndices;
  }
  // Offset from the start at which the first share begins, nanoseconds.
  int64_t begin_ns() const;

  // Number of requests, those of the warm-up included; kNoLimit where it shows only on the way: in
  // a closed loop that only time ends, and in a Poisson process. A closed loop's is without the
  // warm-up, whose requests nobody can count beforehand.
  int64_t requests() const { return requests_; }

  // The first requests, up to this offset from the start, are not measured. Nanoseconds.
  int64_t warmup_ns() const { return warmup_ns_; }

  // No request is taken up or due at or after this offset from the start, warm-up included.
  int64_t duration_ns() const { return duration_ns_; }

 private:
  friend class ShareCursor;

  static SendPlan Scheduled(Schedule schedule, Slot slot, Limits limits);
  int64_t CountIn(const Share& share) const;

  bool is_open_loop_ = false;
  Schedule schedule_ = Schedule::EveryDelay(1);
  std::vector<Share> shares_;
  int64_t requests_ = 0;
  int64_t duration_ns_ = 0;
  int64_t warmup_ns_ = 0;
  // Evenly spaced: the first index of the whole schedule that nobody sends.
  int64_t end_index_ = 0;

  // A Poisson process: its seed, in how many slots the rate is divided, the requests of one after
  // the warm-up, and when they would all be due if they were evenly spaced: there ends what is
  // taken over, for how many the lost one has sent is not known.
  bool is_random_ = false;
  uint64_t seed_ = 0;
  int64_t slots_ = 1;
  int64_t measured_requests_ = kNoLimit;
  int64_t end_of_others_ns_ = kNeverNs;
};

// A place in a plan: a request, or the end. All cursors of a plan see the same times to the last
// bit, on whatever way they came. In a closed loop it only counts, and never comes to an end.
//
// Owned by one thread; not thread-safe. Allocates only when it is made and when shares change.
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
  // Goes `requests` further, which must not be beyond the end.
  void Skip(int64_t requests);
  // Open loop: goes to the first request that is due after `offset_ns`, or to the end.
  void SkipDue(int64_t offset_ns);

  // The plan's shares have changed; `shares` is the plan's, with all changes so far. What of them
  // is new and due before the request it stands at comes next.
  void Follow(const SendShares& shares);

 private:
  // Finds the request that is due next among all shares.
  void FindNext();

  const SendPlan* plan_;
  int64_t n_ = 0;
  int64_t due_ns_ = kNeverNs;
  bool at_end_ = false;
  // One for each entry of SendShares, and which of them have requests left, next_ among them.
  std::vector<ShareCursor> shares_;
  std::vector<size_t> live_;
  size_t next_ = 0;
};

}  // namespace loadtest
