#include "driver/driver_process.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/units.h"
#include "driver/engine/cpu_time.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;

// While a test runs, its intervals and states are looked for this often; records wake the thread at
// once.
constexpr milliseconds kPollWhileRunning(10);
constexpr milliseconds kPollWhileIdle(50);
constexpr milliseconds kTopicRetry(200);
constexpr milliseconds kQueryTimeout(1000);

// Records of `trigger` from before it began that a driver glances at, to know which orchestrator is
// in charge. Those of one that was replaced come seldom, so few are enough.
constexpr int64_t kGlanceBack = 20;

// For a process that was told to end: a test may drain half a second, and reports take a moment.
constexpr int64_t kLongestStopNs = 1200 * kNanosPerMilli;
constexpr milliseconds kFlushSlice(100);
constexpr int kFlushSlices = 20;
// With no broker there, waiting for it is in vain.
constexpr int kFlushSlicesWithoutBroker = 2;

DriverAgent::Options AgentOptions(const DriverProcess::Options& options) {
  return {.driver_id = options.registration.driver_id(),
          .incarnation = options.registration.incarnation(),
          .policy = options.policy,
          .heartbeat_interval_ns = options.heartbeat_interval_ns};
}

}  // namespace

DriverProcess::DriverProcess(Options options, MessageBus& bus, Clock& clock, const Logger& log)
    : options_(std::move(options)),
      id_(options_.registration.driver_id()),
      bus_(bus),
      clock_(clock),
      log_(log),
      agent_(AgentOptions(options_)),
      outbox_(bus, id_),
      gauges_at_(clock.Now()),
      cpu_ns_(ReadCpuTime().process) {}

void DriverProcess::Run(const std::function<bool()>& stop_requested) {
  if (!AssignTrigger(stop_requested)) return;
  Register();
  while (!stop_requested()) Turn();
  Leave();
}

bool DriverProcess::AssignTrigger(const std::function<bool()>& stop_requested) {
  bool told = false;
  while (!stop_requested()) {
    const auto ranges = bus_.QueryOffsets(Topic::kTrigger, kQueryTimeout);
    if (ranges.ok()) {
      Offsets from;
      glance_to_.clear();
      for (const auto& [partition, range] : *ranges) {
        from[partition] = std::max(range.begin, range.end - kGlanceBack);
        if (from[partition] < range.end) glance_to_[partition] = range.end;
      }
      if (bus_.Assign(from).ok()) return true;
    }
    if (!told) {
      log_.Info(absl::StrFormat("waiting for an orchestrator: %s", ranges.status().message()));
      told = true;
    }
    bus_.Poll(kTopicRetry);
  }
  return false;
}

void DriverProcess::Register() {
  v1::DriverRegistration registration = options_.registration;
  registration.set_ip_address(bus_.local_address());
  *registration_ = RegistrationState();
  const absl::Status queued =
      bus_.Publish(Topic::kRegister, id_, "DriverRegistration", registration.SerializeAsString(),
                   [state = registration_](const absl::Status& delivered) {
                     (delivered.ok() ? state->done : state->failed) = true;
                   });
  if (!queued.ok()) registration_->failed = true;
}

void DriverProcess::Turn() {
  const BusEvents events = bus_.Poll(run_ != nullptr ? kPollWhileRunning : kPollWhileIdle);
  for (const OffsetGap& gap : events.gaps) {
    log_.Warning(absl::StrFormat("%s/%d: records %d to %d were thrown away before they were read",
                                 TopicName(gap.partition.topic), gap.partition.partition, gap.from,
                                 gap.to - 1));
  }
  for (const Record& record : events.records) TakeRecord(record);
  if (registration_->failed) Register();
  if (registration_->done && !std::exchange(registration_->told, true)) {
    log_.Info(absl::StrFormat("registered with %s as %s", options_.broker, bus_.local_address()));
  }
  Perform(agent_.OnTime(clock_.Now()));
  while (FollowRun()) Beat();
  PublishIntervals();
  if (!leaving_ && agent_.HeartbeatIsDue(clock_.Now())) Beat();
}

void DriverProcess::TakeRecord(const Record& record) {
  if (leaving_ || record.topic != Topic::kTrigger) return;
  v1::Trigger trigger;
  const auto glance = glance_to_.find({record.topic, record.partition});
  const bool is_old = glance != glance_to_.end() && record.offset < glance->second;
  // Only once: the offsets of a topic that is made anew begin again.
  if (glance != glance_to_.end() && record.offset + 1 >= glance->second) glance_to_.erase(glance);
  if (record.message_type == "Trigger" && trigger.ParseFromString(record.value)) {
    if (is_old) return agent_.Glance(trigger);
    Perform(agent_.OnTrigger(trigger, clock_.Now(), clock_.WallNow()));
    return;
  }
  if (is_old) return;
  ++rejected_records_;
  log_.Warning(
      absl::StrFormat("%s/%d at offset %d: got message type \"%s\" of %d bytes, want a Trigger; "
                      "skipped (%d so far)",
                      TopicName(record.topic), record.partition, record.offset, record.message_type,
                      record.value.size(), rejected_records_));
}

