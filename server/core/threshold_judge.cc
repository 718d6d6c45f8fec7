#include "server/core/threshold_judge.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/time.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

using Measure = Threshold::Measure;
using Unit = Threshold::Unit;

// A closed loop with a duration may go on faster than until now, but hardly by more.
constexpr double kMostSpeedUp = 2;
// A window may lack this part of its length at its end.
constexpr int64_t kCutShare = 20;
// Late reports are added to windows of so many intervals before the newest.
constexpr int64_t kKeptIntervals = 300;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

const Histogram& LatencyOf(const Threshold& threshold, const MeasurementSum& sum) {
  switch (threshold.latency) {
    case Threshold::Latency::kService:
      return sum.service_time();
    case Threshold::Latency::kSendDelay:
      return sum.send_delay();
    case Threshold::Latency::kFirstByte:
      return sum.phase(Phase::kFirstByte);
    case Threshold::Latency::kResponse:
      break;
  }
  return sum.response_time();
}

// Requests that `threshold` counts.
int64_t CountFor(const Threshold& threshold, const MeasurementSum& sum) {
  const v1::RequestCounts& counts = sum.counts();
  switch (threshold.measure) {
    case Measure::kErrors:
      return counts.failed() + counts.dropped() + counts.http_errors();
    case Measure::kFailed:
      return counts.failed() + counts.dropped();
    case Measure::kHttpErrors:
      return counts.http_errors();
    case Measure::kSent:
      return counts.sent();
    case Measure::kStatus: {
      int64_t count = 0;
      for (const auto& [code, n] : sum.status_codes()) {
        if (code >= threshold.status_low && code <= threshold.status_high) count += n;
      }
      return count;
    }
    default:
      return counts.completed();
  }
}

// Requests that a share is of.
int64_t WholeFor(const Threshold& threshold, const MeasurementSum& sum) {
  const v1::RequestCounts& counts = sum.counts();
  const bool of_answers =
      threshold.measure == Measure::kHttpErrors || threshold.measure == Measure::kStatus;
  return of_answers ? counts.completed() : counts.completed() + counts.failed() + counts.dropped();
}

// Values that do not keep the bound, by the middles of their buckets, as percentiles are.
int64_t CountBeyond(const Threshold& threshold, const Histogram& histogram) {
  if (histogram.count() == 0) return 0;
  int64_t beyond = 0;
  for (int i = Histogram::IndexOf(histogram.min()); i <= Histogram::IndexOf(histogram.max()); ++i) {
    const auto value =
        static_cast<double>(std::clamp(Histogram::MiddleOf(i), histogram.min(), histogram.max()));
    if (!threshold.Keeps(value)) beyond += static_cast<int64_t>(histogram.bucket_count(i));
  }
  return beyond;
}

// Requests that are due in the measured part, at most; -1: not known before.
double PlannedRequests(const v1::LoadTestSpec& spec, int drivers) {
  double planned = -1;
  const double seconds = static_cast<double>(ToNanos(spec.duration())) / 1e9;
  if (spec.has_stages()) {
    planned = 0;
    for (const v1::Stage& stage : spec.stages().stages()) {
      planned +=
          (stage.from() + stage.to()) / 2 * static_cast<double>(ToNanos(stage.duration())) / 1e9;
    }
  } else if (IsOpenLoop(spec) && spec.has_duration()) {
    planned = HighestRate(spec, drivers) * seconds;
  }
  // Beyond it lies one process in 10^9.
  if (planned >= 0 && spec.arrivals() == v1::LoadTestSpec::POISSON) {
    planned += 6 * std::sqrt(planned);
  }
  if (planned >= 0) planned += drivers;  // the first of each driver's slot
  if (spec.requests_per_driver() > 0) {
    const double by_count = static_cast<double>(spec.requests_per_driver()) * drivers;
    planned = planned < 0 ? by_count : std::min(planned, by_count);
  }
  return planned;
}

}  // namespace

