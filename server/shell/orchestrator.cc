#include "server/shell/orchestrator.h"

#include <random>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr size_t kMostInputs = 4'096;
constexpr auto kBusPoll = std::chrono::milliseconds(100);
// How often time alone is looked at: lost drivers, decisions that are due.
constexpr auto kTick = std::chrono::milliseconds(20);
constexpr auto kBusAnswer = std::chrono::milliseconds(10'000);
constexpr int64_t kCatchUpNs = 30 * kNanosPerSecond;
// Offsets alone (heartbeats, nothing of a test) are not worth a write more often.
constexpr int64_t kOffsetsWriteNs = 5 * kNanosPerSecond;
constexpr int64_t kStoreRetryNs = kNanosPerSecond;
constexpr int kMostLoggedRejections = 100;

// "t261123-093000-k3f9": sorts by time, can be typed, and two in a second do not meet.
std::string FreshId(WallTime now) {
  const time_t seconds = now.ns / kNanosPerSecond;
  tm utc;
  gmtime_r(&seconds, &utc);
  std::random_device random;
  constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";
  std::string tail;
  for (int i = 0; i < 4; ++i) tail += kLetters[random() % kLetters.size()];
  return absl::StrFormat("t%02d%02d%02d-%02d%02d%02d-%s", utc.tm_year % 100, utc.tm_mon + 1,
                         utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, tail);
}

absl::Status NotFound(const std::string& id) {
  return absl::NotFoundError(
      absl::StrFormat("name: got \"loadTests/%s\", want a load test that exists", id));
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
      store_(std::move(store)),
      core_(options_.core, {clock.Now(), clock.WallNow()}),
      decisions_(core_, bus_),
      inputs_(kMostInputs) {}

Orchestrator::~Orchestrator() {
  stopping_ = true;
  if (bus_thread_.joinable()) bus_thread_.join();
  inputs_.Close();
  if (core_thread_.joinable()) core_thread_.join();
}

// --- Start: what the store knows, then what the topics say since.

absl::Status Orchestrator::Recover() {
  RETURN_IF_ERROR(bus_.EnsureTopics(kBusAnswer));
  if (options_.bus_is_new) RETURN_IF_ERROR(store_->ClearOffsets());
  ASSIGN_OR_RETURN(const Store::Contents contents, store_->Load());
  for (const StoreBatch::SavedTest& saved : contents.tests) {
    if (IsEnded(saved.test.state())) core_.Restore(saved.test, saved.request_id);
  }
  for (const Record& record : contents.unfinished_records) core_.Apply(Now(), record);
  ASSIGN_OR_RETURN(Offsets offsets, StartOffsets(contents.offsets));
  RETURN_IF_ERROR(CatchUp(offsets));
  return bus_.Assign(offsets);
}

absl::StatusOr<Offsets> Orchestrator::StartOffsets(const Offsets& stored) {
  Offsets offsets;
  for (const Topic topic : kAllTopics) {
    ASSIGN_OR_RETURN(const auto ranges, bus_.QueryOffsets(topic, kBusAnswer));
    for (const auto& [partition, range] : ranges) {
      int64_t next = range.begin;
      // Of heartbeats only the newest count. Registrations are read anew each time: they tell who
      // the drivers are.
      if (topic == Topic::kHeartbeat) next = range.end;
      if (topic == Topic::kTrigger || topic == Topic::kMetrics) {
        const auto it = stored.find(partition);
        if (it != stored.end()) next = it->second;
        if (next > range.end) {
          log_.Warning(
              absl::StrFormat("%s[%d] ends at offset %d, and the store has read to %d: the topic "
                              "was made anew; reading it from its start",
                              TopicName(topic), partition.partition, range.end, next));
          next = range.begin;
        } else if (next < range.begin) {
          log_.Warning(
              absl::StrFormat("%s[%d]: records %d to %d were thrown away before they were read",
                              TopicName(topic), partition.partition, next, range.begin));
          ++stats_.offset_gaps;
          next = range.begin;
        }
      }
      offsets[partition] = next;
    }
  }
  return offsets;
}

// Reads `trigger` to its end before anything else, so that no interval report meets an unknown test
// only because topics are read side by side.
absl::Status Orchestrator::CatchUp(Offsets& offsets) {
  ASSIGN_OR_RETURN(const auto ranges, bus_.QueryOffsets(Topic::kTrigger, kBusAnswer));
  Offsets triggers;
  for (const auto& [partition, range] : ranges) triggers[partition] = offsets[partition];
  RETURN_IF_ERROR(bus_.Assign(triggers));
  const int64_t deadline = clock_.Now().ns + kCatchUpNs;
  const auto behind = [&] {
    for (const auto& [partition, range] : ranges) {
      if (offsets[partition] < range.end) return true;
    }
    return false;
  };
  while (behind()) {
    if (clock_.Now().ns > deadline)
      return absl::UnavailableError("the broker does not deliver the records of `trigger`");
    const BusEvents events = bus_.Poll(kBusPoll);
    for (const OffsetGap& gap : events.gaps) offsets[gap.partition] = gap.to;
    OnRecords(events);
    for (const Record& record : events.records)
      offsets[{record.topic, record.partition}] = record.offset + 1;
  }
  WriteStore(true);
  return absl::OkStatus();
}

// --- Threads.

void Orchestrator::RunBus() {
  while (!stopping_) {
    Input events = bus_.Poll(kBusPoll);
    if (std::get<BusEvents>(events).records.empty() && std::get<BusEvents>(events).gaps.empty())
      continue;
    // The broker keeps what we do not poll: waiting here loses nothing.
    while (!stopping_ && !inputs_.TryPush(std::move(events)))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void Orchestrator::RunCore() {
  while (true) {
    std::optional<Input> input = inputs_.Pop(kTick);
    if (!input.has_value() && inputs_.closed()) break;
    std::vector<Call> calls;
    for (; input.has_value(); input = inputs_.TryPop()) {
      if (auto* events = std::get_if<BusEvents>(&*input)) {
        OnRecords(*events);
      } else {
        std::get<Call> (*input)();
      }
    }
    const Moment now = Now();
    OnNotices(core_.Advance(now, bus_.connected()), nullptr);
    decisions_.Pump(now);
    live_drivers_ = static_cast<int>(core_.drivers().Idle(now).size());
    WriteStore(false);
    TellWatchers();
  }
  WriteStore(true);
  const absl::Status stopping = absl::UnavailableError("the orchestrator is stopping");
  decisions_.Cancel(stopping);
  watchers_.EndAll(stopping);
}

void Orchestrator::OnRecords(const BusEvents& events) {
  for (const Record& record : events.records) OnRecord(record);
  for (const OffsetGap& gap : events.gaps) {
    ++stats_.offset_gaps;
    log_.Warning(absl::StrFormat("%s[%d]: records %d to %d were thrown away before they were read",
                                 TopicName(gap.partition.topic), gap.partition.partition, gap.from,
                                 gap.to));
    if (gap.partition.topic != Topic::kHeartbeat) batch_.offsets[gap.partition] = gap.to;
  }
}

void Orchestrator::OnRecord(const Record& record) {
  const Moment now = Now();
  ++stats_.records_applied[static_cast<int>(record.topic)];
  OnNotices(core_.Apply(now, record), &record);
  if (record.topic == Topic::kTrigger || record.topic == Topic::kMetrics)
    batch_.offsets[{record.topic, record.partition}] = record.offset + 1;
  if (record.topic == Topic::kTrigger) {
    v1::Trigger trigger;
    if (trigger.ParseFromString(record.value)) decisions_.OnApplied(now, trigger);
  }
}

void Orchestrator::OnNotices(const std::vector<Notice>& notices, const Record* record) {
  const bool is_trigger = record != nullptr && record->topic == Topic::kTrigger;
  const bool is_metrics = record != nullptr && record->topic == Topic::kMetrics;
  for (const Notice& notice : notices) {
    switch (notice.kind) {
      case Notice::Kind::kTestChanged:
        changed_tests_.insert(notice.test_id);
        tests_to_tell_.insert(notice.test_id);
        break;
      case Notice::Kind::kReportMerged:
      case Notice::Kind::kRecordHeld:
        // Records that were held are in the store since they came.
        if (is_metrics) batch_.records.push_back({notice.test_id, *record});
        break;
      case Notice::Kind::kIntervalClosed:
        tests_to_tell_.insert(notice.test_id);
        break;
      case Notice::Kind::kTestFinished:
        finished_tests_.insert(notice.test_id);
        break;
      case Notice::Kind::kTestDeleted:
        batch_.deleted.push_back(notice.test_id);
        changed_tests_.erase(notice.test_id);
        finished_tests_.erase(notice.test_id);
        tests_to_tell_.erase(notice.test_id);
        watchers_.EndAllOf(notice.test_id, NotFound(notice.test_id));
        break;
      case Notice::Kind::kRejected:
        if (++stats_.records_rejected <= kMostLoggedRejections)
          log_.Warning("record refused: " + notice.text);
        break;
      case Notice::Kind::kDuplicate:
        ++stats_.duplicate_reports;
        break;
      case Notice::Kind::kDriverChanged:
        break;
    }
  }
  const bool counted = !notices.empty() && notices.front().kind != Notice::Kind::kRejected &&
                       notices.front().kind != Notice::Kind::kTestDeleted;
  if (is_trigger && counted) batch_.records.push_back({notices.front().test_id, *record});
}

void Orchestrator::WriteStore(bool all) {
  const MonotonicTime now = clock_.Now();
  for (const std::string& id : changed_tests_) {
    const v1::LoadTest* test = core_.FindTest(id);
    if (test != nullptr) batch_.tests.push_back({id, core_.RequestIdOf(id), *test});
  }
  changed_tests_.clear();
  for (const std::string& id : finished_tests_) {
    if (const std::unique_ptr<v1::Report> report = core_.BuildReport(id))
      batch_.reports.push_back(*report);
  }
  finished_tests_.clear();
  const bool only_offsets = batch_.tests.empty() && batch_.records.empty() &&
                            batch_.reports.empty() && batch_.deleted.empty();
  if (batch_.empty() || (only_offsets && !all && now.ns - last_offsets_write_.ns < kOffsetsWriteNs))
    return;
  if (!all && last_store_error_.ns != 0 && now.ns - last_store_error_.ns < kStoreRetryNs) return;
  const absl::Status status = store_->Write(batch_);
  if (!status.ok()) {
    // The batch is kept and tried again: nothing is lost as long as the process lives, and the
    // topics have it beyond that.
    log_.Error(absl::StrFormat("the store cannot be written: %s; trying again",
                               std::string(status.message())));
    last_store_error_ = now;
    return;
  }
  last_store_error_ = {};
  last_offsets_write_ = now;
  batch_ = StoreBatch();
}

// --- Watching.

void Orchestrator::TellWatchers() {
  for (const std::string& id : tests_to_tell_) {
    if (!watchers_.AnyOf(id)) continue;
    const v1::LoadTestUpdate update = FindUpdate(id);
    for (const auto& watcher : watchers_.Of(id)) Tell(*watcher, update);
    if (IsEnded(update.load_test().state())) watchers_.EndAllOf(id, absl::OkStatus());
  }
  tests_to_tell_.clear();
}

void Orchestrator::Tell(Watchers::Watcher& watcher, const v1::LoadTestUpdate& update) {
  if (watcher.removed) return;
  auto mine = std::make_shared<v1::LoadTestUpdate>(update);
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
  if (core_.FindTest(*id) == nullptr) return watchers_.End(watch, NotFound(*id));
  watcher->test_id = *id;
  const v1::LoadTestUpdate update = FindUpdate(*id);
  Tell(*watcher, update);
  if (IsEnded(update.load_test().state())) watchers_.End(watch, absl::OkStatus());
}

absl::StatusOr<v1::Report> Orchestrator::FindReport(const std::string& id) {
  const v1::LoadTest* test = core_.FindTest(id);
  if (test == nullptr) return NotFound(id);
  if (std::unique_ptr<v1::Report> report = core_.BuildReport(id);
      report != nullptr && (!IsEnded(test->state()) || report->has_totals())) {
    return *std::move(report);
  }
  ASSIGN_OR_RETURN(std::optional<v1::Report> stored, store_->GetReport(id));
  if (stored.has_value()) return *std::move(stored);
  const std::unique_ptr<v1::Report> report = core_.BuildReport(id);
  if (report == nullptr)
    return absl::NotFoundError(absl::StrFormat("name: loadTests/%s has no report", id));
  return *report;
}

v1::LoadTestUpdate Orchestrator::FindUpdate(const std::string& id) {
  v1::LoadTestUpdate update = core_.BuildUpdate(Now(), id);
  if (!IsEnded(update.load_test().state()) || update.has_totals()) return update;
  // Ended long ago: the report has what the core has forgotten.
  const absl::StatusOr<v1::Report> report = FindReport(id);
  if (!report.ok()) return update;
  *update.mutable_totals() = report->totals().counts();
  *update.mutable_response_time() = report->response_time();
  *update.mutable_service_time() = report->service_time();
  *update.mutable_send_delay() = report->send_delay();
  *update.mutable_errors() = report->totals().errors();
  *update.mutable_verdict() = report->verdict();
  if (report->intervals_size() > 0) *update.mutable_interval() = *report->intervals().rbegin();
  if (update.load_test().state() == v1::LoadTest::SUCCEEDED) update.set_progress(1);
  return update;
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

// --- Answers to the doors.

template <typename T>
void Orchestrator::Post(Reply<T> reply, std::function<void(Reply<T>)> call) {
  Input input = Call([reply, call = std::move(call)] { call(reply); });
  if (!inputs_.TryPush(std::move(input)))
    reply(absl::UnavailableError("the orchestrator is stopping, or has too much to do; try again"));
}

void Orchestrator::CreateLoadTest(v1::CreateLoadTestRequest request, Reply<v1::LoadTest> reply) {
  Post<v1::LoadTest>(
      std::move(reply), [this, request = std::move(request)](const Reply<v1::LoadTest>& answer) {
        const Moment now = Now();
        CreateRequest create{request, FreshId(now.wall)};
        const std::string id =
            request.load_test_id().empty() ? create.fresh_id : request.load_test_id();
        if (request.validate_only()) {
          const auto decisions = core_.Decide(now, create);
          if (!decisions.ok()) return answer(decisions.status());
          v1::LoadTest checked;
          *checked.mutable_spec() = *ValidateSpec(request.spec());
          return answer(std::move(checked));
        }
        decisions_.Submit(
            now, std::move(create),
            [this, id, request_id = request.request_id(), answer](const absl::Status& status) {
              if (!status.ok()) return answer(status);
              const v1::LoadTest* test =
                  request_id.empty() ? core_.FindTest(id) : core_.FindByRequestId(request_id);
              if (test == nullptr)
                return answer(absl::AbortedError("the load test was deleted as it was made"));
              answer(*test);
            });
      });
}

void Orchestrator::GetLoadTest(v1::GetLoadTestRequest request, Reply<v1::LoadTest> reply) {
  Post<v1::LoadTest>(
      std::move(reply), [this, request = std::move(request)](const Reply<v1::LoadTest>& answer) {
        const absl::StatusOr<std::string> id = LoadTestIdOfName(request.name(), "name");
        if (!id.ok()) return answer(id.status());
        const v1::LoadTest* test = core_.FindTest(*id);
        if (test == nullptr) return answer(NotFound(*id));
        answer(*test);
      });
}

void Orchestrator::ListLoadTests(v1::ListLoadTestsRequest request,
                                 Reply<v1::ListLoadTestsResponse> reply) {
  Post<v1::ListLoadTestsResponse>(
      std::move(reply),
      [this, request = std::move(request)](const Reply<v1::ListLoadTestsResponse>& answer) {
        answer(core_.List(request));
      });
}

void Orchestrator::StopLoadTest(v1::StopLoadTestRequest request, Reply<v1::LoadTest> reply) {
  Post<v1::LoadTest>(
      std::move(reply), [this, request = std::move(request)](const Reply<v1::LoadTest>& answer) {
        const absl::StatusOr<std::string> id = LoadTestIdOfName(request.name(), "name");
        if (!id.ok()) return answer(id.status());
        decisions_.Submit(Now(), StopRequest{*id, request.reason()},
                          [this, id = *id, answer](const absl::Status& status) {
                            if (!status.ok()) return answer(status);
                            const v1::LoadTest* test = core_.FindTest(id);
                            if (test == nullptr) return answer(NotFound(id));
                            answer(*test);
                          });
      });
}

void Orchestrator::DeleteLoadTest(v1::DeleteLoadTestRequest request,
                                  Reply<google::protobuf::Empty> reply) {
  Post<google::protobuf::Empty>(
      std::move(reply),
      [this, request = std::move(request)](const Reply<google::protobuf::Empty>& answer) {
        const absl::StatusOr<std::string> id = LoadTestIdOfName(request.name(), "name");
        if (!id.ok()) return answer(id.status());
        decisions_.Submit(Now(), DeleteRequest{*id}, [answer](const absl::Status& status) {
          if (!status.ok()) return answer(status);
          answer(google::protobuf::Empty());
        });
      });
}

void Orchestrator::GetReport(v1::GetReportRequest request, Reply<v1::Report> reply) {
  Post<v1::Report>(
      std::move(reply), [this, request = std::move(request)](const Reply<v1::Report>& answer) {
        const absl::StatusOr<std::string> id = LoadTestIdOfName(request.name(), "name");
        if (!id.ok()) return answer(id.status());
        answer(FindReport(*id));
      });
}

void Orchestrator::ListDrivers(v1::ListDriversRequest request,
                               Reply<v1::ListDriversResponse> reply) {
  Post<v1::ListDriversResponse>(
      std::move(reply),
      [this, request = std::move(request)](const Reply<v1::ListDriversResponse>& answer) {
        answer(core_.ListDrivers(Now(), request));
      });
}

void Orchestrator::GetStats(Reply<ControlPlaneStats> reply) {
  Post<ControlPlaneStats>(std::move(reply),
                          [this](const Reply<ControlPlaneStats>& answer) { answer(Stats()); });
}

ControlPlaneStats Orchestrator::Stats() {
  ControlPlaneStats stats = stats_;
  stats.bus = bus_.description();
  stats.bus_connected = bus_.connected();
  const Moment now = Now();
  for (const KnownDriver* driver : core_.drivers().Listed(now)) {
    ++(core_.drivers().IsLost(now, *driver) ? stats.drivers_lost : stats.drivers_live);
  }
  for (const auto& [id, state] : core_.States()) ++stats.tests_by_state[state];
  const v1::RequestCounts& counts = core_.counted();
  stats.requests_sent = counts.sent();
  stats.requests_completed = counts.completed();
  stats.requests_failed = counts.failed() + counts.dropped();
  return stats;
}

}  // namespace loadtest
