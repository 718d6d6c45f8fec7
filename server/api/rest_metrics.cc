#include "server/api/rest_metrics.h"

#include <cstdint>
#include <iterator>
#include <string_view>

#include "absl/strings/str_format.h"
#include "common/base/version.h"
#include "common/measure/prometheus_text.h"

namespace loadtest {
namespace {

// By index of ControlPlaneStats::records_applied.
constexpr std::string_view kTopics[] = {"register", "heartbeat", "trigger", "metrics"};
static_assert(std::size(kTopics) == std::size(decltype(ControlPlaneStats::records_applied){}));

static_assert(v1::LoadTest::State_MAX < std::size(decltype(ControlPlaneStats::tests_by_state){}));

}  // namespace

std::string MetricsText(const ControlPlaneStats& stats) {
  PrometheusText writer("loadtest_orchestrator_");
  writer.Begin("info", "gauge", "Always 1; the labels tell version and bus.");
  writer.Sample(absl::StrFormat("version=\"%s\",bus=\"%s\"", PrometheusText::Escaped(kVersion),
                                PrometheusText::Escaped(stats.bus)),
                1);
  writer.Begin("bus_connected", "gauge", "1 while the broker can be reached, else 0.");
  writer.Sample("", stats.bus_connected ? 1 : 0);
  writer.Begin("store_writable", "gauge", "1 while the store can be written, else 0.");
  writer.Sample("", stats.store_writable ? 1 : 0);

  writer.Begin("records_applied_total", "counter", "Records read from a topic and applied.");
  for (size_t i = 0; i < std::size(kTopics); ++i) {
    writer.Sample(absl::StrFormat("topic=\"%s\"", kTopics[i]), stats.records_applied[i]);
  }
  writer.Counter("records_rejected_total", "Records that were not decodable or contradictory.",
                 stats.records_rejected);
  writer.Counter("duplicate_reports_total", "Interval reports that came again and were dropped.",
                 stats.duplicate_reports);
  writer.Gauge("held_reports", "Interval reports that wait for the begin of their test.",
               static_cast<double>(stats.reports_held));
  writer.Counter("held_reports_dropped_total",
                 "Interval reports whose test did not come, or of which too many waited.",
                 stats.held_reports_dropped);
  writer.Counter("offset_gaps_total", "Records that the broker threw away before they were read.",
                 stats.offset_gaps);

  writer.Begin("drivers", "gauge", "Drivers by what the last heartbeats say of them.");
  writer.Sample("state=\"live\"", stats.drivers_live);
  writer.Sample("state=\"lost\"", stats.drivers_lost);
  writer.Begin("load_tests", "gauge", "Load tests by state.");
  for (int state = v1::LoadTest::PENDING; state <= v1::LoadTest::State_MAX; ++state) {
    const std::string& name = v1::LoadTest::State_Name(static_cast<v1::LoadTest::State>(state));
    writer.Sample(absl::StrFormat("state=\"%s\"", name), stats.tests_by_state[state]);
  }

  writer.Counter(
      "requests_sent_total",
      "Requests sent by all drivers since the process began, of intervals that all have reported.",
      stats.requests_sent);
  writer.Counter("requests_completed_total", "Requests answered by a whole response.",
                 stats.requests_completed);
  writer.Counter("requests_failed_total", "Requests sent and then failed.", stats.requests_failed);
  writer.Counter("requests_dropped_total", "Requests due and never sent.", stats.requests_dropped);
  writer.LatencyHistogram("response_time_seconds",
                          "From the moment a request was due to the last byte of its response.",
                          stats.response_time, kLatencyBuckets);
  writer.LatencyHistogram("service_time_seconds",
                          "From the send of a request to the last byte of its response.",
                          stats.service_time, kLatencyBuckets);
  writer.LatencyHistogram("send_delay_seconds",
                          "From the moment a request was due to its send: the drivers' own error.",
                          stats.send_delay, kDelayBuckets);
  writer.Gauge("start_time_seconds", "When the process began, seconds after 1970.",
               static_cast<double>(stats.start_ns) / 1e9);
  return writer.Take();
}

}  // namespace loadtest