std::optional<double> MeasureFor(const Threshold& threshold, const MeasurementSum& sum,
                                 double seconds) {
  if (threshold.IsLatency()) {
    const Histogram& latency = LatencyOf(threshold, sum);
    if (latency.count() == 0) return std::nullopt;
    switch (threshold.measure) {
      case Measure::kMin:
        return static_cast<double>(latency.min());
      case Measure::kMean:
        return static_cast<double>(latency.sum()) / static_cast<double>(latency.count());
      case Measure::kMax:
        return static_cast<double>(latency.max());
      default:
        return static_cast<double>(latency.Percentile(threshold.quantile));
    }
  }
  const auto count = static_cast<double>(CountFor(threshold, sum));
  switch (threshold.unit) {
    case Unit::kPerSecond:
      if (seconds <= 0) return std::nullopt;
      return count / seconds;
    case Unit::kShare: {
      const int64_t whole = WholeFor(threshold, sum);
      if (whole == 0) return std::nullopt;
      return count / static_cast<double>(whole);
    }
    default:
      return count;
  }
}

ThresholdJudge::ThresholdJudge(std::vector<Threshold> thresholds, Plan plan)
    : thresholds_(std::move(thresholds)),
      plan_(std::move(plan)),
      sending_end_ns_(LongestSendingNs(plan_.spec, plan_.drivers)),
      values_(thresholds_.size()),
      judged_(thresholds_.size()) {
  if (plan_.interval_ns <= 0) return;
  first_index_ = CeilDiv(std::max(plan_.from_ns, ToNanos(plan_.spec.warmup())), plan_.interval_ns);
  for (const Threshold& threshold : thresholds_) {
    if (threshold.window_ns == 0) continue;
    if (FindWindows(threshold) == nullptr)
      windows_.push_back({.intervals = CeilDiv(threshold.window_ns, plan_.interval_ns)});
  }
}

const ThresholdJudge::Windows* ThresholdJudge::FindWindows(const Threshold& threshold) const {
  const int64_t intervals = CeilDiv(threshold.window_ns, plan_.interval_ns);
  const auto it = std::find_if(windows_.begin(), windows_.end(),
                               [&](const Windows& w) { return w.intervals == intervals; });
  return threshold.window_ns == 0 || it == windows_.end() ? nullptr : &*it;
}

void ThresholdJudge::OnInterval(int64_t index, const MeasurementSum& sum, int64_t end_ns) {
  if (index < first_index_) return;
  for (Windows& windows : windows_) {
    const int64_t number = (index - first_index_) / windows.intervals;
    Window& window = WindowFor(windows, number);
    window.sum.Merge(sum);
    if (index - first_index_ != windows.LastOf(number)) continue;
    window.has_last = true;
    window.end_ns = std::max(window.end_ns, end_ns);
    window.due += sum.counts().due();
    Judge(windows, number, window);
  }
}

void ThresholdJudge::OnLateReport(int64_t index, const v1::Measurements& late, int64_t end_ns) {
  if (index < first_index_) return;
  for (Windows& windows : windows_) {
    const int64_t number = (index - first_index_) / windows.intervals;
    if (!windows.kept.empty() && number < windows.kept.begin()->first) {
      has_missed_reports_ = true;
      continue;
    }
    Window& window = WindowFor(windows, number);
    window.sum.AddChecked(late).IgnoreError();  // it fitted into the totals
    if (index - first_index_ == windows.LastOf(number)) {
      window.has_last = true;
      window.end_ns = std::max(window.end_ns, end_ns);
      window.due += late.counts().due();
    }
    if (window.has_last) Judge(windows, number, window);
  }
}

ThresholdJudge::Window& ThresholdJudge::WindowFor(Windows& windows, int64_t number) {
  const auto [it, is_new] = windows.kept.try_emplace(number);
  if (!is_new) return it->second;
  // The one before it is most likely full.
  if (it != windows.kept.begin()) {
    MeasurementSum& full = std::prev(it)->second.sum;
    MeasurementSum packed = MeasurementSum::Packed();
    packed.Merge(full);
    full = std::move(packed);
  }
  const int64_t oldest =
      windows.kept.rbegin()->first - std::max<int64_t>(1, kKeptIntervals / windows.intervals);
  while (windows.kept.begin()->first < std::min(oldest, number))
    windows.kept.erase(windows.kept.begin());
  return it->second;
}

