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
  // The common start by this host's wall clock; in the past when it joins a test that runs.
  WallTime start_time;
  int64_t metrics_interval_ns = 0;
  // What it sends; none: the assignment's slot from the start to the end. CheckShares holds.
  std::optional<std::vector<v1::Share>> shares = {};
};

// Go on with these instead of all shares so far, of which only what was due already is kept.
// CheckShares holds.
struct ReplaceShares {
  std::vector<v1::Share> shares;
};

// End the run: no new request.
struct StopRun {
  v1::MetricsReport::EndReason reason = v1::MetricsReport::STOP_ORDERED;
  // With DRIVER_FAILED.
  std::string error;
};

using AgentAction = std::variant<ArmRun, ReplaceShares, StopRun>;

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

  // A record of topic `trigger`, in their order, read now. Nothing is done about a record of an
  // orchestrator that had been replaced when it wrote it.
  std::vector<AgentAction> OnTrigger(const v1::Trigger& trigger, MonotonicTime now,
                                     WallTime wall_now);

  // A record of before this life, of which nothing but its writer counts: so that a new life knows
  // which orchestrators have been replaced.
  void Glance(const v1::Trigger& trigger) { IsVoid(trigger); }

  // What became of the run that ArmRun began, in this order.
  void OnArmed(ArmedFacts facts);
  // PermissionDenied: the policy of this driver, which only sees the target's address then.
  void OnArmFailed(const absl::Status& error);
  void OnRunning(MonotonicTime now);
  void OnDraining();
  void OnEnded();
  // ReplaceShares came when the run had ended.
  void OnSharesTooLate();

  // To be called now and then: ends a run that lasts longer than the driver's policy allows, and
  // one whose orchestrator has given no sign of life for the lease.
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
    int32_t reports_waiting = 0;
  };
  // The heartbeat to write now.
  v1::DriverHeartbeat TakeHeartbeat(MonotonicTime now, WallTime wall_now, const Gauges& gauges);

 private:
  struct Refusal {
    std::string test_id;
    absl::Status error;
  };

  // Whether a record comes from an orchestrator that has been replaced. Learns of replacements.
  bool IsVoid(const v1::Trigger& trigger);
  void NoteSignOfLife(const v1::Trigger& trigger, MonotonicTime now, WallTime wall_now);

  std::vector<AgentAction> OnStarted(const std::string& test_id, const v1::Started& started);
  std::vector<AgentAction> OnAdjusted(const std::string& test_id, const v1::Adjusted& adjusted);
  std::vector<AgentAction> Arm(const std::string& test_id, const v1::Started& started,
                               const v1::Assignment& assignment, const v1::DriverShares* shares);
  // What is to be armed. An error says why it is refused.
  absl::StatusOr<ArmRun> Accept(const std::string& test_id, const v1::Started& started,
                                const v1::Assignment& assignment, const v1::DriverShares* shares);
  // Those that this driver's policy allows; tells of the others.
  absl::StatusOr<std::vector<v1::Share>> AllowedShares(const std::string& test_id,
                                                       const v1::LoadTestSpec& spec,
                                                       const v1::DriverShares& shares);
  bool HasRun(const std::string& test_id) const;
  void Refuse(const std::string& test_id, absl::Status error) {
    refusals_.push_back({test_id, std::move(error)});
  }
  void SetState(v1::DriverHeartbeat::State state);

  const Options options_;
  v1::DriverHeartbeat::State state_ = v1::DriverHeartbeat::IDLE;
  std::string test_id_;
  ArmedFacts armed_;
  BodyCollector bodies_;
  // Of the run: what bounds it, and its spec for shares to come.
  std::optional<MonotonicTime> longest_until_;
  int64_t lease_ns_ = 0;
  bool end_ordered_ = false;
  v1::LoadTestSpec spec_;

  // The orchestrator: its newest life that has taken over, when it was last heard of, and what it
  // said of its clock; see DriverHeartbeat.
  int64_t newest_writer_ = 0;
  MonotonicTime heard_of_;
  int64_t alive_send_time_ns_ = 0;
  int64_t alive_read_time_ns_ = 0;
  // The latest tests of this incarnation: a Started that is read twice is not run twice.
  std::deque<std::string> earlier_tests_;

  std::deque<Refusal> refusals_;  // to be told, one a heartbeat
  bool changed_ = true;
  MonotonicTime next_heartbeat_;
  int64_t sequence_ = 0;
};

}  // namespace loadtest
