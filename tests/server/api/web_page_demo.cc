// Serves the web page with made-up drivers and load tests, to work on it in a browser without a
// broker:
//   web_page_demo 8090     then open http://127.0.0.1:8090/
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <thread>

#include "server/api/rest_server.h"
#include "tests/server/api/api_samples.h"
#include "tests/server/api/fake_control_plane.h"

namespace loadtest {
namespace {

constexpr int kSeconds = 60;
constexpr int64_t kMilli = 1'000'000;

void Fill(v1::RequestCounts& counts, int64_t sent) {
  counts.set_due(sent);
  counts.set_sent(sent);
  counts.set_completed(sent - sent / 400);
  counts.set_failed(sent / 400);
}

void Fill(v1::LatencySummary& latency, double scale) {
  latency.set_min_ns(static_cast<int64_t>(0.2 * kMilli * scale));
  latency.set_mean_ns(static_cast<int64_t>(1.1 * kMilli * scale));
  latency.set_p50_ns(static_cast<int64_t>(0.9 * kMilli * scale));
  latency.set_p90_ns(static_cast<int64_t>(1.8 * kMilli * scale));
  latency.set_p95_ns(static_cast<int64_t>(2.4 * kMilli * scale));
  latency.set_p99_ns(static_cast<int64_t>(4.6 * kMilli * scale));
  latency.set_p999_ns(static_cast<int64_t>(12.3 * kMilli * scale));
  latency.set_p9999_ns(static_cast<int64_t>(45.6 * kMilli * scale));
  latency.set_max_ns(static_cast<int64_t>(71.0 * kMilli * scale));
}

v1::IntervalResult IntervalAt(int second) {
  v1::IntervalResult interval;
  interval.set_start_offset_ns(int64_t{second} * 1'000'000'000);
  interval.set_end_offset_ns(int64_t{second + 1} * 1'000'000'000);
  Fill(*interval.mutable_counts(), 10'000 + static_cast<int64_t>(600 * std::sin(second * 0.7)));
  Fill(*interval.mutable_response_time(), 1 + 0.4 * std::sin(second * 0.5));
  return interval;
}

v1::Event EventAt(int64_t seconds, const std::string& type, const std::string& message) {
  v1::Event event;
  event.mutable_time()->set_seconds(seconds);
  event.set_type(type);
  event.set_message(message);
  return event;
}

v1::Verdict SampleVerdict() {
  v1::Verdict verdict;
  verdict.set_level(v1::Verdict::DEGRADED);
  v1::VerdictReason& reason = *verdict.add_reasons();
  reason.set_level(v1::Verdict::DEGRADED);
  reason.set_driver_id("driver-3");
  reason.set_resource("driver");
  reason.set_message("silent for 3.0s, want a heartbeat every 1s; 2 intervals are missing");
  return verdict;
}

v1::ErrorCount SampleError(int64_t count) {
  v1::ErrorCount error;
  error.set_kind(v1::CONNECTION_RESET);
  error.set_count(count);
  error.set_example("127.0.0.1:8081: <b>connection reset</b> after 0 bytes of the response");
  return error;
}

v1::LoadTestUpdate UpdateAt(const v1::LoadTest& test, int second, int64_t now) {
  v1::LoadTestUpdate update;
  *update.mutable_load_test() = test;
  *update.mutable_interval() = IntervalAt(second);
  const int64_t sent = int64_t{second + 1} * 10'000;
  Fill(*update.mutable_totals(), sent);
  Fill(*update.mutable_response_time(), 1);
  Fill(*update.mutable_service_time(), 0.9);
  Fill(*update.mutable_send_delay(), 0.01);
  if (sent >= 400) *update.add_errors() = SampleError(sent / 400);
  *update.mutable_verdict() = SampleVerdict();
  for (const char* id : {"driver-1", "driver-2", "driver-3"}) {
    v1::DriverProgress& driver = *update.add_drivers();
    driver.set_driver_id(id);
    driver.set_state(id == std::string("driver-3") ? v1::Driver::LOST : v1::Driver::RUNNING);
    Fill(*driver.mutable_counts(), sent / 3);
    driver.set_send_delay_p99_ns(23'000);
    driver.set_cpu_cores(0.31);
  }
  update.set_progress(static_cast<double>(second + 1) / kSeconds);
  if (second == 3)
    *update.add_events() = EventAt(now, "driver_lost", "driver-3 was silent for 3.0s");
  return update;
}

v1::Report SampleReport(const v1::LoadTest& test, int64_t now) {
  v1::Report report;
  *report.mutable_load_test() = test;
  Fill(*report.mutable_totals()->mutable_counts(), 600'000);
  (*report.mutable_totals()->mutable_status_codes())[200] = 598'400;
  (*report.mutable_totals()->mutable_status_codes())[503] = 100;
  *report.mutable_totals()->add_errors() = SampleError(1'500);
  report.set_completed_per_second(9'975);
  Fill(*report.mutable_response_time(), 1);
  Fill(*report.mutable_service_time(), 0.9);
  Fill(*report.mutable_send_delay(), 0.01);
  report.mutable_verdict()->set_level(v1::Verdict::VALID);
  for (const char* id : {"driver-1", "driver-2", "driver-3"}) {
    v1::DriverResult& driver = *report.add_drivers();
    driver.mutable_assignment()->set_driver_id(id);
    Fill(*driver.mutable_counts(), 200'000);
    Fill(*driver.mutable_send_delay(), 0.01);
    driver.set_cpu_cores(0.31);
    driver.set_finished(true);
  }
  for (int second = 0; second < kSeconds; ++second) *report.add_intervals() = IntervalAt(second);
  *report.add_events() = EventAt(now - 62, "created", "");
  *report.add_events() = EventAt(now - 61, "started", "3 drivers");
  *report.add_events() = EventAt(now - 1, "finished", "SUCCEEDED");
  return report;
}

v1::LoadTest NamedTest(const std::string& id, v1::LoadTest::State state, int64_t created) {
  v1::LoadTest test = SampleTest(id, state);
  test.mutable_spec()->set_title("Checkout under a steady load");
  test.mutable_create_time()->set_seconds(created);
  return test;
}

int Serve(const std::string& port) {
  const int64_t now = std::time(nullptr);
  FakeControlPlane fake;
  const v1::LoadTest live = NamedTest("steady-live", v1::LoadTest::RUNNING, now);
  const v1::LoadTest done = NamedTest("steady-done", v1::LoadTest::SUCCEEDED, now - 62);
  v1::LoadTest failed = NamedTest("nobody-there", v1::LoadTest::FAILED, now - 90'000);
  failed.set_state_reason("driver-1: 127.0.0.1:8081: connection refused");
  for (const v1::LoadTest& test : {live, done, failed}) {
    fake.AddTest(test);
    v1::Report report = SampleReport(test, now);
    if (test.state() == v1::LoadTest::RUNNING) {
      report.clear_intervals();
      report.clear_verdict();
      report.mutable_events()->RemoveLast();
    }
    fake.SetReport(report);
  }
  for (const char* id : {"driver-1", "driver-2", "driver-3"}) {
    v1::Driver driver = SampleDriver(id);
    driver.set_host_name("build-7");
    driver.set_version("0.1.0");
    driver.set_state(v1::Driver::RUNNING);
    driver.set_load_test("loadTests/steady-live");
    driver.set_cpu_cores(0.31);
    driver.mutable_last_heartbeat_time()->set_seconds(now);
    fake.AddDriver(driver);
  }

  const auto server = RestServer::Start("127.0.0.1:" + port, fake);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", std::string(server.status().message()).c_str());
    return 1;
  }
  std::printf("http://127.0.0.1:%d/ for %d seconds\n", (*server)->port(), kSeconds);
  std::fflush(stdout);
  for (int second = 0; second < kSeconds; ++second) {
    fake.Publish("loadTests/steady-live", UpdateAt(live, second, now + second));
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return 0;
}

}  // namespace
}  // namespace loadtest

int main(int argc, char** argv) { return loadtest::Serve(argc > 1 ? argv[1] : "8090"); }
