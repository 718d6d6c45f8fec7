// Merges the interval reports of one test: per driver, over the fleet, and per interval. Addition,
// so order does not matter.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/measure/measurements.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/load_test.pb.h"
#include "server/core/verdict.h"

namespace loadtest {

// Pure. Owned by the core; not thread-safe. About 0.2 MB a driver and an open interval.
class ReportMerger {
 public:
  explicit ReportMerger(const v1::Started& started);

  enum class Added {
    kNew,
    kDuplicate,
    kUnknownDriver,  // not assigned to the test in that life
  };
  Added Add(const v1::MetricsReport& report);

  // From now on intervals do not wait for the driver, and the verdict counts it as lost until its
  // last report comes.
  void MarkLost(std::string_view driver_id);

  struct DriverPart {
    v1::Assignment assignment;
    MeasurementSum sum;
    int64_t highest_sequence = 0;
    int64_t reports = 0;
    std::set<int64_t> missing;   // sequences below the highest that have not come
    int64_t highest_end_ns = 0;  // end offset of its newest report
    int64_t first_send_ns = 0;
    int64_t last_send_ns = 0;
    bool has_sent = false;
    bool finished = false;
    bool lost = false;
    v1::MetricsReport::EndReason end_reason = v1::MetricsReport::END_REASON_UNSPECIFIED;
    std::string error;
  };
  // By driver id.
  const std::map<std::string, DriverPart, std::less<>>& drivers() const { return drivers_; }
  const MeasurementSum& totals() const { return totals_; }

  // All drivers have sent their last report or are lost.
  bool AllDone() const;

  // Intervals that every driver still in the test has reported, oldest first. A late report of a
  // driver that was lost is merged into its interval.
  const std::vector<v1::IntervalResult>& closed_intervals() const { return closed_; }
  // As above, and those still open as far as they are known.
  std::vector<v1::IntervalResult> AllIntervals() const;

  // For Judge.
  std::vector<DriverEvidence> Evidence() const;

  // Longest time over the drivers in which requests were sent, warm-up left out, nanoseconds: for
  // drivers that are done to the end of their plan.
  int64_t SendingNs() const;
  // Largest - smallest first send, nanoseconds; 0 with fewer than two drivers that sent.
  int64_t StartSkewNs() const;

 private:
  // Requests that were under way or waiting when a driver wrote its newest report of an interval.
  struct Gauges {
    int64_t sequence = 0;
    v1::RequestCounts counts;
    v1::RequestCounts warmup;
  };
  struct Interval {
    MeasurementSum sum;
    std::map<std::pair<std::string, int64_t>, Gauges> drivers;  // by id and incarnation
    int64_t end_ns = 0;
  };
  // The same in little memory.
  struct ClosedInterval {
    std::string measurements;
    std::map<std::pair<std::string, int64_t>, Gauges> drivers;
    int64_t end_ns = 0;
  };

  void AddTo(Interval& interval, const v1::MetricsReport& report);
  // A report of an interval that is closed.
  void Amend(int64_t index, const v1::MetricsReport& report);
  void Keep(int64_t index, Interval interval);
  v1::IntervalResult Summarize(int64_t index, const Interval& interval) const;
  void CloseIntervals();
  // Of a driver that is done: when its sending was over, nanoseconds after the start.
  int64_t SendingEndNs(const DriverPart& part) const;
  void SetGauges(DriverPart& part, const v1::Measurements& newest);

  const v1::LoadTestSpec spec_;
  const int64_t interval_ns_;
  std::map<std::string, DriverPart, std::less<>> drivers_;
  MeasurementSum totals_;
  std::map<int64_t, Interval> open_;
  std::vector<v1::IntervalResult> closed_;  // in order
  // Those of closed_ that late reports can be merged into: the newest.
  std::map<int64_t, ClosedInterval> amendable_;
  int64_t closed_to_index_ = 0;
};

}  // namespace loadtest
