// Judges the thresholds of a test on its merged measurements, while it runs and at its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/measure/measurements.h"
#include "common/thresholds/threshold.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// What `threshold` measures, in its unit; nothing when there is nothing to measure it on: no answer
// for a latency, no request that came to an end for a share. `seconds` is the time in which
// requests were sent.
std::optional<double> MeasureFor(const Threshold& threshold, const MeasurementSum& sum,
                                 double seconds);

// Pure; owned by a ReportMerger. Holds 0.2 MB for each length of window.
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

  // In the order of the thresholds. Without a window: of `totals`. A threshold for which nothing
  // was measured has no `actual`, and has not passed.
  std::vector<v1::ThresholdResult> Results(const MeasurementSum& totals, double seconds) const;

  // Why a threshold cannot be kept any more, whatever comes: `p99<50ms cannot be kept any
  // more: 1.2% of the requests ...`. Empty while all can. `reached_ns` is how far the test is.
  std::string Broken(const MeasurementSum& totals, int64_t reached_ns) const;

 private:
  // Of all thresholds with windows of one length: the window that is being filled.
  struct Window {
    int64_t intervals = 0;
    int64_t number = -1;
    MeasurementSum sum;
  };
  struct Judged {
    int32_t windows = 0;
    int32_t failed = 0;
    // Of the first window that failed; while none has, the worst.
    double value = 0;
    int64_t start_ns = 0;
    int64_t end_ns = 0;
  };

  void JudgeWindow(const Window& window, int64_t start_ns, int64_t end_ns);
  // Requests that the test sends at most, its warm-up left out.
  double MostRequests(const MeasurementSum& totals, int64_t reached_ns) const;
  std::string WhyBroken(const Threshold& threshold, const MeasurementSum& totals,
                        double most) const;

  const std::vector<Threshold> thresholds_;
  const Plan plan_;
  int64_t first_index_ = 0;
  double sending_end_ns_ = -1;  // of the plan; -1: not known
  std::vector<Window> windows_;
  std::vector<Judged> judged_;  // of thresholds_
};

}  // namespace loadtest
