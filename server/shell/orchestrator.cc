#include "server/shell/orchestrator.h"

#include <pthread.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/spec/load_test_spec.h"
#include "server/core/record_checks.h"

namespace loadtest {
namespace {

constexpr size_t kMostInputs = 4'096;
// Of records that are read and not applied yet. Decoded they take some three times as much.
constexpr size_t kMostInputBytes = 16'000'000;
constexpr auto kBusPoll = std::chrono::milliseconds(100);
// How often time alone is looked at: lost drivers, decisions that are due.
constexpr auto kTick = std::chrono::milliseconds(20);
// Between signs of life while no test runs.
constexpr int64_t kIdleSignNs = 10 * kNanosPerSecond;
constexpr int kMostLoggedRejections = 100;
constexpr size_t kMostReportsWaiting = 256;
// A part of a large test takes seconds.
constexpr size_t kMostSlicesWaiting = 8;

// What an update of a test that has ended has of its report.
void FillUpdate(const v1::Report& report, v1::LoadTestUpdate& update) {
  *update.mutable_totals() = report.totals().counts();
  *update.mutable_response_time() = report.response_time();
  *update.mutable_service_time() = report.service_time();
  *update.mutable_send_delay() = report.send_delay();
  update.set_sending_seconds(report.sending_seconds());
  update.set_sent_per_second(report.sent_per_second());
  update.set_completed_per_second(report.completed_per_second());
  *update.mutable_errors() = report.totals().errors();
  *update.mutable_status_codes() = report.totals().status_codes();
  *update.mutable_verdict() = report.verdict();
  *update.mutable_thresholds() = report.thresholds();
  if (report.intervals_size() > 0) *update.mutable_interval() = *report.intervals().rbegin();
  if (update.load_test().state() == v1::LoadTest::SUCCEEDED) update.set_progress(1);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Orchestrator>> Orchestrator::Start(Options options, MessageBus& bus,
                                                                  std::unique_ptr<Store> store,
                                                                  Clock& clock, const Logger& log) {
  std::unique_ptr<Orchestrator> orchestrator(
      new Orchestrator(std::move(options), bus, std::move(store), clock, log));
  RETURN_IF_ERROR(orchestrator->Recover());
  Orchestrator& o = *orchestrator;
  o.bus_thread_ = std::thread([&o] { o.RunBus(); });
  o.core_thread_ = std::thread([&o] { o.RunCore(); });
  return orchestrator;
}

Orchestrator::Orchestrator(Options options, MessageBus& bus, std::unique_ptr<Store> store,
                           Clock& clock, const Logger& log)
    : options_(std::move(options)),
      bus_(bus),
      clock_(clock),
      log_(log),
      store_(std::move(store), log),
      core_(options_.core, {clock.Now(), clock.WallNow()}),
      decisions_(core_, bus_),
      inputs_(kMostInputs),
      report_reader_("reports", store_.store().path(), kMostReportsWaiting),
      slice_reader_("parts", store_.store().path(), kMostSlicesWaiting),
      echo_(options_.core.heartbeat_interval_ns),
      read_lag_(options_.core.heartbeat_interval_ns) {}

Orchestrator::~Orchestrator() {
  stopping_ = true;
  if (bus_thread_.joinable()) bus_thread_.join();
  inputs_.Close();
  if (core_thread_.joinable()) core_thread_.join();
  if (in_office_ && !fenced_) PublishSign(v1::OrchestratorAlive::RETIRED).IgnoreError();
}

// --- Threads.

void Orchestrator::RunBus() {
  pthread_setname_np(pthread_self(), "bus");
  while (!stopping_) {
    // The broker keeps what we do not poll: waiting here loses nothing.
    if (store_is_full_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      continue;
    }
    if (input_bytes_ > kMostInputBytes) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      continue;
    }
    BusEvents events = bus_.Poll(kBusPoll);
    read_lag_.OnPolled(clock_.Now(), events.records.size());
    if (events.records.empty() && events.gaps.empty()) continue;
    BusInput read = Decode(std::move(events));
    input_bytes_ += read.bytes;
    Input input = std::move(read);
    while (!stopping_ && !inputs_.TryPush(std::move(input)))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void Orchestrator::RunCore() {
  pthread_setname_np(pthread_self(), "core");
  while (true) {
    std::optional<Input> input = inputs_.Pop(kTick);
    if (!input.has_value() && inputs_.closed()) break;
    for (; input.has_value(); input = inputs_.TryPop()) {
      if (auto* read = std::get_if<BusInput>(&*input)) {
        const size_t bytes = read->bytes;
        OnRecords(std::move(*read));
        input_bytes_ -= bytes;
      } else {
        std::get<Call> (*input)();
      }
    }
    WakeTests();
    store_is_full_ = store_.full() || late_reports_.full();
    const Moment now = Now();
    lags_ = read_lag_.MayLag(now) || lags_;
    if (!tick_cost_.IsDue(now.mono)) {
      decisions_.PumpIfDue(now);
    } else {
      // Before Advance, which forgets results of tests that ended long ago.
      BuildReports();
      // While nothing is read, or long after it was written, the silence of drivers means nothing.
      const bool hears = Hears(now);
      OnNotices(core_.Advance(now, hears), nullptr);
      decisions_.Pump(now);
      live_drivers_ = static_cast<int>(core_.drivers().Idle(now).size());
      tick_cost_.Took(now.mono, clock_.Now());
    }
    GiveSigns(now);
    // What is told is on the topic; the store may follow.
    TellWatchers();
    WriteStore(false);
    store_.Tidy(now.mono);
  }
  WriteStore(true);
  const absl::Status stopping = absl::UnavailableError("the orchestrator is stopping");
  decisions_.Cancel(stopping);
  watchers_.EndAll(stopping);
}

bool Orchestrator::Hears(Moment now) {
  const char* why = !bus_.connected()            ? "no broker can be reached"
                    : !bus_.hears()              ? "not every partition has a broker that answers"
                    : echo_.IsSilent(now.mono)   ? "its own signs of life do not come back"
                    : store_is_full_             ? "its store takes nothing more"
                    : std::exchange(lags_, false) ? "it did not run, or comes late to all it reads"
                                                 : nullptr;
  const int64_t patience_ns =
      options_.core.lost_after_heartbeats * options_.core.heartbeat_interval_ns;
  if (why == nullptr) {
    if (told_of_deafness_) log_.Info("what the drivers say is heard again");
    told_of_deafness_ = false;
    deaf_since_.reset();
    return true;
  }
  if (!deaf_since_) deaf_since_ = now.mono;
  if (!told_of_deafness_ && now.mono.ns - deaf_since_->ns > patience_ns) {
    told_of_deafness_ = true;
    log_.Warning(absl::StrFormat(
        "what the drivers say may not be heard: %s; until it is no driver counts as lost", why));
  }
  return false;
}

void Orchestrator::GiveSigns(Moment now) {
  const int64_t every = core_.HasActiveTests() ? options_.core.heartbeat_interval_ns : kIdleSignNs;
  // What cannot be told in time is of no use later.
  if (fenced_ || !bus_.connected() || now.mono.ns - last_sign_.ns < every) return;
  PublishSign(v1::OrchestratorAlive::ALIVE).IgnoreError();
}

absl::Status Orchestrator::PublishSign(v1::OrchestratorAlive::Kind kind) {
  const Moment now = Now();
  last_sign_ = now.mono;
  // The others are read before the threads are there, or never.
  if (kind == v1::OrchestratorAlive::ALIVE) echo_.OnWritten(now.mono, now.wall.ns);
  v1::Trigger trigger;
  trigger.set_decide_time_ns(now.wall.ns);
  trigger.set_writer(core_.writer());
  v1::OrchestratorAlive& alive = *trigger.mutable_alive();
  alive = options_.process;
  alive.set_kind(kind);
  alive.set_incarnation(core_.writer());
  alive.set_send_time_ns(now.wall.ns);
  return bus_.Publish(Topic::kTrigger, kOrchestratorKey, "Trigger", trigger.SerializeAsString());
}

void Orchestrator::NoteRead(Moment now, TopicPartition partition, int64_t next) {
  if (late_reports_.empty() || partition.topic != Topic::kMetrics) {
    store_.PutOffset(partition, next);
  } else {
    late_reports_.HoldOffset(partition, next);
  }
  const auto it = catch_up_to_.find(partition);
  if (it == catch_up_to_.end() || next < it->second) return;
  catch_up_to_.erase(it);
  if (catch_up_to_.empty()) core_.EndCatchUp(now);
}

Orchestrator::BusInput Orchestrator::Decode(BusEvents events) {
  BusInput input;
  input.events = std::move(events);
  input.messages.reserve(input.events.records.size());
  for (const Record& record : input.events.records) {
    input.messages.push_back(DecodeRecord(record));
    input.bytes += record.value.size();
  }
  return input;
}

void Orchestrator::OnRecords(BusInput input) {
  for (size_t i = 0; i < input.messages.size(); ++i)
    OnRecord(input.events.records[i], input.messages[i]);
  for (const OffsetGap& gap : input.events.gaps) {
    ++stats_.offset_gaps;
    log_.Warning(absl::StrFormat("%s[%d]: records %d to %d were thrown away before they were read",
                                 TopicName(gap.partition.topic), gap.partition.partition, gap.from,
                                 gap.to));
    if (gap.partition.topic != Topic::kHeartbeat) NoteRead(Now(), gap.partition, gap.to);
  }
}

void Orchestrator::OnRecord(Record& record, const absl::StatusOr<BusMessage>& message) {
  const Moment now = Now();
  ++stats_.records_applied[static_cast<int>(record.topic)];
  const auto* trigger = message.ok() ? std::get_if<v1::Trigger>(&*message) : nullptr;
  v1::Trigger refused;  // a decision's caller must hear of it all the same
  if (record.topic == Topic::kTrigger && !message.ok() && refused.ParseFromString(record.value))
    trigger = &refused;
  ApplyRecord(now, record, message);
  if (trigger == nullptr) return;
  decisions_.OnApplied(*trigger);
  if (trigger->has_alive() && trigger->alive().incarnation() == core_.writer())
    echo_.OnRead(now.mono, trigger->alive().send_time_ns());
}

void Orchestrator::ApplyRecord(Moment now, Record& record,
                               const absl::StatusOr<BusMessage>& message) {
  const std::vector<Notice> notices = core_.Apply(now, message);
  if (!notices.empty() && notices.front().kind == Notice::Kind::kReportDormant &&
      store_.status().ok()) {
    late_reports_.Hold(notices.front().test_id, {record, message});
    return;
  }
  const TopicPartition partition = {record.topic, record.partition};
  const int64_t next = record.offset + 1;
  OnNotices(notices, &record);
  if (partition.topic == Topic::kTrigger || partition.topic == Topic::kMetrics)
    NoteRead(now, partition, next);
}

void Orchestrator::OnNotices(const std::vector<Notice>& notices, Record* record) {
  const bool is_trigger = record != nullptr && record->topic == Topic::kTrigger;
  const bool is_metrics = record != nullptr && record->topic == Topic::kMetrics;
  std::set<std::string> forgotten;
  for (const Notice& notice : notices) {
    switch (notice.kind) {
      case Notice::Kind::kTestChanged:
        changed_tests_.insert(notice.test_id);
        tests_to_tell_.insert(notice.test_id);
        break;
      case Notice::Kind::kReportMerged:
      case Notice::Kind::kRecordHeld:
        // Records that were held are in the store since they came.
        if (is_metrics && record != nullptr)
          store_.PutRecord(notice.test_id, std::move(*std::exchange(record, nullptr)));
        break;
      case Notice::Kind::kIntervalClosed:
        tests_to_tell_.insert(notice.test_id);
        break;
      case Notice::Kind::kTestFinished:
        finished_tests_.insert(notice.test_id);
        break;
      case Notice::Kind::kTestDeleted:
        store_.Delete(notice.test_id);
        changed_tests_.erase(notice.test_id);
        finished_tests_.erase(notice.test_id);
        tests_to_tell_.erase(notice.test_id);
        watchers_.EndAllOf(notice.test_id, LoadTestNotFound(notice.test_id));
        break;
      case Notice::Kind::kTakeover:
        break;
      case Notice::Kind::kClaim:
        log_.Warning(
            "another orchestrator asks for these topics, and is told that they are taken: " +
            notice.text);
        if (in_office_) PublishSign(v1::OrchestratorAlive::ALIVE).IgnoreError();
        break;
      case Notice::Kind::kFenced:
        fenced_ = true;
        log_.Error(
            absl::StrFormat("replaced by %s: this orchestrator had not been heard of. It ends, and "
                            "leaves tests and "
                            "drivers that run to the new one",
                            notice.text));
        decisions_.Fence(absl::UnavailableError(
            "this orchestrator was replaced by another one; ask that: " + notice.text));
        break;
      case Notice::Kind::kReportDormant:
      case Notice::Kind::kRejected:
        if (++stats_.records_rejected <= kMostLoggedRejections)
          log_.Warning("record refused: " + notice.text);
        break;
      case Notice::Kind::kHeldForgotten:
        if (!std::exchange(told_of_forgotten_, true)) {
          log_.Warning(absl::StrFormat(
              "dropped %s; who writes such reports to `metrics`? Told once; /metrics counts them",
              notice.text));
        }
        forgotten.insert(notice.test_id);
        break;
      case Notice::Kind::kDuplicate:
        ++stats_.duplicate_reports;
        break;
      case Notice::Kind::kDriverChanged:
        break;
    }
  }
  if (!forgotten.empty()) store_.Forget(forgotten);
  const bool counted = !notices.empty() && notices.front().kind != Notice::Kind::kRejected &&
                       notices.front().kind != Notice::Kind::kClaim &&
                       notices.front().kind != Notice::Kind::kTestDeleted;
  if (is_trigger && counted) store_.PutRecord(notices.front().test_id, std::move(*record));
}

void Orchestrator::BuildReports() {
  for (const std::string& id : finished_tests_) {
    if (const std::unique_ptr<v1::Report> report = core_.BuildReport(id)) store_.PutReport(*report);
  }
  finished_tests_.clear();
}

void Orchestrator::WriteStore(bool all) {
  const MonotonicTime now = clock_.Now();
  if (!all && !store_.IsDue(now, !changed_tests_.empty() || !finished_tests_.empty())) return;
  for (const std::string& id : changed_tests_) {
    const v1::LoadTest* test = core_.FindTest(id);
    if (test != nullptr) store_.PutTest(id, core_.RequestIdOf(id), *test);
  }
  changed_tests_.clear();
  BuildReports();
  store_.Write(now);
  store_is_full_ = store_.full() || late_reports_.full();
  // What cannot be read back because of the store must not be blamed on the broker.
  decisions_.SetHindrance(store_.full() ? store_.status() : absl::OkStatus());
}

// --- Watching.

void Orchestrator::TellWatchers() {
  const MonotonicTime begin = clock_.Now();
  if (tests_to_tell_.empty() || !tell_cost_.IsDue(begin)) return;
  for (const std::string& id : tests_to_tell_) {
    if (!watchers_.AnyOf(id)) continue;
    v1::LoadTestUpdate update = core_.BuildUpdate(Now(), id);
    const bool ended = IsEnded(update.load_test().state());
    const auto watchers = watchers_.Of(id);
    // Of a thousand drivers it is large: the last one gets it without a copy.
    for (size_t i = 0; i < watchers.size(); ++i)
      Tell(*watchers[i], i + 1 < watchers.size() ? update : std::move(update));
    if (ended) watchers_.EndAllOf(id, absl::OkStatus());
  }
  tests_to_tell_.clear();
  tell_cost_.Took(begin, clock_.Now());
}

void Orchestrator::Tell(Watchers::Watcher& watcher, v1::LoadTestUpdate update) {
  if (watcher.removed) return;
  auto mine = std::make_shared<v1::LoadTestUpdate>(std::move(update));
  const std::vector<v1::Event> events = core_.EventsFrom(watcher.test_id, watcher.events_told);
  for (const v1::Event& event : events) *mine->add_events() = event;
  watcher.events_told += events.size();
  watcher.sink.on_update(std::move(mine));
}

void Orchestrator::StartWatch(uint64_t watch, const v1::WatchLoadTestRequest& request) {
  const std::shared_ptr<Watchers::Watcher> watcher = watchers_.Find(watch);
  if (watcher == nullptr) return;
  const absl::StatusOr<std::string> id = LoadTestIdOfName(request.name(), "name");
  if (!id.ok()) return watchers_.End(watch, id.status());
  if (core_.FindTest(*id) == nullptr) return watchers_.End(watch, LoadTestNotFound(*id));
  watcher->test_id = *id;
  v1::LoadTestUpdate update = core_.BuildUpdate(Now(), *id);
  if (!IsEnded(update.load_test().state()) || update.has_totals()) return BeginWatch(watch, update);
  // Ended long ago: the report has what the core has forgotten.
  const auto begin = [this, watch](const v1::LoadTestUpdate& filled) {
    Input call = Call([this, watch, filled] { BeginWatch(watch, filled); });
    // Else all watches are ended.
    inputs_.TryPush(std::move(call));
  };
  const bool taken = report_reader_.TryRun(
      [begin, update, id = *id](const absl::StatusOr<StoreReader*>& reader) mutable {
        if (reader.ok()) {
          const absl::StatusOr<std::optional<v1::Report>> report = (*reader)->GetReport(id);
          if (report.ok() && report->has_value()) FillUpdate(**report, update);
        }
        begin(update);
      });
  if (!taken) BeginWatch(watch, update);
}

void Orchestrator::BeginWatch(uint64_t watch, const v1::LoadTestUpdate& update) {
  const std::shared_ptr<Watchers::Watcher> watcher = watchers_.Find(watch);
  if (watcher == nullptr) return;
  Tell(*watcher, update);
  if (IsEnded(update.load_test().state())) watchers_.End(watch, absl::OkStatus());
}

uint64_t Orchestrator::Watch(v1::WatchLoadTestRequest request, WatchSink sink) {
  const uint64_t watch = watchers_.Add(std::move(sink));
  Input call = Call([this, watch, request = std::move(request)] { StartWatch(watch, request); });
  if (!inputs_.TryPush(std::move(call)))
    watchers_.End(watch,
                  absl::UnavailableError("the orchestrator is stopping, or has too much to do"));
  return watch;
}

void Orchestrator::Unwatch(uint64_t watch) { watchers_.Remove(watch); }

}  // namespace loadtest
