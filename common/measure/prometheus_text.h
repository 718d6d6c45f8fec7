// Metrics in Prometheus' text exposition format 0.0.4, one after the other.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "common/measure/histogram.h"

namespace loadtest {

inline constexpr char kPrometheusContentType[] = "text/plain; version=0.0.4; charset=utf-8";

// Upper bounds of buckets, nanoseconds: 100 us to 60 s for what a server takes, 1 us to 1 s for the
// generator's own delay.
extern const std::span<const int64_t> kLatencyBuckets;
extern const std::span<const int64_t> kDelayBuckets;

// A value as it is written: whole numbers keep all digits.
struct MetricValue {
  MetricValue(std::integral auto whole) : text(std::to_string(whole)) {}
  MetricValue(double real) : text(absl::StrFormat("%.15g", real)) {}
  std::string text;
};

class PrometheusText {
 public:
  // All names begin with `prefix`, such as "loadtest_driver_".
  explicit PrometheusText(std::string prefix) : prefix_(std::move(prefix)) {}

  // Begins a metric; `type` is "counter" or "gauge".
  void Begin(std::string_view name, std::string_view type, std::string_view help);
  // A sample of the metric begun last; `labels` such as `state="live"`, or empty.
  void Sample(std::string_view labels, const MetricValue& value);

  // A metric with one sample and no label.
  void Counter(std::string_view name, std::string_view help, const MetricValue& value);
  void Gauge(std::string_view name, std::string_view help, const MetricValue& value);
  // A histogram of nanoseconds, in seconds. A value counts to the bucket that the middle of its own
  // falls into, so counts are right but for values within 0.1 % of a bound.
  void LatencyHistogram(std::string_view name, std::string_view help, const Histogram& histogram,
                        std::span<const int64_t> bounds_ns);

  std::string Take() { return std::move(text_); }

  // The value of a label: backslash, quote and line feed escaped.
  static std::string Escaped(std::string_view value);

 private:
  const std::string prefix_;
  std::string name_;
  std::string text_;
};

}  // namespace loadtest
