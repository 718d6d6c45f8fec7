#include "tests/sim/sim_orchestrator.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_format.h"
#include "server/core/record_checks.h"

namespace loadtest::sim {
namespace {

constexpr int64_t kBrokerRetryNs = 300 * kNanosPerMilli;
// The shell's tick, sparser.
constexpr int64_t kTickNs = 200 * kNanosPerMilli;
constexpr int64_t kOffsetsWriteNs = 5 * kNanosPerSecond;
constexpr int64_t kStoreRetryNs = kNanosPerSecond;
constexpr int64_t kIdleSignNs = 10 * kNanosPerSecond;
constexpr int64_t kCatchUpNs = 30 * kNanosPerSecond;
constexpr int64_t kReadBackNs = 10 * kNanosPerSecond;
constexpr int64_t kClaimWaitNs = 1'500 * kNanosPerMilli;
constexpr int64_t kLookBack = 300;
constexpr TopicPartition kTrigger = {Topic::kTrigger, 0};
// What has been on a topic for so long must have been read before anybody is given up.
constexpr int64_t kUnreadNs = 1'000 * kNanosPerMilli;

// For people.
std::string WhatIs(const v1::Trigger& decision) {
  std::string reason;
  if (decision.has_adjusted()) reason = decision.adjusted().reason();
  if (decision.has_stop_ordered()) reason = decision.stop_ordered().reason();
  if (decision.has_finished()) {
    reason = absl::StrFormat("%s %s", v1::LoadTest::State_Name(decision.finished().state()),
                             decision.finished().reason());
  }
  const google::protobuf::FieldDescriptor* event =
      v1::Trigger::descriptor()->FindFieldByNumber(static_cast<int>(decision.event_case()));
  return absl::StrFormat("%s %s: %s", decision.test_id(), event == nullptr ? "" : event->name(),
                         reason);
}

}  // namespace

SimOrchestrator::SimOrchestrator(Options options, Timeline& timeline, Trace& trace, SimStore& store,
                                 std::unique_ptr<SimBus> bus)
    : options_(std::move(options)),
      timeline_(timeline),
      trace_(trace),
      store_(store),
      bus_(std::move(bus)),
      core_(options_.core, Now()),
      decisions_(core_, *bus_),
      echo_(options_.core.heartbeat_interval_ns),
      read_lag_(options_.core.heartbeat_interval_ns) {}

int64_t SimOrchestrator::NextTurnNs() const {
  return timeline_.now() + (state_ == State::kWaitingForBroker ? kBrokerRetryNs : kTickNs);
}

void SimOrchestrator::Recover() {
  if (!bus_->EnsureTopics({}).ok()) return;
  const Store::Contents contents = store_.Load();
  if (!StartOffsets(contents.offsets)) return;
  began_empty_ = contents.tests.empty() && contents.offsets.empty();
  for (const StoreBatch::SavedTest& saved : contents.tests) {
    if (IsEnded(saved.test.state())) core_.Restore(saved.test, saved.request_id);
  }
  for (const std::string& id : contents.deleted) core_.RestoreDeleted(id);
  // What the store has given is in the store: nobody needs the notices.
  for (const Record& record : contents.unfinished_records) Apply(record);
  core_.BeginCatchUp();
  state_ = State::kCatchingUp;
  deadline_ns_ = timeline_.now() + kCatchUpNs;
}

bool SimOrchestrator::StartOffsets(const Offsets& stored) {
  offsets_.clear();
  catch_up_to_.clear();
  for (const Topic topic : kAllTopics) {
    const auto ranges = bus_->QueryOffsets(topic, {});
    if (!ranges.ok()) return false;
    for (const auto& [partition, range] : *ranges) {
      int64_t next = topic == Topic::kHeartbeat ? range.end : range.begin;
      if (topic == Topic::kTrigger || topic == Topic::kMetrics) {
        const auto it = stored.find(partition);
        if (it != stored.end()) next = it->second;
      }
      if (topic == Topic::kTrigger) trigger_end_ = range.end;
      if (topic == Topic::kMetrics && next < range.end) catch_up_to_[partition] = range.end;
      offsets_[partition] = next;
    }
  }
  polled_to_ = std::max<int64_t>(0, std::min(offsets_[kTrigger], trigger_end_ - kLookBack));
  return bus_->Assign({{kTrigger, polled_to_}}).ok();
}

void SimOrchestrator::Turn(int dies_after) {
  if (state_ == State::kWaitingForBroker) Recover();
  if (state_ == State::kWaitingForBroker || state_ == State::kEnded) return;
  std::vector<Record> records = bus_->Poll({}).records;
  read_lag_.OnPolled(Now().mono, records.size());
  TakeRecords(std::move(records), dies_after);
  if (dies_after >= 0) return;
  if (state_ != State::kServing) return GoOnWithStart();
  Tick();
}

void SimOrchestrator::Tick() {
  if (state_ != State::kServing) return;
  const Moment now = Now();
  BuildReports();
  EndCatchUpWhenRead(now);
  const bool lags = read_lag_.MayLag(now);
  const std::vector<Notice> notices =
      core_.Advance(now, bus_->connected() && !echo_.IsSilent(now.mono) && !lags);
  WatchLosses(notices);
  OnNotices(notices, nullptr);
  const int64_t decisions_before = bus_->decisions();
  decisions_.Pump(now);
  if (bus_->decisions() != decisions_before) read_at_decision_[now.wall.ns] = offsets_;
  GiveSigns(now);
  WriteStore(false);
}

void SimOrchestrator::TakeRecords(std::vector<Record> records, int dies_after) {
  const int64_t decisions_before = bus_->decisions();
  for (const Record& record : records) {
    if (dies_after-- == 0) return;
    const TopicPartition at = {record.topic, record.partition};
    if (at == kTrigger) polled_to_ = record.offset + 1;
    if (state_ != State::kServing && record.offset < offsets_[at]) {
      core_.Glance(record);
      continue;
    }
    OnRecord(record);
    offsets_[at] = record.offset + 1;
  }
  decided_blindly_ = decided_blindly_ || bus_->decisions() != decisions_before;
}

void SimOrchestrator::GoOnWithStart() {
  const int64_t now_ns = timeline_.now();
  if (fenced_) return End("another one has taken over");
  if (state_ == State::kCatchingUp && polled_to_ >= trigger_end_) return BeginTakeOver();
  if (state_ == State::kClaiming && core_.fence().newest_writer() >= core_.writer()) {
    state_ = State::kAwaitingSign;
    asked_ns_ = now_ns;
    sign_ns_ = core_.fence().incumbent() ? core_.fence().incumbent()->send_time_ns() : 0;
    return;
  }
  if (state_ == State::kAwaitingSign) {
    const auto& there = core_.fence().incumbent();
    if (there &&
        (there->incarnation() != incumbent_.incarnation() || there->send_time_ns() > sign_ns_))
      return End("another one is there");
    if (!there || now_ns - asked_ns_ > kClaimWaitNs) PublishTakeOver();
    return;
  }
  if (state_ == State::kTakingOver && core_.fence().newest_takeover() == core_.writer())
    return Serve();
  if (now_ns > deadline_ns_) End("the broker does not answer");
}

void SimOrchestrator::BeginTakeOver() {
  const std::optional<v1::OrchestratorAlive> incumbent = core_.fence().incumbent();
  core_.BecomeWriter(std::max(Now().wall.ns, core_.fence().newest_writer() + 1) +
                     options_.writer_salt);
  if (!incumbent || options_.is_gone(*incumbent)) return PublishTakeOver();
  incumbent_ = *incumbent;
  PublishSign(v1::OrchestratorAlive::CLAIM);
  state_ = State::kClaiming;
  deadline_ns_ = timeline_.now() + kReadBackNs;
}

void SimOrchestrator::PublishTakeOver() {
  PublishSign(v1::OrchestratorAlive::TAKEOVER);
  state_ = State::kTakingOver;
  deadline_ns_ = timeline_.now() + kReadBackNs;
}

void SimOrchestrator::Serve() {
  in_office_ = true;
  WriteStore(true);
  if (catch_up_to_.empty()) core_.EndCatchUp(Now());
  bus_->Assign(offsets_).IgnoreError();
  trace_.Line("%s serves, %d tests known", options_.name, core_.States().size());
  state_ = State::kServing;
}

void SimOrchestrator::End(const std::string& why) {
  trace_.Line("%s ends: %s", options_.name, why);
  state_ = State::kEnded;
}

void SimOrchestrator::Retire() {
  if (in_office_ && !fenced_) PublishSign(v1::OrchestratorAlive::RETIRED);
}

void SimOrchestrator::GiveSigns(Moment now) {
  const int64_t every = core_.HasActiveTests() ? options_.core.heartbeat_interval_ns : kIdleSignNs;
  if (fenced_ || !bus_->connected() || now.mono.ns - last_sign_ns_ < every) return;
  PublishSign(v1::OrchestratorAlive::ALIVE);
}

void SimOrchestrator::PublishSign(v1::OrchestratorAlive::Kind kind) {
  const Moment now = Now();
  last_sign_ns_ = now.mono.ns;
  if (kind == v1::OrchestratorAlive::ALIVE) echo_.OnWritten(now.mono, now.wall.ns);
  v1::Trigger trigger;
  trigger.set_decide_time_ns(now.wall.ns);
  trigger.set_writer(core_.writer());
  v1::OrchestratorAlive& alive = *trigger.mutable_alive();
  alive.set_host_name(options_.name);
  alive.set_kind(kind);
  alive.set_incarnation(core_.writer());
  alive.set_send_time_ns(now.wall.ns);
  bus_->Publish(Topic::kTrigger, kOrchestratorKey, "Trigger", trigger.SerializeAsString())
      .IgnoreError();
}

void SimOrchestrator::EndCatchUpWhenRead(Moment now) {
  if (catch_up_to_.empty()) return;
  std::erase_if(catch_up_to_,
                [this](const auto& entry) { return offsets_[entry.first] >= entry.second; });
  if (catch_up_to_.empty()) core_.EndCatchUp(now);
}

// Of a decision of its own, before it is applied.
void SimOrchestrator::WatchEnd(const v1::Trigger& end) {
  const std::string& id = end.test_id();
  const v1::LoadTest* test = core_.FindTest(id);
  const bool for_want_of_drivers = end.finished().state() == v1::LoadTest::SUCCEEDED ||
                                   end.finished().reason().find("lost") != std::string::npos;
  if (!end.has_finished() || end.writer() != core_.writer() || test == nullptr ||
      test->state() != v1::LoadTest::RUNNING || !for_want_of_drivers ||
      test->spec().on_driver_loss() == v1::LoadTestSpec::ABORT)
    return;
  const std::unique_ptr<v1::Report> report = core_.BuildReport(id);
  for (const v1::DriverResult& driver : report->drivers()) {
    const KnownDriver* known = core_.drivers().Find(driver.assignment().driver_id());
    if (driver.finished()) continue;
    const DriverLife life = LifeOf(driver.assignment());
    const auto read = read_at_decision_.find(end.decide_time_ns());
    if (read != read_at_decision_.end()) {
      const int64_t at_ns = end.decide_time_ns() - options_.wall_offset_ns;
      if (IsUnread(Topic::kHeartbeat, life, read->second, at_ns) ||
          IsUnread(Topic::kMetrics, life, read->second, at_ns))
        ended_too_soon_.insert(id);
    }
    if (known == nullptr || known->heartbeat.test_id() != id ||
        known->heartbeat.incarnation() != life.incarnation)
      continue;
    const int64_t age_ns = end.decide_time_ns() - known->last_seen.wall.ns;
    if (age_ns >= 0 && age_ns < 2 * kNanosPerSecond) ended_too_soon_.insert(id);
  }
}

// Of what only time has brought about.
void SimOrchestrator::WatchLosses(const std::vector<Notice>& notices) {
  for (const Notice& notice : notices) {
    if (notice.kind != Notice::Kind::kTestChanged) continue;
    const v1::LoadTest* test = core_.FindTest(notice.test_id);
    size_t& seen = events_seen_[notice.test_id];
    for (const v1::Event& event : core_.EventsFrom(notice.test_id, seen)) {
      ++seen;
      if (event.type() != "driver_lost" ||
          event.message().find("no heartbeat") == std::string::npos)
        continue;
      for (const v1::Assignment& assignment : test->assignments()) {
        if (event.message().starts_with(assignment.driver_id() + ":") &&
            IsUnread(Topic::kHeartbeat, LifeOf(assignment), offsets_, timeline_.now()))
          lost_too_soon_.insert(assignment.driver_id());
      }
    }
  }
}

bool SimOrchestrator::IsUnread(Topic topic, const DriverLife& life, const Offsets& read,
                               int64_t at_ns) const {
  for (const auto& [partition, next] : read) {
    const std::vector<SimBroker::Stored>* log = bus_->broker().Find(partition);
    if (partition.topic != topic || log == nullptr) continue;
    for (size_t i = static_cast<size_t>(next); i < log->size(); ++i) {
      const auto& [record, appended_ns] = (*log)[i];
      if (record.key != life.driver_id || appended_ns > at_ns - kUnreadNs) continue;
      v1::DriverHeartbeat heartbeat;
      v1::MetricsReport report;
      const int64_t incarnation =
          topic == Topic::kHeartbeat && heartbeat.ParseFromString(record.value)
              ? heartbeat.incarnation()
          : report.ParseFromString(record.value) ? report.incarnation()
                                                 : 0;
      if (incarnation == life.incarnation) return true;
    }
  }
  return false;
}

void SimOrchestrator::OnRecord(const Record& record) {
  v1::Trigger trigger;
  const bool is_trigger = record.topic == Topic::kTrigger && trigger.ParseFromString(record.value);
  if (is_trigger) WatchEnd(trigger);
  std::vector<Notice> notices = Apply(record);
  if (!notices.empty() && notices.front().kind == Notice::Kind::kReportDormant &&
      Wake(notices.front().test_id))
    notices = core_.Apply(Now(), record);
  if (is_trigger && !trigger.has_alive() && !notices.empty() &&
      notices.front().kind != Notice::Kind::kRejected)
    obeyed_.insert(record.offset);
  if (is_trigger && !trigger.has_alive())
    trace_.Line("%s reads record %d: %s", options_.name, record.offset, WhatIs(trigger));
  OnNotices(notices, &record);
  if (record.topic == Topic::kTrigger || record.topic == Topic::kMetrics)
    batch_.offsets[{record.topic, record.partition}] = record.offset + 1;
  if (!is_trigger) return;
  decisions_.OnApplied(trigger);
  if (trigger.has_alive() && trigger.alive().incarnation() == core_.writer())
    echo_.OnRead(Now().mono, trigger.alive().send_time_ns());
}

std::vector<Notice> SimOrchestrator::Apply(const Record& record) {
  const Moment now = Now();
  applied_.push_back({now, record});
  return core_.Apply(now, record);
}

bool SimOrchestrator::Wake(const std::string& id) {
  const std::optional<v1::Report> report = store_.GetReport(id);
  if (!report) return false;
  const auto& assignments = core_.FindTest(id)->assignments();
  TestWaker waker({assignments.begin(), assignments.end()}, *report);
  for (const Record& record : store_.RecordsOf(id)) waker.Add(record);
  for (const StoreBatch::SavedRecord& saved : batch_.records) {
    if (saved.test_id == id) waker.Add(saved.record);
  }
  std::optional<WokenTest> woken = waker.Finish();
  return woken && core_.Wake(id, *std::move(woken));
}

void SimOrchestrator::OnNotices(const std::vector<Notice>& notices, const Record* record) {
  const bool is_trigger = record != nullptr && record->topic == Topic::kTrigger;
  const bool is_metrics = record != nullptr && record->topic == Topic::kMetrics;
  for (const Notice& notice : notices) {
    switch (notice.kind) {
      case Notice::Kind::kTestChanged:
        changed_tests_.insert(notice.test_id);
        break;
      case Notice::Kind::kReportMerged:
      case Notice::Kind::kRecordHeld:
        if (is_metrics) batch_.records.push_back({notice.test_id, *record});
        break;
      case Notice::Kind::kTestFinished:
        finished_tests_.insert(notice.test_id);
        break;
      case Notice::Kind::kTestDeleted:
        DeleteFromStore(notice.test_id);
        changed_tests_.erase(notice.test_id);
        finished_tests_.erase(notice.test_id);
        break;
      case Notice::Kind::kClaim:
        if (in_office_) PublishSign(v1::OrchestratorAlive::ALIVE);
        break;
      case Notice::Kind::kFenced:
        fenced_ = true;
        trace_.Line("%s is replaced by %s", options_.name, notice.text);
        decisions_.Fence(absl::UnavailableError("replaced"));
        break;
      case Notice::Kind::kHeldForgotten:
        std::erase_if(batch_.records,
                      [&](const auto& saved) { return saved.test_id == notice.test_id; });
        batch_.forgotten.push_back(notice.test_id);
        break;
      case Notice::Kind::kReportDormant:
      case Notice::Kind::kRejected:
        trace_.Line("%s refuses: %s", options_.name, notice.text);
        break;
      case Notice::Kind::kTakeover:
      case Notice::Kind::kIntervalClosed:
      case Notice::Kind::kDuplicate:
      case Notice::Kind::kDriverChanged:
        break;
    }
  }
  const bool counted = !notices.empty() && notices.front().kind != Notice::Kind::kRejected &&
                       notices.front().kind != Notice::Kind::kClaim &&
                       notices.front().kind != Notice::Kind::kTestDeleted;
  if (is_trigger && counted) batch_.records.push_back({notices.front().test_id, *record});
}

// As StoreWriter::Delete: also what is not written yet.
void SimOrchestrator::DeleteFromStore(const std::string& id) {
  std::erase_if(batch_.tests, [&](const auto& saved) { return saved.id == id; });
  std::erase_if(batch_.records, [&](const auto& saved) { return saved.test_id == id; });
  std::erase_if(batch_.reports,
                [&](const auto& report) { return report.load_test().name() == "loadTests/" + id; });
  batch_.deleted.push_back(id);
}

void SimOrchestrator::BuildReports() {
  for (const std::string& id : finished_tests_) {
    if (const std::unique_ptr<v1::Report> report = core_.BuildReport(id))
      batch_.reports.push_back(*report);
  }
  finished_tests_.clear();
}

void SimOrchestrator::WriteStore(bool all) {
  for (const std::string& id : changed_tests_) {
    const v1::LoadTest* test = core_.FindTest(id);
    if (test != nullptr) batch_.tests.push_back({id, core_.RequestIdOf(id), *test});
  }
  changed_tests_.clear();
  BuildReports();
  const bool only_offsets = batch_.tests.empty() && batch_.records.empty() &&
                            batch_.reports.empty() && batch_.deleted.empty() &&
                            batch_.forgotten.empty();
  const int64_t now_ns = timeline_.now();
  if (batch_.empty() || (only_offsets && !all && now_ns - last_offsets_write_ns_ < kOffsetsWriteNs))
    return;
  if (!all && last_store_error_ns_ >= 0 && now_ns - last_store_error_ns_ < kStoreRetryNs) return;
  if (!store_.Write(batch_).ok()) {
    last_store_error_ns_ = now_ns;
    return;
  }
  last_store_error_ns_ = -1;
  last_offsets_write_ns_ = now_ns;
  batch_ = StoreBatch();
}

void SimOrchestrator::Submit(CoreRequest request, DecisionQueue::Done done) {
  decisions_.Submit(Now(), std::move(request), std::move(done));
}

std::unique_ptr<v1::Report> SimOrchestrator::FindReport(const std::string& id) const {
  const v1::LoadTest* test = core_.FindTest(id);
  if (test == nullptr) return nullptr;
  std::unique_ptr<v1::Report> report = core_.BuildReport(id);
  if (report != nullptr && (!IsEnded(test->state()) || report->has_totals())) return report;
  if (const std::optional<v1::Report> stored = store_.GetReport(id))
    return std::make_unique<v1::Report>(*stored);
  return report;
}

}  // namespace loadtest::sim
