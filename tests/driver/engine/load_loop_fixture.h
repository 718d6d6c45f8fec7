// A load loop on a simulated network: what the tests of its behaviour have in common.
#pragma once

#include <errno.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "common/measure/measurements.h"
#include "driver/engine/http1_client.h"
#include "driver/engine/interval_channel.h"
#include "driver/engine/load_loop.h"
#include "driver/engine/load_plan.h"
#include "loadtest/v1/bus.pb.h"
#include "tests/driver/engine/simulated_transport.h"

namespace loadtest {

inline constexpr int64_t kMs = kNanosPerMilli;
inline constexpr int64_t kSecond = kNanosPerSecond;

class LoadLoopTest : public ::testing::Test {
 protected:
  // The test starts at this time of the manual clock, which begins at 0.
  static constexpr int64_t kStart = kSecond;

  LoadLoopTest() {
    plan_.request_bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    plan_.connections = 2;
    plan_.max_connections = 2;
    plan_.connect_timeout_ns = 2 * kSecond;
    plan_.request_timeout_ns = 3 * kSecond;
    plan_.drain_timeout_ns = 3 * kSecond;
    plan_.metrics_interval_ns = kSecond;
    plan_.addresses = {"127.0.0.1:80"};
    plan_.start = {kStart};
  }

  void UseTsunami(int64_t delay_ns, SendPlan::Limits limits) {
    plan_.sends = SendPlan::OpenLoop(Schedule::EveryDelay(delay_ns), Slot(), limits);
    plan_.max_connections = 100;
  }

  // Runs the plan to its end; the reports are in reports_, their sum in total_.
  void Run() {
    IntervalChannel intervals(spares_);
    Http1Client http({.bytes = plan_.request_bytes, .is_head = plan_.is_head},
                     plan_.max_connections, transport_);
    LoadLoop(plan_, clock_, http, control_, intervals).Run();
    EXPECT_EQ(control_.phase(), RunPhase::kEnded);
    while (std::unique_ptr<IntervalStats> stats = intervals.Take()) {
      v1::MetricsReport report;
      stats->ToReport(report);
      EXPECT_TRUE(CheckMeasurements(report.measurements()).ok())
          << CheckMeasurements(report.measurements());
      EXPECT_TRUE(total_.Add(report.measurements()).ok());
      reports_.push_back(std::move(report));
      const v1::RequestCounts& gauges = reports_.back().measurements().counts();
      EXPECT_EQ(counts().due(), counts().sent() + counts().dropped() + gauges.waiting());
      EXPECT_EQ(counts().sent(), counts().completed() + counts().failed() + gauges.in_flight());
    }
    ASSERT_FALSE(reports_.empty());
  }

  const v1::RequestCounts& counts() const { return total_.counts(); }
  const v1::MetricsReport& last() const { return reports_.back(); }

  int64_t ErrorsOf(v1::ErrorKind kind) const {
    const auto found = total_.errors().find(kind);
    return found == total_.errors().end() ? 0 : found->second.count();
  }
  std::string ExampleOf(v1::ErrorKind kind) const {
    const auto found = total_.errors().find(kind);
    return found == total_.errors().end() ? "" : found->second.example();
  }

  // Milliseconds after the start at which requests were sent.
  std::vector<double> SendOffsetsMs() const {
    std::vector<double> offsets;
    for (const MonotonicTime& time : transport_.send_times) {
      offsets.push_back(static_cast<double>(time.ns - kStart) / kMs);
    }
    return offsets;
  }

  ManualClock clock_;
  SimulatedTransport transport_{clock_};
  RunControl control_;
  LoadPlan plan_;
  int spares_ = 8;
  std::vector<v1::MetricsReport> reports_;
  MeasurementSum total_;
};

}  // namespace loadtest
