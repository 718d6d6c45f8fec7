#include "client/report/comparison.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "client/report/quantile_noise.h"
#include "client/view/layout.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/measure/histogram.h"

namespace loadtest {
namespace {

// Buckets of the histograms are 0.2 % wide, and rates are cut where intervals are: what is below is
// no difference.
constexpr double kResolution = 0.002;

using Value = std::function<double(const v1::IntervalResult&)>;

// What is compared: of the whole tests, and of their intervals.
struct Measure {
  std::string name;
  Change::Unit unit = Change::Unit::kNanoseconds;
  bool more_is_better = false;
  // From requests.
  Estimate before;
  Estimate after;
  Value of_interval;
  // Of percentiles, which do not add up over intervals.
  double q = 0;
  const v1::LatencySummary& (v1::IntervalResult::*latency)() const = nullptr;
};

Change::Direction DirectionOf(const Change& change, bool more_is_better) {
  const double least = change.unit == Change::Unit::kShare
                           ? 0
                           : kResolution * std::max(change.before.value, change.after.value);
  const bool up = change.difference.low > 0 && change.difference.value > least;
  const bool down = change.difference.high < 0 && -change.difference.value > least;
  if (!up && !down) return Change::Direction::kNone;
  return up == more_is_better ? Change::Direction::kBetter : Change::Direction::kWorse;
}

// The intervals of two tests, and what they say about noise.
class Intervals {
 public:
  Intervals(const v1::Report& before, const v1::Report& after)
      : before_(SteadyIntervals(before)),
        after_(SteadyIntervals(after)),
        has_course_(before.load_test().spec().has_stages()) {}

  Change OfWhole(const Measure& measure) const {
    Change change{.name = measure.name,
                  .unit = measure.unit,
                  .before = measure.before,
                  .after = measure.after,
                  .difference = OfDifference(measure.before, measure.after)};
    if (before_.size() >= kFewestIntervals && after_.size() >= kFewestIntervals) {
      if (measure.latency != nullptr) {
        WidenPercentile(measure, change);
      } else {
        WidenSum(measure, change);
      }
    }
    change.direction = DirectionOf(change, measure.more_is_better);
    return change;
  }

  // Nothing when there are too few.
  std::optional<Change> OfTypical(const Measure& measure) const {
    const std::vector<double> before = ValuesOf(before_, measure.of_interval);
    const std::vector<double> after = ValuesOf(after_, measure.of_interval);
    if (before.size() < kFewestRanked || after.size() < kFewestRanked) return std::nullopt;
    Change change{.name = std::string(kTypical) + measure.name,
                  .unit = measure.unit,
                  .before = OfMedian(before),
                  .after = OfMedian(after),
                  .difference = has_course_ ? OfMiddle(PairedDifferences(before, after))
                                            : OfShift(before, after)};
    change.direction = DirectionOf(change, measure.more_is_better);
    return change;
  }

 private:
  static std::vector<double> ValuesOf(const std::vector<const v1::IntervalResult*>& intervals,
                                      const Value& value) {
    std::vector<double> values;
    for (const v1::IntervalResult* interval : intervals) values.push_back(value(*interval));
    return values;
  }

  // Of what adds up over intervals: the spread of them.
  void WidenSum(const Measure& measure, Change& change) const {
    const std::vector<double> before = ValuesOf(before_, measure.of_interval);
    const std::vector<double> after = ValuesOf(after_, measure.of_interval);
    change.difference = WidenBySpread(change.difference, PairedDifferences(before, after));
    for (const auto& [estimate, values] :
         {std::pair{&change.before, &before}, {&change.after, &after}}) {
      *estimate = WidenBySpread(*estimate, *values);
      estimate->low = std::max(0.0, estimate->low);
      if (change.unit == Change::Unit::kShare) estimate->high = std::min(1.0, estimate->high);
    }
  }

  void WidenPercentile(const Measure& measure, Change& change) const {
    const QuantileNoise before(SummariesOf(before_, measure), measure.q, change.before.value);
    const QuantileNoise after(SummariesOf(after_, measure), measure.q, change.after.value);
    change.difference = WiderOf(change.difference, OfQuantileDifference(before, after));
    change.before = WiderOf(change.before, before.Interval());
    change.after = WiderOf(change.after, after.Interval());
  }

