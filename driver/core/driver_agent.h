// What a driver does about the records it reads: a pure state machine.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/time.h"
#include "common/spec/body_parts.h"
#include "driver/core/driver_policy.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {

// Arm for this test, and start it at `start_time`.
struct ArmRun {
  std::string test_id;
  v1::LoadTestSpec
      spec;  // validated, and within the driver's policy but for the target's addresses
  v1::Assignment assignment;
  WallTime start_time;
  int64_t metrics_interval_ns = 0;
};

// End the run: no new request.
struct StopRun {
  v1::MetricsReport::EndReason reason = v1::MetricsReport::STOP_ORDERED;
  // With DRIVER_FAILED.
  std::string error;
};

using AgentAction = std::variant<ArmRun, StopRun>;

// What is known of a test's target once the driver is armed for it; see DriverHeartbeat.
struct ArmedFacts {
  std::vector<std::string> target_addresses = {};
  std::string transport = "";
  std::string tls = "";
};

// Decides; the shell around it acts, and tells what became of it. One test at a time: what a driver
// was assigned while it runs another one, it refuses.
//
// No thread, clock or socket: time is an argument. Owned by the bus thread; not thread-safe.
class DriverAgent {
 public:
  struct Options {
    std::string driver_id;
    int64_t incarnation = 0;
    DriverPolicy policy;
    int64_t heartbeat_interval_ns = kNanosPerSecond;
  };

  explicit DriverAgent(Options options) : options_(std::move(options)) {}

  // A record of topic `trigger`, in their order.
  std::vector<AgentAction> OnTrigger(const v1::Trigger& trigger);

  // What became of the run that ArmRun began, in this order.
  void OnArmed(ArmedFacts facts);
  void OnArmFailed(std::string_view error);
  void OnRunning(MonotonicTime now);
  void OnDraining();
  void OnEnded();

  // To be called now and then: ends a run that lasts longer than the driver's policy allows.
  std::vector<AgentAction> OnTime(MonotonicTime now);

  // The process ends: the next heartbeat is the last one.
  void OnLeaving();

  v1::DriverHeartbeat::State state() const { return state_; }
  // The run that ArmRun began and that has not ended; empty: none.
  const std::string& test_id() const { return test_id_; }

  // A heartbeat must be written now: its time has come, or something has changed.
  bool HeartbeatIsDue(MonotonicTime now) const;
  struct Gauges {
    double cpu_cores = 0;
    int64_t loop_lag_max_ns = 0;
  };
  // The heartbeat to write now.
  v1::DriverHeartbeat TakeHeartbeat(MonotonicTime now, WallTime wall_now, const Gauges& gauges);

 private:
  struct Refusal {
    std::string test_id;
    std::string error;
  };

  std::vector<AgentAction> OnStarted(const std::string& test_id, const v1::Started& started);
  // What is to be armed. An error says why it is refused.
  absl::StatusOr<ArmRun> Accept(const std::string& test_id, const v1::Started& started,
                                const v1::Assignment& assignment);
  bool HasRun(const std::string& test_id) const;
  void SetState(v1::DriverHeartbeat::State state);

  const Options options_;
  v1::DriverHeartbeat::State state_ = v1::DriverHeartbeat::IDLE;
  std::string test_id_;
  ArmedFacts armed_;
  BodyCollector bodies_;
  std::optional<MonotonicTime> longest_until_;
  // The latest tests of this incarnation: a Started that is read twice is not run twice.
  std::deque<std::string> earlier_tests_;

  std::deque<Refusal> refusals_;  // to be told, one a heartbeat
  bool changed_ = true;
  MonotonicTime next_heartbeat_;
  int64_t sequence_ = 0;
};

}  // namespace loadtest
