#include "tests/sim/sim_driver.h"

#include <algorithm>
#include <utility>

namespace loadtest::sim {
namespace {

constexpr int64_t kGlanceBack = 20;
constexpr int64_t kTopicRetryNs = 200 * kNanosPerMilli;
// The longest time without a turn: as the shell's poll, but sparser where nothing happens.
constexpr int64_t kPollNs = kNanosPerSecond;
constexpr int64_t kLongestStopNs = 1'200 * kNanosPerMilli;

}  // namespace

SimDriver::SimDriver(Options options, Timeline& timeline, Trace& trace, Ledger& ledger,
                     ChannelPool& pool, Random random, std::unique_ptr<SimBus> bus)
    : options_(std::move(options)),
      timeline_(timeline),
      trace_(trace),
      ledger_(ledger),
      pool_(pool),
      random_(random),
      bus_(std::move(bus)),
      agent_({.driver_id = options_.id,
              .incarnation = options_.incarnation,
              .policy = options_.policy,
              .heartbeat_interval_ns = options_.heartbeat_interval_ns}),
      outbox_(*bus_, options_.id) {}

SimDriver::~SimDriver() {
  if (engine_ != nullptr) engine_->Advance(timeline_.now());
  if (HasSaidAll()) return;
  for (const std::string& test : tests_)
    ledger_.Begin(test, options_.id, options_.incarnation).killed = true;
}

bool SimDriver::AssignTrigger() {
  const auto ranges = bus_->QueryOffsets(Topic::kTrigger, {});
  if (!ranges.ok()) return false;
  Offsets from;
  glance_to_.clear();
  for (const auto& [partition, range] : *ranges) {
    from[partition] = std::max(range.begin, range.end - kGlanceBack);
    if (from[partition] < range.end) glance_to_[partition] = range.end;
  }
  return bus_->Assign(from).ok();
}

void SimDriver::Register() {
  v1::DriverRegistration registration;
  registration.set_driver_id(options_.id);
  registration.set_incarnation(options_.incarnation);
  registration.set_host_name("host-of-" + options_.id);
  registration.set_message_type("DriverRegistration");
  registration.set_version("simulated");
  registration.set_protocol_version(1);
  registration.set_ip_address(bus_->local_address());
  *registration_failed_ = false;
  const absl::Status queued = bus_->Publish(
      Topic::kRegister, options_.id, "DriverRegistration", registration.SerializeAsString(),
      [failed = registration_failed_](const absl::Status& delivered) {
        if (!delivered.ok()) *failed = true;
      });
  if (!queued.ok()) *registration_failed_ = true;
}

void SimDriver::Turn() {
  if (left_) return;
  if (engine_ != nullptr) engine_->Advance(timeline_.now());
  const BusEvents events = bus_->Poll({});
  if (!assigned_) {
    if (!AssignTrigger()) return;
    assigned_ = true;
    Register();
  }
  for (const Record& record : events.records) TakeRecord(record);
  if (*registration_failed_) Register();
  Perform(agent_.OnTime(Mono()));
  while (FollowRun()) Beat();
  WatchLease();
  PublishIntervals();
  if (!leaving_ && agent_.HeartbeatIsDue(Mono())) Beat();
  if (leaving_ && (engine_ == nullptr || timeline_.now() >= leave_deadline_ns_) && !left_) {
    if (agent_.state() != v1::DriverHeartbeat::LEAVING) {
      agent_.OnLeaving();
      Beat();
    }
    left_ = (outbox_.empty() && bus_->Flush({}).ok()) ||
            timeline_.now() >= leave_deadline_ns_ + 2 * kNanosPerSecond;
  }
}

// A turn later nothing more may be sent.
void SimDriver::WatchLease() {
  if (engine_ == nullptr || timeline_.now() - heard_ns_ <= last_started_.lease_ns()) {
    over_ns_ = -1;
    return;
  }
  RunRecord& record = engine_->record();
  const int64_t sent = record.tally[0].sent + record.tally[1].sent;
  if (over_ns_ < 0) {
    over_ns_ = timeline_.now();
    sent_when_over_ = sent;
  } else if (sent > sent_when_over_ && timeline_.now() - over_ns_ > 2 * kNanosPerSecond) {
    record.overstayed = true;
  }
}

int64_t SimDriver::NextTurnNs() const {
  if (!assigned_) return timeline_.now() + kTopicRetryNs;
  if (leaving_) return timeline_.now() + kPollNs / 10;
  int64_t next = std::min(next_beat_ns_, timeline_.now() + kPollNs);
  if (engine_ != nullptr) {
    // The shell looks for news of the loop every few milliseconds.
    next = std::min(next, engine_->NextNewsNs() + 5 * kNanosPerMilli);
  }
  return next;
}

void SimDriver::TakeRecord(const Record& record) {
  if (leaving_ || record.topic != Topic::kTrigger) return;
  v1::Trigger trigger;
  const auto glance = glance_to_.find({record.topic, record.partition});
  const bool is_old = glance != glance_to_.end() && record.offset < glance->second;
  if (glance != glance_to_.end() && record.offset + 1 >= glance->second) glance_to_.erase(glance);
  if (record.message_type != "Trigger" || !trigger.ParseFromString(record.value)) return;
  if (is_old) return agent_.Glance(trigger);
  const bool is_claim =
      trigger.has_alive() && trigger.alive().kind() == v1::OrchestratorAlive::CLAIM;
  if (!is_claim) heard_ns_ = timeline_.now();
  if (trigger.has_started()) last_started_ = trigger.started();
  if (trigger.has_adjusted() && trigger.adjusted().has_started())
    last_started_ = trigger.adjusted().started();
  std::vector<AgentAction> actions = agent_.OnTrigger(trigger, Mono(), Wall());
  const bool obeyed = !actions.empty();
  Perform(std::move(actions));
  Note(trigger, record.offset, obeyed);
}

void SimDriver::Note(const v1::Trigger& trigger, int64_t offset, bool obeyed) {
  const std::string& test = trigger.test_id();
  if (obeyed) ledger_.Begin(test, options_.id, options_.incarnation).obeyed.insert(offset);
  if (engine_ == nullptr || engine_->order().test_id != test) return;
  for (const v1::DriverShares& shares : trigger.adjusted().shares()) {
    if (shares.driver_id() == options_.id && shares.incarnation() == options_.incarnation &&
        shares.shares_size() > 0)
      engine_->record().offered.insert(offset);
  }
}

void SimDriver::Perform(std::vector<AgentAction> actions) {
  for (AgentAction& action : actions) {
    if (auto* arm = std::get_if<ArmRun>(&action)) {
      Arm(std::move(*arm));
    } else if (engine_ == nullptr) {
      continue;
    } else if (const auto* shares = std::get_if<ReplaceShares>(&action)) {
      trace_.Line("%s goes on with %d shares", options_.id, shares->shares.size());
      engine_->OrderShares(*shares);
    } else {
      const StopRun& stop = std::get<StopRun>(action);
      trace_.Line("%s stops: %s", options_.id, v1::MetricsReport::EndReason_Name(stop.reason));
      engine_->OrderStop(stop);
    }
  }
}

void SimDriver::Arm(ArmRun order) {
  report_sequence_ = 0;
  tests_.push_back(order.test_id);
  RunRecord& record = ledger_.Begin(order.test_id, options_.id, options_.incarnation);
  record.started = last_started_;
  ++record.times_armed;
  const int64_t start_ns = order.start_time.ns - options_.wall_offset_ns;
  trace_.Line("%s arms for %s, start in %d ms", options_.id, order.test_id,
              (start_ns - timeline_.now()) / kNanosPerMilli);
  engine_ = std::make_unique<SimEngine>(std::move(order), options_.habits(), random_.Fork(),
                                        timeline_.now(), start_ns, pool_, record);
  engine_->Advance(timeline_.now());
}

bool SimDriver::FollowRun() {
  using Progress = SimEngine::Progress;
  using State = v1::DriverHeartbeat;
  if (engine_ == nullptr) return false;
  const Progress progress = engine_->progress();
  if (progress == Progress::kArmFailed) {
    trace_.Line("%s cannot arm: %s", options_.id, engine_->arm_error());
    agent_.OnArmFailed(absl::UnavailableError(engine_->arm_error()));
    // Nothing of it can be lost any more.
    std::erase(tests_, engine_->order().test_id);
    engine_.reset();
    return true;
  }
  if (progress >= Progress::kArmed && agent_.state() == State::IDLE) {
    agent_.OnArmed({.target_addresses = {"127.0.0.1:80"}, .transport = "simulated"});
    return true;
  }
  if (progress >= Progress::kRunning && agent_.state() == State::ARMED) {
    agent_.OnRunning(Mono());
    return true;
  }
  if (progress == Progress::kRunning && agent_.state() == State::DRAINING) {
    agent_.OnRunning(Mono());
    return true;
  }
  if (progress >= Progress::kDraining && agent_.state() == State::RUNNING) {
    agent_.OnDraining();
    return true;
  }
  return false;
}

void SimDriver::PublishIntervals() {
  outbox_.Retry(Mono());
  while (engine_ != nullptr && outbox_.HasRoom()) {
    std::unique_ptr<IntervalStats> stats = engine_->TakeInterval();
    if (stats == nullptr) return;
    v1::MetricsReport report;
    report.set_driver_id(options_.id);
    report.set_incarnation(options_.incarnation);
    report.set_test_id(engine_->order().test_id);
    report.set_sequence(++report_sequence_);
    stats->ToReport(report);
    engine_->GiveBack(std::move(stats));
    engine_->record().reports[report.sequence()] = report;
    outbox_.Add(report, Mono());
    if (!report.final()) continue;
    trace_.Line("%s ended %s: %s, sent %d", options_.id, report.test_id(),
                v1::MetricsReport::EndReason_Name(report.end_reason()),
                engine_->record().tally[0].sent + engine_->record().tally[1].sent);
    while (FollowRun()) Beat();
    if (engine_->HasUntakenShares()) agent_.OnSharesTooLate();
    engine_.reset();
    agent_.OnEnded();
  }
}

void SimDriver::Beat() {
  next_beat_ns_ = timeline_.now() + options_.heartbeat_interval_ns;
  if (!bus_->connected()) return;
  const v1::DriverHeartbeat heartbeat = agent_.TakeHeartbeat(
      Mono(), Wall(), {.reports_waiting = static_cast<int32_t>(outbox_.size())});
  if (!heartbeat.arm_error().empty()) {
    const std::string& test = heartbeat.test_id();
    RunRecord& record = ledger_.Begin(test, options_.id, options_.incarnation);
    ++record.refusals;
    if (heartbeat.arm_error().find("runs test " + test) != std::string::npos)
      record.refused_itself = true;
  }
  bus_->Publish(Topic::kHeartbeat, options_.id, "DriverHeartbeat", heartbeat.SerializeAsString())
      .IgnoreError();
}

void SimDriver::Leave() {
  if (leaving_) return;
  trace_.Line("%s leaves", options_.id);
  leaving_ = true;
  leave_deadline_ns_ = timeline_.now() + kLongestStopNs;
  if (engine_ != nullptr) {
    engine_->Advance(timeline_.now());
    engine_->OrderStop({.reason = v1::MetricsReport::DRIVER_STOPPED, .error = ""});
  }
}

}  // namespace loadtest::sim