  static std::vector<const v1::LatencySummary*> SummariesOf(
      const std::vector<const v1::IntervalResult*>& intervals, const Measure& measure) {
    std::vector<const v1::LatencySummary*> summaries;
    for (const v1::IntervalResult* interval : intervals)
      summaries.push_back(&(interval->*measure.latency)());
    return summaries;
  }

  // Of intervals at the same time after the warm-ups of both tests.
  static std::vector<double> PairedDifferences(const std::vector<double>& before,
                                               const std::vector<double>& after) {
    std::vector<double> differences;
    for (size_t i = 0; i < std::min(before.size(), after.size()); ++i)
      differences.push_back(after[i] - before[i]);
    return differences;
  }

  const std::vector<const v1::IntervalResult*> before_;
  const std::vector<const v1::IntervalResult*> after_;
  // Whether the load changes in the course of the test, which is no noise where both have it.
  const bool has_course_;
};

Estimate Exactly(double value) { return {value, value, value}; }

Measure Rate(const v1::Report& before, const v1::Report& after) {
  return {.name = "rate",
          .unit = Change::Unit::kPerSecond,
          .more_is_better = true,
          .before = Exactly(before.completed_per_second()),
          .after = Exactly(after.completed_per_second()),
          .of_interval = [](const v1::IntervalResult& interval) {
            return static_cast<double>(interval.counts().completed()) * 1e9 /
                   static_cast<double>(interval.end_offset_ns() - interval.start_offset_ns());
          }};
}

double ErrorsIn(const v1::RequestCounts& c) {
  return static_cast<double>(c.failed() + c.dropped() + c.http_errors());
}
double EndedIn(const v1::RequestCounts& c) {
  return static_cast<double>(c.completed() + c.failed() + c.dropped());
}

Measure Errors(const v1::Report& before, const v1::Report& after) {
  const auto share = [](const v1::Report& report) {
    const v1::RequestCounts& counts = report.totals().counts();
    return OfShare(ErrorsIn(counts), EndedIn(counts));
  };
  return {.name = "errors",
          .unit = Change::Unit::kShare,
          .before = share(before),
          .after = share(after),
          .of_interval = [](const v1::IntervalResult& interval) {
            const double n = EndedIn(interval.counts());
            return n > 0 ? ErrorsIn(interval.counts()) / n : 0;
          }};
}

using Statistic = int64_t (v1::LatencySummary::*)() const;

// One of the two latencies, wherever a report has it.
struct Latency {
  const char* prefix;
  const v1::LatencySummary& (v1::Report::*of_whole)() const;
  const v1::Histogram& (v1::Measurements::*histogram)() const;
  const v1::LatencySummary& (v1::IntervalResult::*of_interval)() const;
};
constexpr Latency kLatencies[] = {
    {"", &v1::Report::response_time, &v1::Measurements::response_time,
     &v1::IntervalResult::response_time},
    {"service.", &v1::Report::service_time, &v1::Measurements::service_time,
     &v1::IntervalResult::service_time}};

Value OfInterval(const Latency& latency, Statistic statistic) {
  return [of_interval = latency.of_interval, statistic](const v1::IntervalResult& interval) {
    return static_cast<double>(((interval.*of_interval)().*statistic)());
  };
}

Measure Mean(const Latency& latency, const v1::Report& before, const v1::Report& after) {
  const auto of = [&](const v1::Report& report) {
    return Exactly(static_cast<double>((report.*latency.of_whole)().mean_ns()));
  };
  return {.name = std::string(latency.prefix) + "mean",
          .before = of(before),
          .after = of(after),
          .of_interval = OfInterval(latency, &v1::LatencySummary::mean_ns)};
}

struct Quantile {
  const char* name;
  double q;
  Statistic statistic;
};
constexpr Quantile kQuantiles[] = {{"p50", 0.5, &v1::LatencySummary::p50_ns},
                                   {"p90", 0.9, &v1::LatencySummary::p90_ns},
                                   {"p95", 0.95, &v1::LatencySummary::p95_ns},
                                   {"p99", 0.99, &v1::LatencySummary::p99_ns},
                                   {"p99.9", 0.999, &v1::LatencySummary::p999_ns},
                                   {"p99.99", 0.9999, &v1::LatencySummary::p9999_ns}};

Measure OfQuantiles(const Latency& latency, const Quantile& quantile, const v1::Report& before,
                    const v1::Report& after) {
  const auto of = [&](const v1::Report& report) {
    Histogram merged;
    merged.MergeProto((report.totals().*latency.histogram)()).IgnoreError();
    return OfQuantile(merged, quantile.q,
                      static_cast<double>(((report.*latency.of_whole)().*quantile.statistic)()));
  };
  return {.name = std::string(latency.prefix) + quantile.name,
          .before = of(before),
          .after = of(after),
          .of_interval = OfInterval(latency, quantile.statistic),
          .q = quantile.q,
          .latency = latency.of_interval};
}

std::vector<Measure> MeasuresOf(const v1::Report& before, const v1::Report& after) {
  std::vector<Measure> measures = {Rate(before, after), Errors(before, after)};
  for (const Latency& latency : kLatencies) {
    if ((before.*latency.of_whole)().count() == 0 || (after.*latency.of_whole)().count() == 0)
      continue;
    measures.push_back(Mean(latency, before, after));
    for (const Quantile& quantile : kQuantiles)
      measures.push_back(OfQuantiles(latency, quantile, before, after));
  }
  return measures;
}

}  // namespace

std::vector<const v1::IntervalResult*> SteadyIntervals(const v1::Report& report) {
  std::vector<int64_t> lengths;
  for (const v1::IntervalResult& interval : report.intervals())
    lengths.push_back(interval.end_offset_ns() - interval.start_offset_ns());
  if (lengths.empty()) return {};
  std::nth_element(lengths.begin(), lengths.begin() + static_cast<int64_t>(lengths.size() / 2),
                   lengths.end());
  const int64_t usual = lengths[lengths.size() / 2];
  const int64_t warmup_ns = ToNanos(report.load_test().spec().warmup());
  std::vector<const v1::IntervalResult*> steady;
  for (const v1::IntervalResult& interval : report.intervals()) {
    const int64_t length = interval.end_offset_ns() - interval.start_offset_ns();
    if (interval.start_offset_ns() < warmup_ns || length < usual || interval.counts().sent() == 0 ||
        interval.response_time().count() == 0)
      continue;
    steady.push_back(&interval);
  }
  return steady;
}

std::vector<Change> Compare(const v1::Report& before, const v1::Report& after) {
  const Intervals intervals(before, after);
  const std::vector<Measure> measures = MeasuresOf(before, after);
  std::vector<Change> changes;
  for (const Measure& measure : measures) changes.push_back(intervals.OfWhole(measure));
  for (const Measure& measure : measures) {
    // Of most intervals it is nothing.
    if (measure.name == "errors") continue;
    if (std::optional<Change> typical = intervals.OfTypical(measure))
      changes.push_back(*std::move(typical));
  }
  return changes;
}

std::string FormatChange(const Change& change, double difference) {
  if (change.unit == Change::Unit::kShare) {
    return absl::StrFormat("%+.3g points", difference * 100);
  }
  if (change.is_relative()) {
    // Nothing falls by more than itself, however wide an interval is.
    const double percent = std::max(-100.0, change.Relative(difference) * 100);
    return absl::StrFormat(std::abs(percent) < 10 ? "%+.2f %%" : "%+.1f %%", percent);
  }
  return (difference < 0 ? "-" : "+") + FormatMeasured(change, std::abs(difference));
}

std::string FormatMeasured(const Change& change, double value) {
  switch (change.unit) {
    case Change::Unit::kShare:
      return absl::StrFormat("%.3g %%", value * 100);
    case Change::Unit::kPerSecond:
      return FormatPerSecond(value);
    case Change::Unit::kNanoseconds:
      break;
  }
  return FormatLatency(std::llround(value));
}

}  // namespace loadtest
