#include "client/report/csv_report.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace loadtest {
namespace {

using Value = int64_t (v1::LatencySummary::*)() const;

constexpr std::pair<std::string_view, Value> kLatencyColumns[] = {
    {"min", &v1::LatencySummary::min_ns},    {"mean", &v1::LatencySummary::mean_ns},
    {"p50", &v1::LatencySummary::p50_ns},    {"p90", &v1::LatencySummary::p90_ns},
    {"p95", &v1::LatencySummary::p95_ns},    {"p99", &v1::LatencySummary::p99_ns},
    {"p99_9", &v1::LatencySummary::p999_ns}, {"p99_99", &v1::LatencySummary::p9999_ns},
    {"max", &v1::LatencySummary::max_ns},
};

std::string Seconds(int64_t ns) { return absl::StrFormat("%.3f", static_cast<double>(ns) / 1e9); }

void AddLatency(const v1::LatencySummary& latency, std::vector<std::string>& row) {
  for (const auto& [name, value] : kLatencyColumns) {
    row.push_back(latency.count() == 0
                      ? ""
                      : absl::StrFormat("%.6f", static_cast<double>((latency.*value)()) / 1e6));
  }
}

std::string PerSecond(int64_t count, double seconds) {
  return seconds > 0 ? absl::StrFormat("%.3f", static_cast<double>(count) / seconds) : "";
}

// "REQUEST_TIMEOUT=3 CONNECT_REFUSED=1": names of the enumeration, so that nothing in it comes from
// elsewhere.
std::string Errors(const v1::IntervalResult& interval) {
  return absl::StrJoin(interval.errors(), " ", [](std::string* out, const v1::ErrorCount& error) {
    *out += absl::StrFormat("%s=%d", v1::ErrorKind_Name(error.kind()), error.count());
  });
}

}  // namespace

std::string CsvReport(const v1::Report& report) {
  std::vector<std::string> names = {
      "start_s",        "end_s",           "drivers",         "due",
      "sent",           "completed",       "failed",          "dropped",
      "http_errors",    "in_flight",       "waiting",         "due_per_s",
      "sent_per_s",     "completed_per_s", "errors",          "sent_bytes",
      "received_bytes", "warmup_sent",     "warmup_completed"};
  for (const std::string_view latency : {"response", "service", "send_delay"}) {
    for (const auto& [name, value] : kLatencyColumns)
      names.push_back(absl::StrFormat("%s_%s_ms", latency, name));
  }
  std::string out = absl::StrJoin(names, ",") + "\n";
  for (const v1::IntervalResult& interval : report.intervals()) {
    const v1::RequestCounts& counts = interval.counts();
    const double seconds =
        static_cast<double>(interval.end_offset_ns() - interval.start_offset_ns()) / 1e9;
    std::vector<std::string> row = {Seconds(interval.start_offset_ns()),
                                    Seconds(interval.end_offset_ns())};
    for (const int64_t count : {int64_t{interval.drivers()}, counts.due(), counts.sent(),
                                counts.completed(), counts.failed(), counts.dropped(),
                                counts.http_errors(), counts.in_flight(), counts.waiting()})
      row.push_back(absl::StrFormat("%d", count));
    row.push_back(PerSecond(counts.due(), seconds));
    row.push_back(PerSecond(counts.sent(), seconds));
    row.push_back(PerSecond(counts.completed(), seconds));
    row.push_back(Errors(interval));
    for (const int64_t count : {interval.bytes_sent(), interval.bytes_received(),
                                interval.warmup().sent(), interval.warmup().completed()})
      row.push_back(absl::StrFormat("%d", count));
    AddLatency(interval.response_time(), row);
    AddLatency(interval.service_time(), row);
    AddLatency(interval.send_delay(), row);
    out += absl::StrJoin(row, ",") + "\n";
  }
  return out;
}

}  // namespace loadtest
