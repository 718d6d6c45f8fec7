#include "common/measure/prometheus_text.h"

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

constexpr int64_t kMicro = 1'000;
constexpr int64_t kMilli = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;

constexpr int64_t kLatencyBounds[] = {
    100 * kMicro, 200 * kMicro, 500 * kMicro, 1 * kMilli,   2 * kMilli,   5 * kMilli,
    10 * kMilli,  20 * kMilli,  50 * kMilli,  100 * kMilli, 200 * kMilli, 500 * kMilli,
    1 * kSecond,  2 * kSecond,  5 * kSecond,  10 * kSecond, 30 * kSecond, 60 * kSecond};
constexpr int64_t kDelayBounds[] = {1 * kMicro,   10 * kMicro, 50 * kMicro, 100 * kMicro,
                                    500 * kMicro, 1 * kMilli,  5 * kMilli,  10 * kMilli,
                                    100 * kMilli, 1 * kSecond};

double Seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

}  // namespace

const std::span<const int64_t> kLatencyBuckets = kLatencyBounds;
const std::span<const int64_t> kDelayBuckets = kDelayBounds;

void PrometheusText::Begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = absl::StrFormat("%s%s", prefix_, name);
  absl::StrAppendFormat(&text_, "# HELP %s %s\n# TYPE %s %s\n", name_, help, name_, type);
}

void PrometheusText::Sample(std::string_view labels, const MetricValue& value) {
  text_ += name_;
  if (!labels.empty()) absl::StrAppendFormat(&text_, "{%s}", labels);
  absl::StrAppendFormat(&text_, " %s\n", value.text);
}

void PrometheusText::Counter(std::string_view name, std::string_view help, const MetricValue& value) {
  Begin(name, "counter", help);
  Sample("", value);
}

void PrometheusText::Gauge(std::string_view name, std::string_view help, const MetricValue& value) {
  Begin(name, "gauge", help);
  Sample("", value);
}

void PrometheusText::LatencyHistogram(std::string_view name, std::string_view help,
                                      const Histogram& histogram,
                                      std::span<const int64_t> bounds_ns) {
  Begin(name, "histogram", help);
  const std::string name_of_all = name_;
  name_ = name_of_all + "_bucket";
  int64_t below = 0;
  int index = 0;
  for (const int64_t bound : bounds_ns) {
    for (; index < Histogram::kBuckets && Histogram::MiddleOf(index) <= bound; ++index) {
      below += static_cast<int64_t>(histogram.bucket_count(index));
    }
    Sample(absl::StrFormat("le=\"%g\"", Seconds(bound)), below);
  }
  Sample("le=\"+Inf\"", histogram.count());
  name_ = name_of_all + "_sum";
  Sample("", Seconds(histogram.sum()));
  name_ = name_of_all + "_count";
  Sample("", histogram.count());
}

std::string PrometheusText::Escaped(std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '\n') {
      escaped += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace loadtest
