// The sum of all interval reports of one test.
#pragma once

#include <utility>

#include "common/measure/measurements.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {

// Reports are added to an interval's sum, and that to the totals when it is whole: so a report with
// its thousand buckets is merged once less. Pure. Owned by a ReportMerger; not thread-safe.
class FleetTotals {
 public:
  // Makes room for a report that will be added, now or with its interval. False, and no change,
  // when a sum of times would not fit into 63 bits.
  bool Reserve(const v1::Measurements& report) { return times_.Add(report); }

  // What room was made for.
  void Add(const MeasurementSum& interval) {
    sum_.Merge(interval);
    fresh_.Merge(interval);
    has_fresh_ = true;
  }
  void Add(const v1::Measurements& report) {
    sum_.AddChecked(report).IgnoreError();
    fresh_.AddChecked(report).IgnoreError();
    has_fresh_ = true;
  }

  // Requests of one driver that are under way or waiting now, and that were before.
  void ChangeGauges(const v1::RequestCounts& before, const v1::RequestCounts& now) {
    sum_.SetGauges(sum_.counts().in_flight() + now.in_flight() - before.in_flight(),
                   sum_.counts().waiting() + now.waiting() - before.waiting());
  }
  void ChangeWarmupGauges(const v1::RequestCounts& before, const v1::RequestCounts& now) {
    sum_.SetWarmupGauges(sum_.warmup().in_flight() + now.in_flight() - before.in_flight(),
                         sum_.warmup().waiting() + now.waiting() - before.waiting());
  }

  // Of what was added; the gauges are the newest.
  const MeasurementSum& sum() const { return sum_; }

  // What was added since this was last called, without gauges.
  bool has_fresh() const { return has_fresh_; }
  MeasurementSum TakeFresh() {
    has_fresh_ = false;
    return std::exchange(fresh_, MeasurementSum());
  }

 private:
  TimeSums times_;
  MeasurementSum sum_;
  MeasurementSum fresh_;
  bool has_fresh_ = false;
};

}  // namespace loadtest
