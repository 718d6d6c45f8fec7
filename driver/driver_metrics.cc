#include "driver/driver_metrics.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/str_format.h"
#include "common/base/version.h"
#include "common/measure/prometheus_text.h"

namespace loadtest {
namespace {

double Seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

// "CONNECT_REFUSED" -> "connect_refused"
std::string LabelOf(v1::ErrorKind kind) {
  std::string name = v1::ErrorKind_Name(kind);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

void WriteRequests(const MeasurementSum& sum, const v1::Measurements& totals,
                   PrometheusText& text) {
  const v1::RequestCounts& counts = sum.counts();
  text.Counter("requests_due_total", "Requests whose due time came.", counts.due());
  text.Counter("requests_sent_total", "Requests sent.", counts.sent());
  text.Counter("requests_completed_total", "Requests answered by a whole response.",
               counts.completed());
  text.Counter("requests_failed_total", "Requests sent and then failed.", counts.failed());
  text.Counter("requests_dropped_total", "Requests due and never sent.", counts.dropped());
  text.Gauge("requests_in_flight", "Sent and not yet answered, at the end of the last interval.",
             counts.in_flight());
  text.Gauge("requests_waiting", "Due and not yet sent, at the end of the last interval.",
             counts.waiting());
  text.Begin("responses_total", "counter", "Whole responses by their status code.");
  for (const auto& [code, count] :
       std::map<int32_t, int64_t>(totals.status_codes().begin(), totals.status_codes().end())) {
    text.Sample(absl::StrFormat("code=\"%d\"", code), count);
  }
  text.Begin("errors_total", "counter", "Requests that failed or were dropped, by what happened.");
  // Also those that never happened: of a series that begins with its first error, rate() sees
  // nothing.
  for (int kind = v1::ERROR_KIND_UNSPECIFIED + 1; kind <= v1::ErrorKind_MAX; ++kind) {
    const auto found = sum.errors().find(kind);
    text.Sample(absl::StrFormat("kind=\"%s\"", LabelOf(static_cast<v1::ErrorKind>(kind))),
                found == sum.errors().end() ? 0 : found->second.count());
  }
}

void WriteConnections(const v1::Measurements& totals, PrometheusText& text) {
  text.Counter("connections_opened_total", "Connections made.", totals.connects());
  text.Counter("connection_failures_total", "Connections that could not be made.",
               totals.connect_failures());
  text.Counter("sent_bytes_total", "Bytes written to connections, headers included.",
               totals.bytes_sent());
  text.Counter("received_bytes_total", "Bytes read from connections, headers included.",
               totals.bytes_received());
}

void WriteLatencies(const MeasurementSum& sum, PrometheusText& text) {
  text.LatencyHistogram("response_time_seconds",
                        "From the moment a request was due to the last byte of its response.",
                        sum.response_time(), kLatencyBuckets);
  text.LatencyHistogram("service_time_seconds",
                        "From the send of a request to the last byte of its response.",
                        sum.service_time(), kLatencyBuckets);
  text.LatencyHistogram("send_delay_seconds",
                        "From the moment a request was due to its send: the driver's own error.",
                        sum.send_delay(), kDelayBuckets);
}

}  // namespace

void DriverMetrics::Add(const v1::Measurements& interval, bool final) {
  std::lock_guard lock(mutex_);
  // A driver's own intervals are whole.
  sum_.Add(interval).IgnoreError();
  sum_.SetGauges(final ? 0 : interval.counts().in_flight(),
                 final ? 0 : interval.counts().waiting());
}

void DriverMetrics::SetHeartbeat(const v1::DriverHeartbeat& heartbeat, int64_t process_cpu_ns) {
  std::lock_guard lock(mutex_);
  heartbeat_ = heartbeat;
  process_cpu_ns_ = process_cpu_ns;
}

void DriverMetrics::SetBusConnected(bool connected) {
  std::lock_guard lock(mutex_);
  bus_connected_ = connected;
}

std::string DriverMetrics::Text() const {
  std::lock_guard lock(mutex_);
  PrometheusText text("loadtest_driver_");
  text.Begin("info", "gauge", "Always 1; the labels tell id and version.");
  text.Sample(absl::StrFormat("driver=\"%s\",version=\"%s\"", PrometheusText::Escaped(driver_id_),
                              PrometheusText::Escaped(kVersion)),
              1);
  text.Gauge("bus_connected", "1 while the broker can be reached, else 0.", bus_connected_);
  text.Begin("state", "gauge", "1 for what the driver does now, else 0.");
  for (int state = v1::DriverHeartbeat::IDLE; state <= v1::DriverHeartbeat::State_MAX; ++state) {
    if (!v1::DriverHeartbeat::State_IsValid(state)) continue;
    const auto& name =
        v1::DriverHeartbeat::State_Name(static_cast<v1::DriverHeartbeat::State>(state));
    text.Sample(absl::StrFormat("state=\"%s\"", name), heartbeat_.state() == state);
  }
  text.Counter("cpu_seconds_total", "CPU time of the process.", Seconds(process_cpu_ns_));
  text.Gauge("loop_lag_seconds",
             "Longest delay of the sending thread between the last two heartbeats.",
             Seconds(heartbeat_.loop_lag_max_ns()));
  const v1::Measurements totals = sum_.ToProto();
  WriteRequests(sum_, totals, text);
  WriteConnections(totals, text);
  WriteLatencies(sum_, text);
  text.Gauge("start_time_seconds", "When the process began, seconds after 1970.",
             Seconds(start_wall_ns_));
  return text.Take();
}

}  // namespace loadtest
