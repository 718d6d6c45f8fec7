// Merges the interval reports of one test: per driver, over the fleet, and per interval. Addition,
// so order does not matter.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/measure/measurements.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/load_test.pb.h"
#include "server/core/driver_life.h"
#include "server/core/fleet_totals.h"
#include "server/core/interval_log.h"
#include "server/core/share_plan.h"
#include "server/core/threshold_judge.h"
#include "server/core/verdict.h"

namespace loadtest {

// Pure. Owned by the core; not thread-safe. Some 10 KB a driver, and 0.2 MB an open interval.
class ReportMerger {
 public:
  explicit ReportMerger(const v1::Started& started);

  enum class Added {
    kNew,
    kDuplicate,
    kUnknownDriver,  // not assigned to the test in that life
    kOutOfRange,     // a sequence or a time that cannot be, or a sum beyond 63 bits
  };
  Added Add(const v1::MetricsReport& report);

  // From now on intervals do not wait for the driver, and the verdict counts it as lost until its
  // last report comes.
  void MarkLost(const DriverLife& life);

  // The driver was silent, and goes on: it counts, and is waited for, as if it had never been lost.
  // Intervals that were closed without it stay so; its reports of them are merged into them.
  void MarkHeardAgain(const DriverLife& life);

  // Shares are dealt out anew. Who is left without any is lost; who joins takes part from now on.
  void Adjust(const v1::Adjusted& adjusted);
  // While records are read again, those that say who was lost come before the reports: until all
  // are read no interval is closed, so that none misses a report.
  void SetReplaying(bool replaying);
  // A stop was ordered so long after the start: nothing was to be sent from then on.
  void StopAt(int64_t offset_ns) { stop_ns_ = std::max<int64_t>(0, offset_ns); }
  // The driver will not send what it was given of others.
  void MarkRefused(const DriverLife& life);

  struct DriverPart {
    v1::Assignment assignment;
    size_t index = 0;  // among the drivers, in the order in which they were assigned
    // Packed: there may be thousands of drivers, and each adds once an interval.
    MeasurementSum sum = MeasurementSum::Packed();
    int64_t highest_sequence = 0;
    int64_t reports = 0;
    std::set<int64_t> missing;   // sequences below the highest that have not come
    int64_t highest_end_ns = 0;  // end offset of its newest report
    int64_t first_send_ns = 0;
    int64_t last_send_ns = 0;
    bool has_sent = false;
    bool finished = false;
    bool lost = false;
    bool joined = false;   // in mid-test
    bool refused = false;  // shares of others
    v1::MetricsReport::EndReason end_reason = v1::MetricsReport::END_REASON_UNSPECIFIED;
    std::string error;

    // Of all its requests. Worked out once for each report that has come.
    int64_t SendDelayP99Ns() const;

   private:
    mutable int64_t send_delay_p99_ns_ = 0;
    mutable int64_t send_delay_count_ = 0;  // of which it is
  };
  // By driver id and incarnation.
  const std::map<DriverLife, DriverPart>& drivers() const { return drivers_; }
  // nullptr when it does not take part.
  const DriverPart* Find(const DriverLife& life) const;
  const SharePlan& shares() const { return shares_; }

  // Whether the driver sends nothing more although its plan goes on: it is lost, or was told to
  // end.
  static bool IsGone(const DriverPart& part);

  // Measured requests of a driver's plan that none of its reports tells of.
  struct Unreported {
    int64_t requests = 0;
    // The part of the test in which they were due, nanoseconds after the start; `to_ns` is -1 when
    // only answers would have ended it.
    int64_t from_ns = 0;
    int64_t to_ns = 0;
  };
  Unreported UnreportedOf(const DriverPart& part) const;
  // Of those it sent, what it took over from others, as its plan has it.
  int64_t TookOver(const DriverPart& part) const;
  // Of a driver that is done: requests, warm-up included, that were due for it beyond its plan,
  // whose shares were given to others before it heard of it; -1: some, nobody knows how many.
  int64_t BeyondPlan(const DriverPart& part) const;
  // Of a driver that is done and was given shares of others: those of its plan that were never due
  // for it, warm-up included, as it had ended before it heard of them.
  int64_t NotTakenOver(const DriverPart& part) const;
  // Of all reports. Valid until the next change.
  const MeasurementSum& totals() const;
  // What intervals that were closed, and reports that came later, have brought since this was last
  // called.
  bool has_fresh() const { return totals_.has_fresh(); }
  MeasurementSum TakeFresh() { return totals_.TakeFresh(); }
  // The test is over: no interval waits for anybody. Reports that come all the same are late ones.
  void CloseAll();

