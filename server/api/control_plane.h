// What the doors (gRPC, REST) may ask of the orchestrator. The doors translate; all meaning is
// behind this.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/measure/histogram.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {

template <typename T>
using Reply = std::function<void(absl::StatusOr<T>)>;

// Called by the core thread, which they must not hold up.
struct WatchSink {
  // Each update is whole by itself, but for `events`: those since the update before.
  std::function<void(std::shared_ptr<const v1::LoadTestUpdate>)> on_update;
  // No update follows: OK when the test has ended (its last update came before), else why.
  std::function<void(const absl::Status&)> on_end;
};

// Counters of the orchestrator itself, for /metrics and GetServerInfo.
struct ControlPlaneStats {
  int64_t start_ns = 0;  // when the process began, nanoseconds after 1970
  int own_drivers = 0;   // that the orchestrator starts by itself
  std::string bus;
  bool bus_connected = false;
  bool store_writable = true;
  int64_t records_applied[4] = {};  // by topic: register, heartbeat, trigger, metrics
  int64_t records_rejected =
      0;  // not decodable, of an unknown type or version, or contradicting themselves
  int64_t duplicate_reports = 0;
  // Interval reports of tests that are not known (yet), and those that were dropped because no test
  // came.
  int64_t reports_held = 0;
  int64_t held_reports_dropped = 0;
  int64_t offset_gaps = 0;  // records thrown away by the broker before they were read
  int drivers_live = 0;
  int drivers_lost = 0;
  int tests_by_state[8] = {};  // by v1::LoadTest::State
  int64_t requests_sent = 0;   // over all tests since the process began
  int64_t requests_completed = 0;
  int64_t requests_failed = 0;
  int64_t requests_dropped = 0;  // due and never sent
  // Of the same requests, nanoseconds.
  Histogram response_time;
  Histogram service_time;
  Histogram send_delay;
};

// Thread-safe. Every call returns at once; its reply comes later, from a thread of the orchestrator
// or, for errors that need no state, from the caller's own. Calls that decide something answer Unavailable
// while the broker is away.
class ControlPlane {
 public:
  virtual ~ControlPlane() = default;

  virtual void CreateLoadTest(v1::CreateLoadTestRequest request, Reply<v1::LoadTest> reply) = 0;
  virtual void GetLoadTest(v1::GetLoadTestRequest request, Reply<v1::LoadTest> reply) = 0;
  virtual void ListLoadTests(v1::ListLoadTestsRequest request,
                             Reply<v1::ListLoadTestsResponse> reply) = 0;
  virtual void StopLoadTest(v1::StopLoadTestRequest request, Reply<v1::LoadTest> reply) = 0;
  virtual void DeleteLoadTest(v1::DeleteLoadTestRequest request,
                              Reply<google::protobuf::Empty> reply) = 0;
  // Writes the note of a test.
  virtual void UpdateLoadTest(v1::UpdateLoadTestRequest request, Reply<v1::LoadTest> reply) = 0;
  virtual void GetReport(v1::GetReportRequest request, Reply<v1::Report> reply) = 0;
  virtual void ListDrivers(v1::ListDriversRequest request,
                           Reply<v1::ListDriversResponse> reply) = 0;
  virtual void GetStats(Reply<ControlPlaneStats> reply) = 0;

  // Watches until on_end or Unwatch. After Unwatch returns, no call of the sink begins. Errors
  // (NotFound ...) come through on_end. Unwatch of a watch that has ended does nothing.
  virtual uint64_t Watch(v1::WatchLoadTestRequest request, WatchSink sink) = 0;
  virtual void Unwatch(uint64_t watch) = 0;
};

}  // namespace loadtest
