// What an orchestrator does with the drivers' reports, part by part: reports_bench
// [--benchmark_filter=REGEX]. bench/scale measures the whole of it.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "bench/plausible_measurements.h"
#include "common/base/time.h"
#include "common/measure/measurements.h"
#include "loadtest/v1/bus.pb.h"
#include "server/core/driver_registry.h"
#include "server/core/record_decoder.h"
#include "server/core/report_builder.h"
#include "server/core/report_merger.h"

namespace loadtest {
namespace {

constexpr int kDrivers = 1'000;
constexpr int kRequests = 1'000;

std::string DriverId(int i) { return absl::StrFormat("driver-%05d", i); }

v1::MetricsReport ReportOf(int driver, int64_t interval) {
  v1::MetricsReport m;
  m.set_driver_id(DriverId(driver));
  m.set_incarnation(1);
  m.set_test_id("t-1");
  m.set_sequence(interval);
  m.set_start_offset_ns((interval - 1) * kNanosPerSecond);
  m.set_end_offset_ns(interval * kNanosPerSecond);
  m.set_has_sent(true);
  constexpr int kVariants = 16;
  static const std::vector<v1::Measurements> variants = [] {
    std::vector<v1::Measurements> made;
    for (int seed = 0; seed < kVariants; ++seed)
      made.push_back(PlausibleMeasurements(seed, kRequests));
    return made;
  }();
  *m.mutable_measurements() = variants[(driver + interval) % kVariants];
  return m;
}

v1::Started StartedTest() {
  v1::Started started;
  v1::LoadTestSpec& spec = *started.mutable_spec();
  spec.mutable_request()->set_url("http://127.0.0.1:9/");
  spec.mutable_rate()->set_requests_per_second(kDrivers * kRequests);
  spec.mutable_duration()->set_seconds(1'000'000);
  started.set_metrics_interval_ns(kNanosPerSecond);
  for (int i = 0; i < kDrivers; ++i) {
    v1::Assignment& assignment = *started.add_assignments();
    assignment.set_driver_id(DriverId(i));
    assignment.set_incarnation(1);
    assignment.set_slot(i);
  }
  return started;
}

// A record to a checked message.
void DecodeReport(benchmark::State& state) {
  const Record record = {.topic = Topic::kMetrics,
                         .key = DriverId(7),
                         .value = ReportOf(7, 1).SerializeAsString(),
                         .message_type = "MetricsReport"};
  for (auto _ : state) benchmark::DoNotOptimize(DecodeRecord(record));
  state.counters["bytes"] = static_cast<double>(record.value.size());
}
BENCHMARK(DecodeReport);

// A message into the sums: of its driver, of its interval and in all. Each thousandth closes an
// interval.
void MergeReport(benchmark::State& state) {
  ReportMerger merger(StartedTest());
  std::vector<v1::MetricsReport> reports;  // of the drivers 0 to 15, for all
  for (int i = 0; i < 16; ++i) reports.push_back(ReportOf(i, 1));
  int64_t interval = 1;
  int driver = 0;
  for (auto _ : state) {
    v1::MetricsReport& report = reports[(driver + interval) % reports.size()];
    report.set_driver_id(DriverId(driver));
    report.set_sequence(interval);
    report.set_end_offset_ns(interval * kNanosPerSecond);
    if (merger.Add(report) != ReportMerger::Added::kNew) state.SkipWithError("not added");
    if (++driver == kDrivers) {
      driver = 0;
      ++interval;
    }
  }
}
BENCHMARK(MergeReport);

// What each second a watcher is told of a test with a thousand drivers.
void BuildUpdate(benchmark::State& state) {
  const v1::Started started = StartedTest();
  ReportMerger merger(started);
  v1::LoadTest test;
  *test.mutable_spec() = started.spec();
  const DriverRegistry drivers(3 * kNanosPerSecond, kNanosPerSecond);
  int64_t interval = 0;
  for (auto _ : state) {
    state.PauseTiming();
    ++interval;
    for (int i = 0; i < kDrivers; ++i) merger.Add(ReportOf(i, interval));
    state.ResumeTiming();
    v1::LoadTestUpdate update;
    FillUpdate({{}, {interval * kNanosPerSecond}}, test, &merger, false, drivers, update);
    benchmark::DoNotOptimize(update);
  }
}
BENCHMARK(BuildUpdate)->Iterations(50);

void SummarizeTotals(benchmark::State& state) {
  MeasurementSum sum;
  for (int i = 0; i < kDrivers; ++i) sum.Add(ReportOf(i, 1).measurements()).IgnoreError();
  for (auto _ : state) benchmark::DoNotOptimize(sum.response_time().Summary());
}
BENCHMARK(SummarizeTotals);

}  // namespace
}  // namespace loadtest
