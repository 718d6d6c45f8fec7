// Judges the thresholds of a test on its merged measurements, while it runs and at its end.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/measure/measurements.h"
#include "common/thresholds/threshold.h"
#include "loadtest/v1/load_test.pb.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {

// What `threshold` measures, in its unit; nothing when there is nothing to measure it on: no answer
// for a latency, no request that came to an end for a share. `seconds` is the time in which
// requests were sent.
std::optional<double> MeasureFor(const Threshold& threshold, const MeasurementSum& sum,
                                 double seconds);

// Pure; owned by a ReportMerger. Holds 0.2 MB for each length of window, and some 20 KB for each
// window of the last 300 intervals, to which late reports are added.
class ThresholdJudge {
 public:
  struct Plan {
    v1::LoadTestSpec spec = {};
    int drivers = 0;
    int64_t interval_ns = 0;
    // Windows begin with the first whole interval at or after this and after the warm-up,
    // nanoseconds after the start.
    int64_t from_ns = 0;
  };
  ThresholdJudge(std::vector<Threshold> thresholds, Plan plan);

  // An interval is whole; they come in order. `end_ns` is where what was measured in it ends,
  // nanoseconds after the start.
  void OnInterval(int64_t index, const MeasurementSum& sum, int64_t end_ns);
  // A report, which CheckMeasurements has accepted, of an interval that counted as whole, of a
  // driver that had been given up: its windows are judged anew.
  void OnLateReport(int64_t index, const v1::Measurements& late, int64_t end_ns);
  // Whether one came so late that a window had to be left as it was.
  bool has_missed_reports() const { return has_missed_reports_; }

  // In the order of the thresholds. Without a window: of `totals`. A threshold for which nothing
  // was measured has no `actual`, and has not passed.
  std::vector<v1::ThresholdResult> Results(const MeasurementSum& totals, double seconds) const;

  // Why a threshold cannot be kept any more, whatever comes: `p99<50ms cannot be kept any
  // more: 1.2% of the requests ...`. Empty while all can. `reached_ns` is how far the test is.
  std::string Broken(const MeasurementSum& totals, int64_t reached_ns) const;

 private:
  struct Window {
    MeasurementSum sum;
    // Of its last interval.
    bool has_last = false;
    int64_t end_ns = 0;
    int64_t due = 0;
  };
  // Those of one length, which one or several thresholds have.
  struct Windows {
    int64_t intervals = 0;
    std::map<int64_t, Window> kept = {};  // by number; the newest ones
    int64_t LastOf(int64_t number) const { return (number + 1) * intervals - 1; }
  };
  // What was measured in a window.
  struct Value {
    double value = 0;
    int64_t start_ns = 0;
    int64_t end_ns = 0;
  };
  struct Judged {
    int32_t windows = 0;
    int32_t failed = 0;
    Value shown;  // of the first window that failed; while none has, the worst
  };

  // nullptr without a window.
  const Windows* FindWindows(const Threshold& threshold) const;
  Window& WindowFor(Windows& windows, int64_t number);
  void Judge(const Windows& windows, int64_t number, const Window& window);
  void SetValue(size_t threshold, int64_t number, const Value& value);
  static void Fold(const Threshold& threshold, const Value& value, Judged& judged);
  // Requests that the test sends at most, its warm-up left out.
  double MostRequests(const MeasurementSum& totals, int64_t reached_ns) const;
  std::string WhyBroken(const Threshold& threshold, const MeasurementSum& totals,
                        double most) const;

  const std::vector<Threshold> thresholds_;
  const Plan plan_;
  int64_t first_index_ = 0;
  double sending_end_ns_ = -1;  // of the plan; -1: not known
  std::vector<Windows> windows_;
  // Of thresholds_, by number of window; and what they come to.
  std::vector<std::map<int64_t, Value>> values_;
  std::vector<Judged> judged_;
  bool has_missed_reports_ = false;
};

}  // namespace loadtest
