#include "client/report/chart_data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "common/base/time.h"
#include "common/config/config.h"
#include "common/measure/histogram.h"
#include "common/measure/measurements.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

using nlohmann::json;

constexpr double kPerMilli = 1e-6;
constexpr size_t kMostEvents = 200;

// Percentiles are drawn over 1 / (1 - q): so many points for each factor of 10.
constexpr int kPointsADecade = 24;

json OrNull(double value, bool there) { return there ? json(value) : json(nullptr); }

// One point of the time axis: several intervals when there are many.
struct Point {
  double start_s = 0;
  double end_s = 0;
  int64_t sent = 0;
  int64_t completed = 0;
  int64_t failed = 0;
  int64_t http_errors = 0;
  // Highest of the intervals', nanoseconds; -1: none.
  int64_t p50 = -1, p90 = -1, p99 = -1, p999 = -1, max = -1, delay_p99 = -1;
  std::map<std::string, int64_t> errors;
};

void AddInterval(const v1::IntervalResult& interval, Point& point) {
  const v1::RequestCounts& counts = interval.counts();
  point.end_s = static_cast<double>(interval.end_offset_ns()) / 1e9;
  point.sent += counts.sent() + interval.warmup().sent();
  point.completed += counts.completed() + interval.warmup().completed();
  point.failed += counts.failed() + counts.dropped();
  point.http_errors += counts.http_errors();
  if (const v1::LatencySummary& response = interval.response_time(); response.count() > 0) {
    point.p50 = std::max(point.p50, response.p50_ns());
    point.p90 = std::max(point.p90, response.p90_ns());
    point.p99 = std::max(point.p99, response.p99_ns());
    point.p999 = std::max(point.p999, response.p999_ns());
    point.max = std::max(point.max, response.max_ns());
  }
  if (interval.send_delay().count() > 0)
    point.delay_p99 = std::max(point.delay_p99, interval.send_delay().p99_ns());
  for (const v1::ErrorCount& error : interval.errors())
    point.errors[ErrorKindName(error.kind())] += error.count();
}

std::vector<Point> PointsOf(const v1::Report& report) {
  const int each = std::max(1, (report.intervals_size() + kMostPoints - 1) / kMostPoints);
  std::vector<Point> points;
  for (int i = 0; i < report.intervals_size(); ++i) {
    if (i % each == 0) {
      points.emplace_back().start_s =
          static_cast<double>(report.intervals(i).start_offset_ns()) / 1e9;
    }
    AddInterval(report.intervals(i), points.back());
  }
  return points;
}

json Intervals(const v1::Report& report) {
  const std::vector<Point> points = PointsOf(report);
  json out = {
      {"merged", points.empty() ? 1 : (report.intervals_size() + kMostPoints - 1) / kMostPoints}};
  json t = json::array();
  std::map<std::string, json> series;
  for (const char* name :
       {"sent", "completed", "failed", "p50", "p90", "p99", "p999", "max", "delay_p99"})
    series[name] = json::array();
  std::map<std::string, json> kinds;
  for (const Point& point : points) {
    for (const auto& [kind, count] : point.errors) kinds[kind] = json::array();
    if (point.http_errors > 0) kinds["status 400 and above"] = json::array();
  }
  for (const Point& point : points) {
    const double seconds = point.end_s - point.start_s;
    // The last interval may be so short that a rate in it says nothing.
    const bool has_rate = seconds > 0.05;
    t.push_back((point.start_s + point.end_s) / 2);
    series["sent"].push_back(OrNull(static_cast<double>(point.sent) / seconds, has_rate));
    series["completed"].push_back(OrNull(static_cast<double>(point.completed) / seconds, has_rate));
    series["failed"].push_back(
        OrNull(static_cast<double>(point.failed + point.http_errors) / seconds, has_rate));
    for (const auto& [name, ns] : {std::pair{"p50", point.p50},
                                   {"p90", point.p90},
                                   {"p99", point.p99},
                                   {"p999", point.p999},
                                   {"max", point.max},
                                   {"delay_p99", point.delay_p99}})
      series[name].push_back(OrNull(static_cast<double>(ns) * kPerMilli, ns >= 0));
    for (auto& [kind, counts] : kinds) {
      const auto it = point.errors.find(kind);
      const int64_t count = kind == "status 400 and above" ? point.http_errors
                            : it == point.errors.end()     ? 0
                                                           : it->second;
      counts.push_back(count);
    }
  }
  out["t"] = t;
  for (auto& [name, values] : series) out[name] = values;
  out["errors"] = kinds;
  return out;
}

