#include "client/report/comparison.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "absl/strings/str_format.h"
#include "client/view/layout.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/measure/histogram.h"

namespace loadtest {
namespace {

// Of the normal distribution, both sides together 1 - kConfidence.
constexpr double kZ = 2.5758;
// Buckets of the histograms are 0.2 % wide, and rates are cut where intervals are: what is below is
// no difference.
constexpr double kResolution = 0.002;
// Beyond it a series tells too little about its own correlation.
constexpr double kMostCorrelation = 0.9;

using Value = std::function<double(const v1::IntervalResult&)>;

double Rank(double z, double n, double q, double direction) {
  return n * q + direction * z * std::sqrt(n * q * (1 - q));
}

// Two ranks around that of the quantile.
Estimate OfQuantile(const Histogram& histogram, double q, double value) {
  const auto n = static_cast<double>(histogram.count());
  if (n == 0) return {value, value, value};
  const double low = std::floor(Rank(kZ, n, q, -1)) / n;
  const double high = (std::ceil(Rank(kZ, n, q, 1)) + 1) / n;
  return {value,
          low <= 0 ? static_cast<double>(histogram.min())
                   : static_cast<double>(histogram.Percentile(low)),
          high >= 1 ? static_cast<double>(histogram.max())
                    : static_cast<double>(histogram.Percentile(high))};
}

// Wilson's interval of a share.
Estimate OfShare(double count, double n) {
  if (n <= 0) return {};
  const double p = count / n;
  const double z2 = kZ * kZ;
  const double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {p, std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

// Standard error of `center` from the spread of `values` around it, with degrees of freedom.
struct Spread {
  double error = 0;
  double freedom = 1;
};

Spread SpreadOf(const std::vector<double>& values, double center) {
  const auto n = static_cast<double>(values.size());
  double squares = 0;
  double mean = 0;
  for (const double value : values) {
    squares += (value - center) * (value - center);
    mean += value / n;
  }
  double own = 0;
  double lagged = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    own += (values[i] - mean) * (values[i] - mean);
    if (i > 0) lagged += (values[i] - mean) * (values[i - 1] - mean);
  }
  const double r = own > 0 ? std::clamp(lagged / own, 0.0, kMostCorrelation) : 0;
  const double inflation = (1 + r) / (1 - r);
  return {std::sqrt(squares / (n - 1) / n * inflation), std::max(1.0, n / inflation - 1)};
}

Estimate Widen(Estimate estimate, double half) {
  estimate.low = std::min(estimate.low, estimate.value - half);
  estimate.high = std::max(estimate.high, estimate.value + half);
  return estimate;
}

std::vector<double> ValuesOf(const std::vector<const v1::IntervalResult*>& intervals,
                             const Value& value) {
  std::vector<double> values;
  for (const v1::IntervalResult* interval : intervals) values.push_back(value(*interval));
  return values;
}

// Of intervals at the same time after the warm-ups of both tests.
std::vector<double> PairedDifferences(const std::vector<double>& before,
                                      const std::vector<double>& after) {
  std::vector<double> differences;
  for (size_t i = 0; i < std::min(before.size(), after.size()); ++i)
    differences.push_back(after[i] - before[i]);
  return differences;
}

// The two tests, and what is asked of both.
class Comparer {
 public:
  Comparer(const v1::Report& before, const v1::Report& after)
      : before_(before),
        after_(after),
        before_intervals_(SteadyIntervals(before)),
        after_intervals_(SteadyIntervals(after)) {}

  // `change` has name, unit and the estimates from requests.
  Change Finish(Change change, const Value& value, bool more_is_better) const {
    const std::vector<double> before = ValuesOf(before_intervals_, value);
    const std::vector<double> after = ValuesOf(after_intervals_, value);
    Estimate& difference = change.difference;
    difference.value = change.after.value - change.before.value;
    // Zou and Donner: what each may be off to one side, added as errors are.
    difference.low = difference.value - std::hypot(change.after.value - change.after.low,
                                                   change.before.high - change.before.value);
    difference.high = difference.value + std::hypot(change.after.high - change.after.value,
                                                    change.before.value - change.before.low);
    const std::vector<double> pairs = PairedDifferences(before, after);
    if (pairs.size() >= kFewestIntervals) {
      const Spread spread = SpreadOf(pairs, difference.value);
      difference = Widen(difference, StudentT(spread.freedom) * spread.error);
    }
    for (const auto& [estimate, values] :
         {std::pair{&change.before, &before}, {&change.after, &after}}) {
      if (values->size() < kFewestIntervals) continue;
      const Spread spread = SpreadOf(*values, estimate->value);
      *estimate = Widen(*estimate, StudentT(spread.freedom) * spread.error);
      estimate->low = std::max(0.0, estimate->low);
    }
    if (change.unit == Change::Unit::kShare) {
      change.before.high = std::min(1.0, change.before.high);
      change.after.high = std::min(1.0, change.after.high);
    }
    const double least = change.unit == Change::Unit::kShare
                             ? 0
                             : kResolution * std::max(change.before.value, change.after.value);
    const bool up = difference.low > 0 && difference.value > least;
    const bool down = difference.high < 0 && -difference.value > least;
    if (up || down) {
      change.direction =
          up == more_is_better ? Change::Direction::kBetter : Change::Direction::kWorse;
    }
    return change;
  }

  Change Rate() const {
    Change change{.name = "rate", .unit = Change::Unit::kPerSecond};
    change.before.value = before_.completed_per_second();
    change.after.value = after_.completed_per_second();
    for (Estimate* estimate : {&change.before, &change.after})
      estimate->low = estimate->high = estimate->value;
    return Finish(
        change,
        [](const v1::IntervalResult& interval) {
          return static_cast<double>(interval.counts().completed()) * 1e9 /
                 static_cast<double>(interval.end_offset_ns() - interval.start_offset_ns());
        },
        /*more_is_better=*/true);
  }

  Change Errors() const {
    const auto errors = [](const v1::RequestCounts& c) {
      return static_cast<double>(c.failed() + c.dropped() + c.http_errors());
    };
    const auto ended = [](const v1::RequestCounts& c) {
      return static_cast<double>(c.completed() + c.failed() + c.dropped());
    };
    Change change{.name = "errors", .unit = Change::Unit::kShare};
    const v1::RequestCounts& before = before_.totals().counts();
    const v1::RequestCounts& after = after_.totals().counts();
    change.before = OfShare(errors(before), ended(before));
    change.after = OfShare(errors(after), ended(after));
    return Finish(
        change,
        [&](const v1::IntervalResult& interval) {
          const double n = ended(interval.counts());
          return n > 0 ? errors(interval.counts()) / n : 0;
        },
        /*more_is_better=*/false);
  }

  using Summary = const v1::LatencySummary& (v1::IntervalResult::*)() const;

  Change Quantile(const std::string& name, double q,
                  int64_t (v1::LatencySummary::*statistic)() const,
                  const v1::Histogram& before_histogram, const v1::Histogram& after_histogram,
                  const v1::LatencySummary& before, const v1::LatencySummary& after,
                  Summary of_interval) const {
    Change change{.name = name, .unit = Change::Unit::kNanoseconds};
    Histogram merged;
    merged.MergeProto(before_histogram).IgnoreError();
    change.before = OfQuantile(merged, q, static_cast<double>((before.*statistic)()));
    merged.Clear();
    merged.MergeProto(after_histogram).IgnoreError();
    change.after = OfQuantile(merged, q, static_cast<double>((after.*statistic)()));
    return Finish(change, OfLatency(of_interval, statistic), /*more_is_better=*/false);
  }

  Change Mean(const std::string& name, const v1::LatencySummary& before,
              const v1::LatencySummary& after, Summary of_interval) const {
    Change change{.name = name, .unit = Change::Unit::kNanoseconds};
    for (const auto& [estimate, summary] :
         {std::pair{&change.before, &before}, {&change.after, &after}}) {
      const auto mean = static_cast<double>(summary->mean_ns());
      *estimate = {mean, mean, mean};
    }
    return Finish(change, OfLatency(of_interval, &v1::LatencySummary::mean_ns),
                  /*more_is_better=*/false);
  }

 private:
  static Value OfLatency(Summary of_interval, int64_t (v1::LatencySummary::*statistic)() const) {
    return [of_interval, statistic](const v1::IntervalResult& interval) {
      return static_cast<double>(((interval.*of_interval)().*statistic)());
    };
  }

  const v1::Report& before_;
  const v1::Report& after_;
  const std::vector<const v1::IntervalResult*> before_intervals_;
  const std::vector<const v1::IntervalResult*> after_intervals_;
};

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
  const Comparer comparer(before, after);
  std::vector<Change> changes = {comparer.Rate(), comparer.Errors()};
  struct Quantile {
    const char* name;
    double q;
    int64_t (v1::LatencySummary::*statistic)() const;
  };
  constexpr Quantile kQuantiles[] = {{"p50", 0.5, &v1::LatencySummary::p50_ns},
                                     {"p90", 0.9, &v1::LatencySummary::p90_ns},
                                     {"p95", 0.95, &v1::LatencySummary::p95_ns},
                                     {"p99", 0.99, &v1::LatencySummary::p99_ns},
                                     {"p99.9", 0.999, &v1::LatencySummary::p999_ns},
                                     {"p99.99", 0.9999, &v1::LatencySummary::p9999_ns}};
  const auto add = [&](const std::string& prefix, Comparer::Summary of_interval,
                       const v1::LatencySummary& a, const v1::LatencySummary& b,
                       const v1::Histogram& a_histogram, const v1::Histogram& b_histogram) {
    if (a.count() == 0 || b.count() == 0) return;
    changes.push_back(comparer.Mean(prefix + "mean", a, b, of_interval));
    for (const Quantile& quantile : kQuantiles) {
      changes.push_back(comparer.Quantile(prefix + quantile.name, quantile.q, quantile.statistic,
                                          a_histogram, b_histogram, a, b, of_interval));
    }
  };
  add("", &v1::IntervalResult::response_time, before.response_time(), after.response_time(),
      before.totals().response_time(), after.totals().response_time());
  add("service.", &v1::IntervalResult::service_time, before.service_time(), after.service_time(),
      before.totals().service_time(), after.totals().service_time());
  return changes;
}

double StudentT(double degrees_of_freedom) {
  // Both sides 1 %: the 0.995 quantile for 1 to 30 degrees of freedom.
  constexpr double kTable[] = {63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355,
                               3.250,  3.169, 3.106, 3.055, 3.012, 2.977, 2.947, 2.921,
                               2.898,  2.878, 2.861, 2.845, 2.831, 2.819, 2.807, 2.797,
                               2.787,  2.779, 2.771, 2.763, 2.756, 2.750};
  const auto at = static_cast<size_t>(std::max(1.0, std::floor(degrees_of_freedom)));
  if (at <= std::size(kTable)) return kTable[at - 1];
  // The first term of the expansion around the normal distribution.
  return kZ + (kZ * kZ * kZ + kZ) / (4 * static_cast<double>(at));
}

std::string FormatChange(const Change& change, double difference) {
  if (change.unit == Change::Unit::kShare) {
    return absl::StrFormat("%+.3g points", difference * 100);
  }
  if (change.is_relative()) {
    const double percent = change.Relative(difference) * 100;
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
