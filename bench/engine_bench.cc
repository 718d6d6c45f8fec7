// engine_bench URL [-c N] [-d DURATION] [-n REQUESTS] [--delay DURATION] ...
//
// The bare engine against a server: no Kafka, no other thread. Prints requests per second and per
// CPU-second, and the latencies, so that the engine can be compared with other load generators:
//   taskset -c 0 engine_bench http://127.0.0.1:8081/ping -c 64 -d 5s
#include <cstdio>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/json/proto_json.h"
#include "common/measure/histogram.h"
#include "common/spec/load_test_spec.h"
#include "driver/engine/http_stack.h"
#include "driver/engine/load_loop.h"
#include "driver/engine/load_plan.h"
#include "driver/engine/socket_address.h"

namespace loadtest {
namespace {

struct Options {
  std::string url;
  int connections = 64;
  std::string duration = "5s";
  std::string delay;
  bool http2 = false;
  bool insecure = false;
  int streams = 1;
  std::string requests;
  std::string spin;
  bool json = false;
};

absl::StatusOr<v1::LoadTestSpec> MakeSpec(const Options& options) {
  v1::LoadTestSpec spec;
  spec.mutable_request()->set_url(options.url);
  spec.set_connections(options.connections);
  ASSIGN_OR_RETURN(const int64_t duration_ns, ParseDuration(options.duration));
  *spec.mutable_duration() = ToDuration(duration_ns);
  if (options.http2) {
    spec.set_http_version(v1::LoadTestSpec::HTTP_2);
    spec.set_streams(options.streams);
  }
  if (!options.spin.empty()) {
    ASSIGN_OR_RETURN(const int64_t spin_ns, ParseDuration(options.spin));
    *spec.mutable_spin() = ToDuration(spin_ns);
  }
  if (options.insecure) spec.mutable_tls()->set_insecure(true);
  if (!options.requests.empty()) {
    ASSIGN_OR_RETURN(const int64_t requests, ParseCount(options.requests));
    spec.set_requests_per_driver(requests);
  }
  if (options.delay.empty()) {
    spec.mutable_avalanche();
  } else {
    ASSIGN_OR_RETURN(const int64_t delay_ns, ParseDuration(options.delay));
    *spec.mutable_tsunami()->mutable_delay() = ToDuration(delay_ns);
  }
  return ValidateSpec(spec);
}

void PrintLatency(const char* name, const Histogram& histogram) {
  absl::PrintF("%-14s p50 %s, p99 %s, p99.9 %s, max %s\n", name,
               FormatLatency(histogram.Percentile(0.5)), FormatLatency(histogram.Percentile(0.99)),
               FormatLatency(histogram.Percentile(0.999)), FormatLatency(histogram.max()));
}

void PrintResult(const IntervalStats& stats) {
  const IntervalStats::Counts& counts = stats.counts();
  const double seconds = static_cast<double>(stats.end_offset_ns - stats.start_offset_ns) / 1e9;
  const double cpu_seconds = static_cast<double>(stats.cpu_ns) / 1e9;
  const auto completed = static_cast<double>(counts.completed);
  absl::PrintF("sent %s, completed %s, failed %s, dropped %s, status 4xx or 5xx %s\n",
               FormatCount(counts.sent), FormatCount(counts.completed), FormatCount(counts.failed),
               FormatCount(counts.dropped), FormatCount(counts.http_errors));
  absl::PrintF("requests/s %.0f, requests per CPU-second %.0f (%.2f s CPU in %.2f s)\n",
               completed / seconds, completed / cpu_seconds, cpu_seconds, seconds);
  PrintLatency("response time", stats.response_time());
  PrintLatency("service time", stats.service_time());
  PrintLatency("send delay", stats.send_delay());
}

absl::Status RunBench(const Options& options) {
  ASSIGN_OR_RETURN(const v1::LoadTestSpec spec, MakeSpec(options));
  v1::Assignment assignment;
  assignment.set_slots(1);
  // One interval for the whole run.
  ASSIGN_OR_RETURN(LoadPlan plan, MakeLoadPlan(spec, assignment, 3600 * kNanosPerSecond));
  ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, Resolve(plan.host, plan.port));
  for (const SocketAddress& address : addresses) plan.addresses.push_back(address.text);

  SystemClock clock;
  ASSIGN_OR_RETURN(const std::unique_ptr<HttpStack> stack,
                   HttpStack::Create(plan, addresses, {}, clock));
  plan.start = {clock.Now().ns + 200 * kNanosPerMilli};
  RunControl control;
  IntervalChannel intervals;
  LoadLoop(std::move(plan), clock, stack->client(), control, intervals).Run();
  if (!options.json && !stack->tls_description().empty())
    absl::PrintF("%s\n", stack->tls_description());
  while (const std::unique_ptr<IntervalStats> stats = intervals.Take()) {
    if (options.json) {
      v1::Report report;
      *report.mutable_response_time() = stats->response_time().Summary();
      *report.mutable_service_time() = stats->service_time().Summary();
      *report.mutable_send_delay() = stats->send_delay().Summary();
      absl::PrintF("%s\n", ProtoToJson(report));
    } else {
      PrintResult(*stats);
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace loadtest

int main(int argc, char** argv) {
  loadtest::Options options;
  CLI::App app("Runs the bare engine against a server and prints what it costs", "engine_bench");
  app.add_option("url", options.url, "http://host[:port]/path")->required();
  app.add_option("-c", options.connections, "Connections")->capture_default_str();
  app.add_option("-d", options.duration, "How long")->capture_default_str();
  app.add_option("--delay", options.delay,
                 "Open loop: a request every so often (default: closed loop)");
  app.add_option("-n", options.requests, "Requests, if they end before the duration");
  app.add_option("--spin", options.spin, "Open loop: stay awake for so long before each due time");
  app.add_flag("--json", options.json, "Only the latencies, as in the report's JSON");
  app.add_flag("--http2", options.http2, "HTTP/2");
  app.add_option("--streams", options.streams, "HTTP/2: streams a connection")
      ->capture_default_str();
  app.add_flag("-k", options.insecure, "Do not verify the certificate");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = loadtest::RunBench(options);
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "engine_bench: %s\n", std::string(status.message()));
  return 2;
}
