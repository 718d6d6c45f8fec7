#include "driver/driver_metrics.h"

#include <gtest/gtest.h>

#include <string>

namespace loadtest {
namespace {

v1::Measurements Interval(int64_t completed, int64_t in_flight) {
  v1::Measurements interval;
  Histogram times;
  for (int64_t i = 0; i < completed; ++i) times.Record(3'000'000);
  Histogram delays;
  for (int64_t i = 0; i < completed + in_flight + 1; ++i) delays.Record(20'000);
  v1::RequestCounts& counts = *interval.mutable_counts();
  counts.set_due(completed + in_flight + 1);
  counts.set_sent(completed + in_flight + 1);
  counts.set_completed(completed);
  counts.set_failed(1);
  counts.set_in_flight(in_flight);
  (*interval.mutable_status_codes())[200] = completed;
  v1::ErrorCount& error = *interval.add_errors();
  error.set_kind(v1::REQUEST_TIMEOUT);
  error.set_count(1);
  times.ToProto(*interval.mutable_response_time());
  times.ToProto(*interval.mutable_service_time());
  delays.ToProto(*interval.mutable_send_delay());
  interval.set_bytes_sent(100);
  return interval;
}

bool Has(const DriverMetrics& metrics, const std::string& line) {
  return ("\n" + metrics.Text()).find("\n" + line + "\n") != std::string::npos;
}

TEST(DriverMetricsTest, IntervalsAddUpAndGaugesAreTheLastOnes) {
  DriverMetrics metrics("d1", 0);
  metrics.Add(Interval(10, 3), /*final=*/false);
  metrics.Add(Interval(5, 2), /*final=*/false);
  for (const char* line :
       {"loadtest_driver_requests_completed_total 15", "loadtest_driver_requests_failed_total 2",
        "loadtest_driver_requests_in_flight 2", "loadtest_driver_responses_total{code=\"200\"} 15",
        "loadtest_driver_errors_total{kind=\"request_timeout\"} 2",
        "loadtest_driver_errors_total{kind=\"resolve_failed\"} 0",
        "loadtest_driver_errors_total{kind=\"http2_error\"} 0",
        "loadtest_driver_sent_bytes_total 200",
        "loadtest_driver_response_time_seconds_bucket{le=\"0.002\"} 0",
        "loadtest_driver_response_time_seconds_bucket{le=\"0.005\"} 15",
        "loadtest_driver_response_time_seconds_count 15",
        "loadtest_driver_response_time_seconds_sum 0.045"}) {
    EXPECT_TRUE(Has(metrics, line)) << line << "\n" << metrics.Text();
  }
}

TEST(DriverMetricsTest, NothingIsInFlightAfterTheEnd) {
  DriverMetrics metrics("d1", 0);
  metrics.Add(Interval(10, 3), /*final=*/true);
  EXPECT_TRUE(Has(metrics, "loadtest_driver_requests_in_flight 0"));
}

TEST(DriverMetricsTest, StateIsThatOfTheLastHeartbeat) {
  DriverMetrics metrics("d1", 1'700'000'000'500'000'000);
  v1::DriverHeartbeat heartbeat;
  heartbeat.set_state(v1::DriverHeartbeat::RUNNING);
  metrics.SetHeartbeat(heartbeat, 2'500'000'000);
  metrics.SetBusConnected(true);
  for (const char* line :
       {"loadtest_driver_state{state=\"RUNNING\"} 1", "loadtest_driver_state{state=\"IDLE\"} 0",
        "loadtest_driver_bus_connected 1", "loadtest_driver_cpu_seconds_total 2.5",
        "loadtest_driver_start_time_seconds 1700000000.5"}) {
    EXPECT_TRUE(Has(metrics, line)) << line << "\n" << metrics.Text();
  }
}

}  // namespace
}  // namespace loadtest
