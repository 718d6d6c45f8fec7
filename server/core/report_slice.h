// A report of a part of a test: merged anew from its stored interval reports.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/thresholds/threshold.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/load_test.pb.h"
#include "loadtest/v1/service.pb.h"
#include "server/core/report_merger.h"

namespace loadtest {

// What GetReportRequest asks for beyond the whole report.
struct SliceRequest {
  int64_t from_ns = 0;
  int64_t to_ns = 0;  // 0: to the end
  std::set<std::string> excluded;
  // Judged instead of the test's own; with `own_thresholds` the test's own.
  std::vector<Threshold> thresholds;
  bool own_thresholds = true;

  bool IsWhole() const { return from_ns == 0 && to_ns == 0 && excluded.empty(); }
  // Nothing but the report as it is.
  bool IsPlain() const { return IsWhole() && own_thresholds; }
};

// InvalidArgument names the field, the value and what was wanted.
absl::StatusOr<SliceRequest> ParseSlice(const v1::GetReportRequest& request);

// Takes the interval reports of a test one by one, each once, in any order of drivers, and makes
// the report of those within the slice. Percentiles are those of the merged histograms, as exact as
// those of the whole test.
//
// Pure; used by one thread.
class SlicedReport {
 public:
  // `whole` is the report of the whole test, `interval_ns` the length of its intervals.
  // InvalidArgument when the slice does not fit the test: an unknown driver, nothing left.
  static absl::StatusOr<SlicedReport> Create(SliceRequest request, v1::Report whole,
                                             int64_t interval_ns);

  void Add(const v1::MetricsReport& report);

  // The whole report with the slice's numbers in place of its own. FailedPrecondition when no
  // interval report was within the slice.
  absl::StatusOr<v1::Report> Take();

 private:
  // One life of a driver.
  struct Driver {
    MeasurementSum sum = MeasurementSum::Packed();  // there may be thousands
    std::set<int64_t> seen;  // sequences
    int64_t missing() const {
      return seen.empty() ? 0
                          : *seen.rbegin() - *seen.begin() + 1 - static_cast<int64_t>(seen.size());
    }
    int64_t end_ns = 0;  // of its newest report in the slice
    v1::MetricsReport::EndReason end_reason = v1::MetricsReport::END_REASON_UNSPECIFIED;
  };
  struct Interval {
    MeasurementSum sum = MeasurementSum::Packed();
    std::set<std::string> drivers;
    int64_t end_ns = 0;
  };

  SlicedReport(SliceRequest request, v1::Report whole, int64_t interval_ns)
      : request_(std::move(request)), report_(std::move(whole)), interval_ns_(interval_ns) {}
  void FillTotals();
  void FillDrivers();
  void FillIntervals();
  void Judge();
  // Time in which requests of the slice were sent.
  double SendingSeconds() const;

  SliceRequest request_;
  v1::Report report_;
  int64_t interval_ns_ = 0;
  MeasurementSum totals_;
  std::map<std::pair<std::string, int64_t>, Driver> drivers_;  // by id and incarnation
  std::map<int64_t, Interval> intervals_;
};

// Judges other thresholds by the totals of a report alone: for a test whose interval reports are
// not there. Those with a window are then not judged.
v1::Report JudgeTotals(const std::vector<Threshold>& thresholds, v1::Report report);

}  // namespace loadtest
