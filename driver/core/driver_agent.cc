#include "driver/core/driver_agent.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr size_t kRememberedTests = 64;

const v1::Assignment* FindAssignment(const v1::Started& started, const std::string& driver_id,
                                     int64_t incarnation) {
  for (const v1::Assignment& assignment : started.assignments()) {
    if (assignment.driver_id() == driver_id && assignment.incarnation() == incarnation) {
      return &assignment;
    }
  }
  return nullptr;
}

}  // namespace

std::vector<AgentAction> DriverAgent::OnTrigger(const v1::Trigger& trigger) {
  switch (trigger.event_case()) {
    case v1::Trigger::kStarted:
      return OnStarted(trigger.test_id(), trigger.started());
    case v1::Trigger::kStopOrdered:
    case v1::Trigger::kFinished:
    case v1::Trigger::kDeleted:
      if (test_id_.empty() || trigger.test_id() != test_id_) return {};
      return {StopRun{.reason = v1::MetricsReport::STOP_ORDERED, .error = ""}};
    case v1::Trigger::kBodyPart:
      if (CheckBodyPart(trigger.body_part()).ok()) {
        bodies_.Add(trigger.test_id(), trigger.body_part());
      }
      return {};
    case v1::Trigger::kCreated:
      // The parts before it are the orchestrator's; they come again before the Started.
      bodies_.Forget(trigger.test_id());
      return {};
    case v1::Trigger::kAdjusted:
    case v1::Trigger::kNoted:
    case v1::Trigger::kAlive:
    case v1::Trigger::EVENT_NOT_SET:  // an event of a later version
      return {};
  }
  return {};
}

std::vector<AgentAction> DriverAgent::OnStarted(const std::string& test_id,
                                                const v1::Started& started) {
  const v1::Assignment* assignment =
      FindAssignment(started, options_.driver_id, options_.incarnation);
  if (assignment == nullptr || HasRun(test_id)) {
    bodies_.Forget(test_id);
    return {};
  }
  absl::StatusOr<ArmRun> run = Accept(test_id, started, *assignment);
  if (!run.ok()) {
    refusals_.push_back({test_id, std::string(run.status().message())});
    return {};
  }
  test_id_ = test_id;
  armed_ = ArmedFacts();
  longest_until_.reset();
  earlier_tests_.push_back(test_id);
  if (earlier_tests_.size() > kRememberedTests) earlier_tests_.pop_front();
  return {*std::move(run)};
}

absl::StatusOr<ArmRun> DriverAgent::Accept(const std::string& test_id, const v1::Started& started,
                                           const v1::Assignment& assignment) {
  if (state_ == v1::DriverHeartbeat::LEAVING) {
    return absl::FailedPreconditionError("this driver is leaving");
  }
  if (!test_id_.empty()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("this driver runs test %s; want one test at a time", test_id_));
  }
  ASSIGN_OR_RETURN(v1::LoadTestSpec spec, ValidateSpec(started.spec(), BodyIn::kParts));
  v1::HttpRequest& request = *spec.mutable_request();
  if (request.body().empty() && request.body_bytes() > 0) {
    std::optional<std::string> body =
        bodies_.Take(test_id, static_cast<size_t>(request.body_bytes()));
    if (!body) {
      return absl::DataLossError(absl::StrFormat(
          "its body: got not all of the parts, want %d bytes", request.body_bytes()));
    }
    request.set_body(*std::move(body));
  }
  RETURN_IF_ERROR(options_.policy.Check(spec, assignment));
  options_.policy.Apply(spec);
  return ArmRun{.test_id = test_id,
                .spec = std::move(spec),
                .assignment = assignment,
                .start_time = {started.start_time_ns()},
                .metrics_interval_ns = started.metrics_interval_ns()};
}

bool DriverAgent::HasRun(const std::string& test_id) const {
  return std::find(earlier_tests_.begin(), earlier_tests_.end(), test_id) != earlier_tests_.end();
}

void DriverAgent::OnArmed(ArmedFacts facts) {
  armed_ = std::move(facts);
  SetState(v1::DriverHeartbeat::ARMED);
}

void DriverAgent::OnArmFailed(std::string_view error) {
  refusals_.push_back({test_id_, std::string(error)});
  OnEnded();
}

void DriverAgent::OnRunning(MonotonicTime now) {
  longest_until_ = MonotonicTime{now.ns + options_.policy.max_duration_ns()};
  SetState(v1::DriverHeartbeat::RUNNING);
}

void DriverAgent::OnDraining() {
  longest_until_.reset();
  SetState(v1::DriverHeartbeat::DRAINING);
}

void DriverAgent::OnEnded() {
  test_id_.clear();
  armed_ = ArmedFacts();
  longest_until_.reset();
  SetState(v1::DriverHeartbeat::IDLE);
}

std::vector<AgentAction> DriverAgent::OnTime(MonotonicTime now) {
  if (!longest_until_ || now < *longest_until_) return {};
  longest_until_.reset();
  return {
      StopRun{.reason = v1::MetricsReport::DRIVER_FAILED,
              .error = absl::StrFormat("driver.max_duration: the test ran for %s, the longest that "
                                       "this driver allows",
                                       FormatDuration(options_.policy.max_duration_ns()))}};
}

void DriverAgent::OnLeaving() {
  refusals_.clear();
  test_id_.clear();
  armed_ = ArmedFacts();
  SetState(v1::DriverHeartbeat::LEAVING);
}

void DriverAgent::SetState(v1::DriverHeartbeat::State state) {
  changed_ = changed_ || state != state_;
  state_ = state;
}

bool DriverAgent::HeartbeatIsDue(MonotonicTime now) const {
  return changed_ || !refusals_.empty() || now >= next_heartbeat_;
}

v1::DriverHeartbeat DriverAgent::TakeHeartbeat(MonotonicTime now, WallTime wall_now,
                                               const Gauges& gauges) {
  v1::DriverHeartbeat heartbeat;
  heartbeat.set_driver_id(options_.driver_id);
  heartbeat.set_incarnation(options_.incarnation);
  heartbeat.set_sequence(++sequence_);
  heartbeat.set_state(state_);
  heartbeat.set_cpu_cores(gauges.cpu_cores);
  heartbeat.set_loop_lag_max_ns(gauges.loop_lag_max_ns);
  heartbeat.set_wall_time_ns(wall_now.ns);
  if (!refusals_.empty()) {
    heartbeat.set_test_id(refusals_.front().test_id);
    heartbeat.set_arm_error(refusals_.front().error);
    refusals_.pop_front();
    // Tells of another test than the state does: the next one, at once, sets that right.
    changed_ = changed_ || state_ != v1::DriverHeartbeat::IDLE;
  } else {
    if (state_ != v1::DriverHeartbeat::IDLE) heartbeat.set_test_id(test_id_);
    heartbeat.mutable_target_addresses()->Add(armed_.target_addresses.begin(),
                                              armed_.target_addresses.end());
    heartbeat.set_transport(armed_.transport);
    heartbeat.set_tls(armed_.tls);
    changed_ = false;
  }
  next_heartbeat_ = {now.ns + options_.heartbeat_interval_ns};
  return heartbeat;
}

}  // namespace loadtest