void ThresholdJudge::Judge(const Windows& windows, int64_t number, const Window& window) {
  const int64_t window_end_ns = (first_index_ + windows.LastOf(number) + 1) * plan_.interval_ns;
  // What comes when nothing is sent any more is no window of the test: answers to the last
  // requests, while the rate is 0.
  const bool was_sending =
      sending_end_ns_ < 0 ? window.due > 0 : static_cast<double>(window_end_ns) <= sending_end_ns_;
  const int64_t length_ns = windows.intervals * plan_.interval_ns;
  // The last request of a plan is due a little before its end, and then the last report comes.
  const bool is_cut = window_end_ns - window.end_ns > length_ns / kCutShare;
  if (is_cut || !was_sending) return;
  const int64_t start_ns = window_end_ns - length_ns;
  const int64_t end_ns = std::min(window.end_ns, window_end_ns);
  for (size_t i = 0; i < thresholds_.size(); ++i) {
    if (FindWindows(thresholds_[i]) != &windows) continue;
    const std::optional<double> value =
        MeasureFor(thresholds_[i], window.sum, static_cast<double>(end_ns - start_ns) / 1e9);
    if (value) SetValue(i, number, {.value = *value, .start_ns = start_ns, .end_ns = end_ns});
  }
}

void ThresholdJudge::SetValue(size_t threshold, int64_t number, const Value& value) {
  std::map<int64_t, Value>& values = values_[threshold];
  const bool is_next = values.empty() || values.rbegin()->first < number;
  values[number] = value;
  if (is_next) return Fold(thresholds_[threshold], value, judged_[threshold]);
  judged_[threshold] = Judged();
  for (const auto& [at, each] : values) Fold(thresholds_[threshold], each, judged_[threshold]);
}

void ThresholdJudge::Fold(const Threshold& threshold, const Value& value, Judged& judged) {
  const bool keeps = threshold.Keeps(value.value);
  const bool worse =
      threshold.IsUpper() ? value.value > judged.shown.value : value.value < judged.shown.value;
  if (!keeps && judged.failed++ == 0) {
    judged.shown = value;
  } else if (keeps && judged.failed == 0 && (judged.windows == 0 || worse)) {
    judged.shown.value = value.value;
  }
  ++judged.windows;
}

std::vector<v1::ThresholdResult> ThresholdJudge::Results(const MeasurementSum& totals,
                                                         double seconds) const {
  std::vector<v1::ThresholdResult> results;
  for (size_t i = 0; i < thresholds_.size(); ++i) {
    const Threshold& threshold = thresholds_[i];
    v1::ThresholdResult& result = results.emplace_back();
    result.set_expression(threshold.expression);
    if (threshold.window_ns == 0) {
      const std::optional<double> value = MeasureFor(threshold, totals, seconds);
      if (!value) continue;
      result.set_passed(threshold.Keeps(*value));
      result.set_actual(threshold.Format(*value));
      result.set_actual_value(*value);
      continue;
    }
    const Judged& judged = judged_[i];
    result.set_windows(judged.windows);
    result.set_windows_failed(judged.failed);
    if (judged.windows == 0) continue;
    result.set_passed(judged.failed == 0);
    result.set_actual(threshold.Format(judged.shown.value));
    result.set_actual_value(judged.shown.value);
    result.set_window_start_offset_ns(judged.shown.start_ns);
    result.set_window_end_offset_ns(judged.shown.end_ns);
  }
  return results;
}