void DriverProcess::Perform(std::vector<AgentAction> actions) {
  for (AgentAction& action : actions) {
    if (auto* arm = std::get_if<ArmRun>(&action)) {
      log_.Info(absl::StrFormat("arming for test %s: %s", arm->test_id, arm->spec.request().url()));
      report_sequence_ = 0;
      run_ = std::make_unique<LoadRun>(
          std::move(*arm),
          LoadRun::Options{.targets = options_.policy.targets(), .sources = options_.sources},
          clock_);
    } else if (run_ == nullptr) {
      continue;
    } else if (const auto* shares = std::get_if<ReplaceShares>(&action)) {
      log_.Info(absl::StrFormat("test %s: goes on with %d shares of the schedule",
                                run_->order().test_id, shares->shares.size()));
      run_->OrderShares(*shares);
    } else {
      const StopRun& stop = std::get<StopRun>(action);
      if (!stop.error.empty()) {
        log_.Warning(absl::StrFormat("test %s: %s", run_->order().test_id, stop.error));
      }
      run_->OrderStop(stop);
    }
  }
}

bool DriverProcess::FollowRun() {
  using State = v1::DriverHeartbeat;
  if (run_ == nullptr) return false;
  const LoadRun::Progress progress = run_->progress();
  if (progress == LoadRun::Progress::kArmFailed) {
    agent_.OnArmFailed(run_->arm_error());
    run_.reset();
    return true;
  }
  if (progress >= LoadRun::Progress::kArmed && agent_.state() == State::IDLE) {
    log_.Info(absl::StrFormat("armed for test %s: %s", agent_.test_id(),
                              absl::StrJoin(run_->target_addresses(), " ")));
    agent_.OnArmed({.target_addresses = run_->target_addresses(),
                    .transport = run_->transport_name(),
                    .tls = run_->tls_description()});
    return true;
  }
  if (progress >= LoadRun::Progress::kRunning && agent_.state() == State::ARMED) {
    agent_.OnRunning(clock_.Now());
    return true;
  }
  if (progress == LoadRun::Progress::kRunning && agent_.state() == State::DRAINING) {
    agent_.OnRunning(clock_.Now());
    return true;
  }
  if (progress >= LoadRun::Progress::kDraining && agent_.state() == State::RUNNING) {
    agent_.OnDraining();
    return true;
  }
  return false;
}

void DriverProcess::PublishIntervals() {
  outbox_.Retry(clock_.Now());
  while (run_ != nullptr && outbox_.HasRoom()) {
    std::unique_ptr<IntervalStats> stats = run_->TakeInterval();
    if (stats == nullptr) return;
    v1::MetricsReport report;
    report.set_driver_id(id_);
    report.set_incarnation(options_.registration.incarnation());
    report.set_test_id(run_->order().test_id);
    report.set_sequence(++report_sequence_);
    stats->ToReport(report);
    run_->GiveBack(std::move(stats));
    outbox_.Add(report, clock_.Now());
    if (options_.metrics != nullptr) options_.metrics->Add(report.measurements(), report.final());
    if (!report.final()) continue;
    // The last report is on its way before the driver says that it is idle.
    log_.Info(absl::StrFormat("test %s ended: %s", report.test_id(),
                              v1::MetricsReport::EndReason_Name(report.end_reason())));
    while (FollowRun()) Beat();
    if (run_->HasUntakenShares()) agent_.OnSharesTooLate();
    run_.reset();
    deliver_until_ = {clock_.Now().ns + options_.longest_delivery_ns};
    agent_.OnEnded();
  }
}

void DriverProcess::Beat() {
  if (options_.metrics != nullptr) options_.metrics->SetBusConnected(bus_.connected());
  // What could not be told in time is of no use later.
  if (!bus_.connected()) return;
  const MonotonicTime now = clock_.Now();
  const v1::DriverHeartbeat heartbeat =
      agent_.TakeHeartbeat(now, clock_.WallNow(), ReadGauges(now));
  if (!heartbeat.arm_error().empty()) {
    log_.Warning(
        absl::StrFormat("refused test %s: %s", heartbeat.test_id(), heartbeat.arm_error()));
  }
  if (options_.metrics != nullptr) options_.metrics->SetHeartbeat(heartbeat, cpu_ns_);
  // Refused only when the bus is full to the brim; the next heartbeat follows soon.
  bus_.Publish(Topic::kHeartbeat, id_, "DriverHeartbeat", heartbeat.SerializeAsString())
      .IgnoreError();
}

DriverAgent::Gauges DriverProcess::ReadGauges(MonotonicTime now) {
  const int64_t cpu_ns = ReadCpuTime().process;
  const int64_t elapsed_ns = std::max<int64_t>(1, now.ns - gauges_at_.ns);
  const DriverAgent::Gauges gauges = {
      .cpu_cores = static_cast<double>(cpu_ns - cpu_ns_) / static_cast<double>(elapsed_ns),
      .loop_lag_max_ns = run_ != nullptr ? run_->TakeLoopLag() : 0,
      .reports_waiting = static_cast<int32_t>(outbox_.size())};
  gauges_at_ = now;
  cpu_ns_ = cpu_ns;
  return gauges;
}

void DriverProcess::Leave() {
  leaving_ = true;
  log_.Info("leaving");
  if (run_ != nullptr) {
    run_->OrderStop({.reason = v1::MetricsReport::DRIVER_STOPPED, .error = ""});
    const MonotonicTime deadline = {clock_.Now().ns + kLongestStopNs};
    while (run_ != nullptr && clock_.Now() < deadline) Turn();
  }
  agent_.OnLeaving();
  Beat();
  for (int slice = 0; slice < kFlushSlices; ++slice) {
    outbox_.Retry(clock_.Now());
    if (bus_.Flush(kFlushSlice).ok() && outbox_.empty()) return;
    if (!bus_.connected() && slice >= kFlushSlicesWithoutBroker) break;
  }
  log_.Warning(
      absl::StrFormat("left before all reports and heartbeats reached %s", options_.broker));
}

}  // namespace loadtest