// The rate that was asked for, as corners of a line; empty in a closed loop.
json Wanted(const v1::Report& report) {
  const v1::LoadTestSpec& spec = report.load_test().spec();
  json corners = json::array();
  if (!IsOpenLoop(spec)) return corners;
  const double warmup = static_cast<double>(ToNanos(spec.warmup())) / 1e9;
  if (!spec.has_stages()) {
    const double rate = HighestRate(spec, std::max(1, report.load_test().assignments_size()));
    double end = warmup + report.sending_seconds();
    if (spec.has_duration()) end = warmup + static_cast<double>(ToNanos(spec.duration())) / 1e9;
    corners.push_back({0, rate});
    corners.push_back({end, rate});
    return corners;
  }
  double at = 0;
  if (warmup > 0) {
    const v1::Stage& first = spec.stages().stages(0);
    const double rate = first.from() > 0 ? first.from() : first.to();
    corners.push_back({0, rate});
    corners.push_back({warmup, rate});
    at = warmup;
  }
  for (const v1::Stage& stage : spec.stages().stages()) {
    corners.push_back({at, stage.from()});
    at += static_cast<double>(ToNanos(stage.duration())) / 1e9;
    corners.push_back({at, stage.to()});
  }
  return corners;
}

// [1 / (1 - q), milliseconds] from the smallest value to the largest, whose q is taken as
// 1 - 1 / (2 n).
json Distribution(const v1::Histogram& proto) {
  Histogram histogram;
  json points = json::array();
  if (!histogram.MergeProto(proto).ok() || histogram.count() == 0) return points;
  const auto n = static_cast<double>(histogram.count());
  for (int i = 0;; ++i) {
    const double x = std::pow(10, static_cast<double>(i) / kPointsADecade);
    if (x >= n) break;
    const double q = 1 - 1 / x;
    const int64_t value = i == 0 ? histogram.min() : histogram.Percentile(q);
    points.push_back({x, static_cast<double>(value) * kPerMilli});
  }
  points.push_back({2 * n, static_cast<double>(histogram.max()) * kPerMilli});
  return points;
}

json Events(const v1::Report& report) {
  json events = json::array();
  for (const v1::Event& event : report.events()) {
    if (!IsOnTimeAxis(report, event)) continue;
    if (events.size() >= kMostEvents) break;
    events.push_back({{"t", OffsetSeconds(report, event)},
                      {"type", event.type()},
                      {"message", event.message()}});
  }
  return events;
}

}  // namespace

bool IsOnTimeAxis(const v1::Report& report, const v1::Event& event) {
  return OffsetSeconds(report, event) >= 0 && event.type() != "driver_armed" &&
         event.type() != "finished";
}

double OffsetSeconds(const v1::Report& report, const v1::Event& event) {
  const auto seconds = [](const google::protobuf::Timestamp& time) {
    return static_cast<double>(time.seconds()) + static_cast<double>(time.nanos()) / 1e9;
  };
  if (!report.load_test().has_start_time()) return -1;
  return seconds(event.time()) - seconds(report.load_test().start_time());
}

json ChartData(const v1::Report& report, const std::string& name) {
  const v1::Measurements& totals = report.totals();
  const double end = report.intervals().empty()
                         ? 0
                         : static_cast<double>(report.intervals().rbegin()->end_offset_ns()) / 1e9;
  return {{"name", name},
          {"end", end},
          {"intervals", Intervals(report)},
          {"wanted", Wanted(report)},
          {"distribution",
           {{"response", Distribution(totals.response_time())},
            {"service", Distribution(totals.service_time())},
            {"send_delay", Distribution(totals.send_delay())}}},
          {"events", Events(report)}};
}

}  // namespace loadtest
