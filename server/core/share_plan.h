// Who sends which part of a test's schedule, and when: each driver its slot from the start to the
// end, until the parts of a lost driver are dealt out anew.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/schedule/schedule.h"
#include "loadtest/v1/bus.pb.h"
#include "server/core/driver_life.h"

namespace loadtest {

// At every moment each index belongs to exactly one life of one driver. A share that is handed over
// to m heirs is split by arithmetic progression: of the indices first, first + stride ... heir j
// gets first + j * stride, and from there every m-th. So heirs may be lost in their turn, and their
// shares are split once more.
//
// Pure. Owned by a ReportMerger; not thread-safe.
class SharePlan {
 public:
  explicit SharePlan(const v1::Started& started);

  // The share that an assignment has by itself.
  v1::Share OwnShare(const v1::Assignment& assignment) const;
  // All shares the life ever had, its past ones included; none when it does not take part.
  const std::vector<v1::Share>& SharesOf(const DriverLife& life) const;
  // Whether it has anything to send at or after `at_ns`.
  bool HoldsAfter(const DriverLife& life, int64_t at_ns) const;
  // When its part was taken from it, nanoseconds after the start; nothing while it has a share that
  // goes on to the end of the plan.
  std::optional<int64_t> EndOfShares(const DriverLife& life) const;

  // From `at_ns` on, what `lost` has left goes to `heirs`, of which there is at least one.
  v1::Adjusted HandOver(const DriverLife& lost, const std::vector<DriverLife>& heirs,
                        int64_t at_ns) const;
  // From `at_ns` on, `joined` sends its slot; whoever has parts of that loses them.
  v1::Adjusted GiveBack(const v1::Assignment& joined, int64_t at_ns) const;

  void Apply(const v1::Adjusted& adjusted);

  // When the plan is over, nanoseconds after the start; -1 when only answers end it.
  int64_t end_ns() const { return end_ns_; }
  // Whether it was given to others what the life had, or a part of it.
  bool HasLostShares(const DriverLife& life) const;
  // Whether the number of requests of a share is certain: an open loop at even gaps.
  bool is_exact() const { return schedule_.has_value() && is_even_; }
  // Whether requests have due times, so that those of a part can be counted.
  bool is_open_loop() const { return schedule_.has_value(); }
  // Requests of a life's shares that are due in [from, to) after the start. With Poisson arrivals
  // the expected number. 0 in a closed loop.
  int64_t Planned(const DriverLife& life, int64_t from_ns, int64_t to_ns) const;
  // As above, of what it got from others.
  int64_t PlannedOfOthers(const DriverLife& life, int64_t from_ns, int64_t to_ns) const;

 private:
  int64_t Count(const v1::Share& share, int64_t from_ns, int64_t to_ns) const;

  bool shares_one_schedule_ = false;  // a rate or stages: drivers have slots of it
  bool is_even_ = true;
  int64_t requests_per_driver_ = 0;
  int64_t warmup_ns_ = 0;
  int64_t duration_end_ns_ = kNeverNs;
  int64_t end_ns_ = -1;
  std::optional<Schedule> schedule_;
  std::map<DriverLife, v1::Assignment> assignments_;
  std::map<DriverLife, std::vector<v1::Share>> shares_;
};

}  // namespace loadtest
