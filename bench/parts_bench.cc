// The parts of the engine, one by one: parts_bench [--benchmark_filter=REGEX]
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "common/base/time.h"
#include "common/measure/histogram.h"
#include "common/measure/measurements.h"
#include "driver/engine/http1_client.h"
#include "driver/engine/interval_channel.h"
#include "driver/engine/load_loop.h"
#include "common/schedule/rate_stages.h"
#include "driver/engine/response_parser.h"
#include "driver/engine/send_plan.h"
#include "loadtest/v1/bus.pb.h"
#include "tests/driver/engine/simulated_transport.h"

namespace loadtest {
namespace {

constexpr char kResponse[] =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 23 Nov 2026 23:14:17 GMT\r\n"
    "Content-Type: text/plain\r\nContent-Length: 101\r\nConnection: keep-alive\r\n\r\n";

void HistogramRecord(benchmark::State& state) {
  Histogram histogram;
  histogram.Reserve();
  int64_t value = 12'345;
  for (auto _ : state) {
    histogram.Record(value);
    value = value * 1'103 % 10'000'019;
  }
}
BENCHMARK(HistogramRecord);

Histogram FilledHistogram() {
  Histogram histogram;
  for (int64_t i = 1; i <= 100'000; ++i) histogram.Record(i * i % 50'000'000);
  return histogram;
}

void HistogramMerge(benchmark::State& state) {
  v1::Histogram delta;
  FilledHistogram().ToProto(delta);
  Histogram sum;
  for (auto _ : state) benchmark::DoNotOptimize(sum.MergeProto(delta));
  state.counters["buckets"] = delta.bucket_counts_size();
}
BENCHMARK(HistogramMerge);

void HistogramPercentile(benchmark::State& state) {
  const Histogram histogram = FilledHistogram();
  for (auto _ : state) benchmark::DoNotOptimize(histogram.Percentile(0.99));
}
BENCHMARK(HistogramPercentile);

void DueTimes(benchmark::State& state, const SendPlan& plan) {
  DueCursor cursor(plan);
  for (auto _ : state) {
    benchmark::DoNotOptimize(cursor.due_ns());
    cursor.Advance();
  }
}
BENCHMARK_CAPTURE(DueTimes, constant,
                  SendPlan::OpenLoop(Schedule::AtRate(1'000 * kNanosPerSecond), Slot(1, 3), {}));
BENCHMARK_CAPTURE(
    DueTimes, ramp,
    SendPlan::OpenLoop(Schedule::InStages(RateStages({{.from = 0,
                                                       .to = 1'000'000 * kNanosPerSecond,
                                                       .duration_ns = 3'600 * kNanosPerSecond}})),
                       Slot(1, 3), {}));
BENCHMARK_CAPTURE(DueTimes, poisson,
                  SendPlan::Poisson(Schedule::AtRate(1'000 * kNanosPerSecond), 1, Slot(1, 3), {}));

void ParseResponse(benchmark::State& state) {
  const std::string response = kResponse + std::string(101, 'x');
  ResponseParser parser;
  for (auto _ : state) {
    parser.Reset(false);
    benchmark::DoNotOptimize(parser.Feed(response));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(response.size()));
}
BENCHMARK(ParseResponse);

void EncodeReport(benchmark::State& state) {
  auto stats = std::make_unique<IntervalStats>();
  for (int64_t i = 1; i <= 100'000; ++i) {
    stats->CountSent(IntervalStats::kMeasured, i % 1'000);
    stats->CountCompleted(IntervalStats::kMeasured, {.status = 200,
                                                     .response_time_ns = i * i % 50'000'000,
                                                     .service_time_ns = i * i % 40'000'000,
                                                     .first_byte_ns = i * i % 40'000'000});
  }
  size_t bytes = 0;
  for (auto _ : state) {
    v1::MetricsReport report;
    stats->ToReport(report);
    bytes = report.SerializeAsString().size();
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(EncodeReport);

// The loop, the HTTP client and the parser, on a network that takes no time: what is left of a
// request when the kernel is taken away, and the simulation's own work.
void LoopOnASimulatedTransport(benchmark::State& state) {
  constexpr int64_t kRequests = 50'000;
  for (auto _ : state) {
    ManualClock clock;
    SimulatedTransport transport(clock);
    LoadPlan plan;
    plan.sends = SendPlan::ClosedLoop({.requests = kRequests});
    plan.connections = plan.max_connections = 64;
    plan.connect_timeout_ns = plan.request_timeout_ns = plan.drain_timeout_ns = kNanosPerSecond;
    plan.metrics_interval_ns = kNanosPerSecond;
    plan.addresses = {"127.0.0.1:80"};
    plan.start = {kNanosPerMilli};
    RunControl control;
    IntervalChannel intervals(1);
    Http1Client http({.bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"}, 64, transport);
    LoadLoop(plan, clock, http, control, intervals).Run();
  }
  state.SetItemsProcessed(state.iterations() * kRequests);
}
BENCHMARK(LoopOnASimulatedTransport);

}  // namespace
}  // namespace loadtest