std::string ThresholdJudge::Broken(const MeasurementSum& totals, int64_t reached_ns) const {
  const double most = MostRequests(totals, reached_ns);
  for (size_t i = 0; i < thresholds_.size(); ++i) {
    const Threshold& threshold = thresholds_[i];
    if (threshold.window_ns > 0) {
      const Judged& judged = judged_[i];
      if (judged.failed == 0) continue;
      return absl::StrFormat("threshold %s is broken: %s from %s to %s", threshold.expression,
                             threshold.Format(judged.shown.value),
                             FormatDuration(judged.shown.start_ns),
                             FormatDuration(judged.shown.end_ns));
    }
    const std::string why = WhyBroken(threshold, totals, most);
    if (why.empty()) continue;
    return absl::StrFormat("threshold %s cannot be kept any more: %s", threshold.expression, why);
  }
  return "";
}

double ThresholdJudge::MostRequests(const MeasurementSum& totals, int64_t reached_ns) const {
  const double planned = PlannedRequests(plan_.spec, plan_.drivers);
  if (planned >= 0) return planned;
  const double elapsed = static_cast<double>(reached_ns - ToNanos(plan_.spec.warmup()));
  if (elapsed <= 0) return HUGE_VAL;
  const double left = static_cast<double>(ToNanos(plan_.spec.duration())) / elapsed;
  return static_cast<double>(totals.counts().due()) * std::max(1.0, left) * kMostSpeedUp;
}

std::string ThresholdJudge::WhyBroken(const Threshold& threshold, const MeasurementSum& totals,
                                      double most) const {
  const v1::RequestCounts& counts = totals.counts();
  const auto count = static_cast<double>(CountFor(threshold, totals));
  const auto lost = static_cast<double>(counts.failed() + counts.dropped());
  const double seconds = static_cast<double>(ToNanos(plan_.spec.duration())) / 1e9;
  if (threshold.measure == Measure::kPercentile) {
    const int64_t beyond = CountBeyond(threshold, LatencyOf(threshold, totals));
    // From above: at most n - ceil(q n) of n values may lie beyond it. From below: fewer than
    // ceil(q n) may lie below it.
    const double rank = std::ceil(threshold.quantile * most);
    const double allowed = threshold.IsUpper() ? most - rank : rank - 1;
    if (static_cast<double>(beyond) <= allowed) return "";
    return absl::StrFormat("%s requests were %s it already", FormatCount(beyond),
                           threshold.IsUpper() ? "beyond" : "below");
  }
  if (threshold.IsLatency()) {
    const Histogram& latency = LatencyOf(threshold, totals);
    if (latency.count() == 0) return "";
    // A mean of all that is to come cannot be less than if it took no time.
    const double value = threshold.measure == Measure::kMean
                             ? static_cast<double>(latency.sum()) / most
                         : threshold.measure == Measure::kMax ? static_cast<double>(latency.max())
                                                              : static_cast<double>(latency.min());
    // The largest value only grows, the smallest only falls.
    const bool final =
        threshold.measure == Measure::kMin ? !threshold.IsUpper() : threshold.IsUpper();
    if (!final || threshold.Keeps(value)) return "";
    return threshold.measure == Measure::kMean ? "even if all further answers took no time"
                                               : "got " + threshold.Format(value);
  }
  if (!threshold.IsUpper()) {
    // Requests that have been lost will not be answered any more.
    if (!IsOpenLoop(plan_.spec) && plan_.spec.requests_per_driver() == 0) return "";
    const bool answers = threshold.measure == Measure::kCompleted ||
                         (threshold.measure == Measure::kRate && seconds > 0);
    if (!answers) return "";
    const double best = threshold.measure == Measure::kRate ? (most - lost) / seconds : most - lost;
    if (threshold.Keeps(best)) return "";
    return absl::StrFormat("%s requests are lost", FormatCount(static_cast<int64_t>(lost)));
  }
  const double least = threshold.unit == Unit::kShare       ? count / most
                       : threshold.unit == Unit::kPerSecond ? (seconds > 0 ? count / seconds : 0)
                                                            : count;
  if (threshold.Keeps(least)) return "";
  return "got " + FormatCount(static_cast<int64_t>(count));
}

}  // namespace loadtest
