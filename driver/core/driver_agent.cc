#include "driver/core/driver_agent.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/spec/load_test_spec.h"
#include "driver/core/share_checks.h"

namespace loadtest {
namespace {

constexpr size_t kRememberedTests = 64;

absl::Status PartHasEnded() {
  return absl::FailedPreconditionError("shares: its part of this test has ended");
}

// The one of `parts` (assignments, shares) that is this life's of this driver; null: none.
template <typename Parts>
auto FindPart(const Parts& parts, const std::string& driver_id, int64_t incarnation)
    -> decltype(&*parts.begin()) {
  for (const auto& part : parts) {
    if (part.driver_id() == driver_id && part.incarnation() == incarnation) return &part;
  }
  return nullptr;
}

// The common start by this host's clock. An offset within its error is no better than none.
WallTime LocalStart(const v1::Started& started, const v1::Assignment& assignment) {
  const int64_t offset_ns = assignment.clock_offset_ns();
  const int64_t error_ns = assignment.clock_error_ns();
  const bool known = error_ns > 0 && (offset_ns > error_ns || offset_ns < -error_ns);
  return {started.start_time_ns() + (known ? offset_ns : 0)};
}

bool IsClaim(const v1::Trigger& trigger) {
  return trigger.has_alive() && trigger.alive().kind() == v1::OrchestratorAlive::CLAIM;
}

bool IsRetirement(const v1::Trigger& trigger) {
  return trigger.has_alive() && trigger.alive().kind() == v1::OrchestratorAlive::RETIRED;
}

}  // namespace

std::vector<AgentAction> DriverAgent::OnTrigger(const v1::Trigger& trigger, MonotonicTime now,
                                                WallTime wall_now) {
  if (IsVoid(trigger)) return {};
  NoteSignOfLife(trigger, now, wall_now);
  switch (trigger.event_case()) {
    case v1::Trigger::kStarted:
      return OnStarted(trigger.test_id(), trigger.started());
    case v1::Trigger::kAdjusted:
      return OnAdjusted(trigger.test_id(), trigger.adjusted());
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
    case v1::Trigger::kNoted:
    case v1::Trigger::kAlive:
    case v1::Trigger::EVENT_NOT_SET:  // an event of a later version
      return {};
  }
  return {};
}

// Whoever decides has taken over; but who only claims, or ends, may have found an older life there.
bool DriverAgent::IsVoid(const v1::Trigger& trigger) {
  const int64_t writer = trigger.writer() == 0 && trigger.has_alive()
                             ? trigger.alive().incarnation()
                             : trigger.writer();
  if (writer == 0) return false;  // of version 0.1
  if (IsClaim(trigger) || IsRetirement(trigger)) return writer < newest_writer_;
  if (writer < newest_writer_) return true;
  newest_writer_ = writer;
  return false;
}

void DriverAgent::NoteSignOfLife(const v1::Trigger& trigger, MonotonicTime now, WallTime wall_now) {
  // Whoever claims is not the orchestrator yet, and its clock may be another host's.
  if (IsClaim(trigger)) return;
  heard_of_ = now;
  if (!trigger.has_alive()) return;
  alive_send_time_ns_ = trigger.alive().send_time_ns();
  alive_read_time_ns_ = wall_now.ns;
}

std::vector<AgentAction> DriverAgent::OnStarted(const std::string& test_id,
                                                const v1::Started& started) {
  const v1::Assignment* assignment =
      FindPart(started.assignments(), options_.driver_id, options_.incarnation);
  if (assignment == nullptr || HasRun(test_id)) {
    bodies_.Forget(test_id);
    return {};
  }
  return Arm(test_id, started, *assignment, nullptr);
}

std::vector<AgentAction> DriverAgent::OnAdjusted(const std::string& test_id,
                                                 const v1::Adjusted& adjusted) {
  const v1::DriverShares* shares =
      FindPart(adjusted.shares(), options_.driver_id, options_.incarnation);
  if (!HasRun(test_id)) {
    const v1::Assignment* joining =
        FindPart(adjusted.joined(), options_.driver_id, options_.incarnation);
    if (joining != nullptr) return Arm(test_id, adjusted.started(), *joining, shares);
    bodies_.Forget(test_id);
    return {};
  }
  if (shares == nullptr) return {};
  if (test_id != test_id_) {
    // To be left with nothing is what it is left with anyway.
    if (shares->shares_size() > 0) Refuse(test_id, PartHasEnded());
    return {};
  }
  absl::StatusOr<std::vector<v1::Share>> allowed = AllowedShares(test_id, spec_, *shares);
  if (!allowed.ok()) {
    Refuse(test_id, allowed.status());
    return {};
  }
  return {ReplaceShares{.shares = *std::move(allowed)}};
}

void DriverAgent::OnSharesTooLate() { Refuse(test_id_, PartHasEnded()); }

std::vector<AgentAction> DriverAgent::Arm(const std::string& test_id, const v1::Started& started,
                                          const v1::Assignment& assignment,
                                          const v1::DriverShares* shares) {
  absl::StatusOr<ArmRun> run = Accept(test_id, started, assignment, shares);
  if (!run.ok()) {
    Refuse(test_id, run.status());
    return {};
  }
  test_id_ = test_id;
  spec_ = run->spec;
  spec_.mutable_request()->clear_body();
  armed_ = ArmedFacts();
  longest_until_.reset();
  lease_ns_ = options_.policy.LeaseOf(started.lease_ns());
  end_ordered_ = false;
  earlier_tests_.push_back(test_id);
  if (earlier_tests_.size() > kRememberedTests) earlier_tests_.pop_front();
  return {*std::move(run)};
}

absl::StatusOr<ArmRun> DriverAgent::Accept(const std::string& test_id, const v1::Started& started,
                                           const v1::Assignment& assignment,
                                           const v1::DriverShares* shares) {
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
  ArmRun run = {.test_id = test_id,
                .spec = std::move(spec),
                .assignment = assignment,
                .start_time = LocalStart(started, assignment),
                .metrics_interval_ns = started.metrics_interval_ns()};
  if (shares != nullptr) {
    ASSIGN_OR_RETURN(run.shares, AllowedShares(test_id, run.spec, *shares));
  }
  return run;
}

absl::StatusOr<std::vector<v1::Share>> DriverAgent::AllowedShares(const std::string& test_id,
                                                                  const v1::LoadTestSpec& spec,
                                                                  const v1::DriverShares& shares) {
  const std::vector<v1::Share> wanted(shares.shares().begin(), shares.shares().end());
  RETURN_IF_ERROR(CheckShares(spec, wanted));
  std::vector<v1::Share> allowed = options_.policy.WithinRate(spec, wanted);
  if (allowed.size() < wanted.size()) {
    Refuse(
        test_id,
        absl::PermissionDeniedError(absl::StrFormat(
            "shares: %d of %d are not sent by this driver, which may send at most %g/s; raise it "
            "there with driver.max_rate",
            wanted.size() - allowed.size(), wanted.size(), options_.policy.max_rate())));
  }
  return allowed;
}

bool DriverAgent::HasRun(const std::string& test_id) const {
  return std::find(earlier_tests_.begin(), earlier_tests_.end(), test_id) != earlier_tests_.end();
}

void DriverAgent::OnArmed(ArmedFacts facts) {
  armed_ = std::move(facts);
  SetState(v1::DriverHeartbeat::ARMED);
}

void DriverAgent::OnArmFailed(const absl::Status& error) {
  Refuse(test_id_, error);
  OnEnded();
}

void DriverAgent::OnRunning(MonotonicTime now) {
  // It may run again after it has drained: it was given more to do.
  if (!longest_until_) longest_until_ = MonotonicTime{now.ns + options_.policy.max_duration_ns()};
  SetState(v1::DriverHeartbeat::RUNNING);
}

void DriverAgent::OnDraining() { SetState(v1::DriverHeartbeat::DRAINING); }

void DriverAgent::OnEnded() {
  test_id_.clear();
  armed_ = ArmedFacts();
  longest_until_.reset();
  SetState(v1::DriverHeartbeat::IDLE);
}

std::vector<AgentAction> DriverAgent::OnTime(MonotonicTime now) {
  // What drains sends nothing more, and has a bound of its own.
  if (test_id_.empty() || end_ordered_ || state_ == v1::DriverHeartbeat::DRAINING) return {};
  if (longest_until_ && now >= *longest_until_) {
    end_ordered_ = true;
    return {StopRun{
        .reason = v1::MetricsReport::DRIVER_FAILED,
        .error = absl::StrFormat("driver.max_duration: the test ran for %s, the longest that "
                                 "this driver allows",
                                 FormatDuration(options_.policy.max_duration_ns()))}};
  }
  if (now.ns - heard_of_.ns >= lease_ns_) {
    end_ordered_ = true;
    return {StopRun{.reason = v1::MetricsReport::LEASE_EXPIRED,
                    .error = absl::StrFormat("lease: no sign of life of the orchestrator for %s",
                                             FormatDuration(lease_ns_))}};
  }
  return {};
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
  heartbeat.set_alive_send_time_ns(alive_send_time_ns_);
  heartbeat.set_alive_read_time_ns(alive_read_time_ns_);
  heartbeat.set_reports_waiting(gauges.reports_waiting);
  if (!refusals_.empty()) {
    heartbeat.set_test_id(refusals_.front().test_id);
    const absl::Status& error = refusals_.front().error;
    heartbeat.set_arm_error(std::string(error.message()));
    heartbeat.set_arm_denied(absl::IsPermissionDenied(error));
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