  // All drivers have sent their last report or are lost.
  bool AllDone() const;

  // Intervals that every driver still in the test has reported, oldest first. A late report of a
  // driver that was lost is merged into its interval.
  std::vector<v1::IntervalResult> closed_intervals() const { return closed_.All(); }
  bool has_closed_intervals() const { return !closed_.empty(); }
  const v1::IntervalResult& newest_closed_interval() const { return closed_.newest(); }
  // Up to where intervals are closed, nanoseconds after the start.
  int64_t closed_to_ns() const { return closed_to_index_ * interval_ns_; }
  // The closed ones, and those still open as far as they are known.
  std::vector<v1::IntervalResult> AllIntervals() const;

  // For Judge.
  std::vector<DriverEvidence> Evidence() const;

  // As things stand, in the order of spec.thresholds.
  std::vector<v1::ThresholdResult> Thresholds() const;
  // A report came so late that windows of thresholds are judged without it.
  bool has_unjudged_reports() const { return judge_.has_missed_reports(); }
  // With abort_on_threshold: why one cannot be kept any more; else empty.
  const std::string& broken_threshold() const { return broken_threshold_; }

  // Longest time over the drivers in which requests were sent, warm-up left out, nanoseconds: for
  // drivers that are done to the end of their plan.
  int64_t SendingNs() const;
  // Largest - smallest first send, nanoseconds; 0 with fewer than two drivers that sent.
  int64_t StartSkewNs() const;

 private:
  // Requests that were under way or waiting when a driver wrote its newest report of an interval.
  struct Gauges {
    int64_t sequence = 0;  // of that report; 0: none has come
    int64_t in_flight = 0;
    int64_t waiting = 0;
    int64_t warmup_in_flight = 0;
    int64_t warmup_waiting = 0;
  };
  struct Interval {
    MeasurementSum sum;
    std::vector<Gauges> gauges;  // by DriverPart::index; those behind the last have not reported
    int64_t end_ns = 0;
  };
  // The same in little memory.
  struct ClosedInterval {
    std::string measurements;
    std::vector<Gauges> gauges;
    int64_t end_ns = 0;
  };

  // Of a driver that takes part from now on.
  DriverPart& PartOf(const v1::Assignment& assignment);
  void AddTo(Interval& interval, const DriverPart& part, const v1::MetricsReport& report);
  // A report of an interval that is closed.
  void Amend(int64_t index, const DriverPart& part, const v1::MetricsReport& report);
  void Keep(int64_t index, Interval interval);
  void Close(int64_t index, Interval interval);
  v1::IntervalResult Summarize(int64_t index, const Interval& interval) const;
  void CloseIntervals();
  // Whether a driver still has to report up to this offset. Begins where it last found one, so that
  // an interval costs one look at each driver and not one at all of them a report.
  bool IsAwaited(int64_t boundary_ns);
  // Of a driver that is done: when its sending was over, nanoseconds after the start.
  int64_t SendingEndNs(const DriverPart& part) const;
  void SetGauges(DriverPart& part, const v1::Measurements& newest);

  const v1::LoadTestSpec spec_;
  const int64_t interval_ns_;
  const int slots_;
  // No honest report is of a later time.
  int64_t latest_end_ns_ = 0;
  bool replaying_ = false;
  int64_t stop_ns_ = kNeverNs;
  SharePlan shares_;
  std::map<DriverLife, DriverPart> drivers_;
  decltype(drivers_)::const_iterator awaited_ = drivers_.end();
  FleetTotals totals_;  // of closed intervals
  mutable std::optional<MeasurementSum> totals_with_open_;  // made when asked for
  std::map<int64_t, Interval> open_;
  IntervalLog closed_;
  // Those of closed_ that late reports can be merged into: the newest.
  std::map<int64_t, ClosedInterval> amendable_;
  int64_t closed_to_index_ = 0;
  ThresholdJudge judge_;
  std::string broken_threshold_;
};

}  // namespace loadtest
