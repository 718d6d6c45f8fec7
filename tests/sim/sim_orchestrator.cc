#include "tests/sim/sim_orchestrator.h"

#include <algorithm>

namespace loadtest::sim {
namespace {

constexpr int64_t kBrokerRetryNs = 300 * kNanosPerMilli;
// The shell's tick, sparser.
constexpr int64_t kTickNs = 200 * kNanosPerMilli;
constexpr int64_t kOffsetsWriteNs = 5 * kNanosPerSecond;
constexpr int64_t kStoreRetryNs = kNanosPerSecond;

}  // namespace

SimOrchestrator::SimOrchestrator(Options options, Timeline& timeline, Trace& trace, SimStore& store,
                                 std::unique_ptr<SimBus> bus)
    : options_(std::move(options)),
      timeline_(timeline),
      trace_(trace),
      store_(store),
      bus_(std::move(bus)),
      core_(options_.core, Now()),
      decisions_(core_, *bus_) {}

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
  for (const Record& record : contents.unfinished_records) Apply(record);
  state_ = State::kCatchingUp;
}

bool SimOrchestrator::StartOffsets(const Offsets& stored) {
  Offsets offsets;
  for (const Topic topic : kAllTopics) {
    const auto ranges = bus_->QueryOffsets(topic, {});
    if (!ranges.ok()) return false;
    for (const auto& [partition, range] : *ranges) {
      int64_t next = topic == Topic::kHeartbeat ? range.end : range.begin;
      if (topic == Topic::kTrigger || topic == Topic::kMetrics) {
        const auto it = stored.find(partition);
        if (it != stored.end()) next = it->second;
      }
      if (topic == Topic::kTrigger) catch_up_to_ = range.end;
      offsets[partition] = next;
    }
  }
  offsets_ = std::move(offsets);
  const TopicPartition trigger = {Topic::kTrigger, 0};
  return bus_->Assign({{trigger, offsets_[trigger]}}).ok();
}

void SimOrchestrator::Turn(int dies_after) {
  if (state_ == State::kWaitingForBroker) Recover();
  if (state_ == State::kWaitingForBroker) return;
  const BusEvents events = bus_->Poll({});
  for (const Record& record : events.records) {
    if (dies_after == 0) return;
    if (dies_after > 0) --dies_after;
    OnRecord(record);
  }
  if (dies_after >= 0) return;
  if (state_ == State::kCatchingUp) {
    if (offsets_[{Topic::kTrigger, 0}] < catch_up_to_) return;
    WriteStore(true);
    if (!bus_->Assign(offsets_).ok()) return;
    trace_.Line("%s serves, %d tests known", options_.name, core_.States().size());
    state_ = State::kServing;
    return;
  }
  const Moment now = Now();
  OnNotices(core_.Advance(now, bus_->connected()), nullptr);
  decisions_.Pump(now);
  WriteStore(false);
}

void SimOrchestrator::OnRecord(const Record& record) {
  Apply(record);
  const TopicPartition at = {record.topic, record.partition};
  offsets_[at] = record.offset + 1;
  if (record.topic == Topic::kTrigger || record.topic == Topic::kMetrics)
    batch_.offsets[at] = record.offset + 1;
  if (record.topic == Topic::kTrigger) {
    v1::Trigger trigger;
    if (trigger.ParseFromString(record.value)) decisions_.OnApplied(Now(), trigger);
  }
}

void SimOrchestrator::Apply(const Record& record) {
  const Moment now = Now();
  applied_.push_back({now, record});
  const std::vector<Notice> notices = core_.Apply(now, record);
  // What the store has given is in the store.
  if (state_ != State::kWaitingForBroker) OnNotices(notices, &record);
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
        batch_.deleted.push_back(notice.test_id);
        changed_tests_.erase(notice.test_id);
        finished_tests_.erase(notice.test_id);
        break;
      case Notice::Kind::kRejected:
        rejected_.push_back(notice.text);
        trace_.Line("%s refuses: %s", options_.name, notice.text);
        break;
      case Notice::Kind::kIntervalClosed:
      case Notice::Kind::kDuplicate:
      case Notice::Kind::kDriverChanged:
        break;
    }
  }
  const bool counted = !notices.empty() && notices.front().kind != Notice::Kind::kRejected &&
                       notices.front().kind != Notice::Kind::kTestDeleted;
  if (is_trigger && counted) batch_.records.push_back({notices.front().test_id, *record});
}

void SimOrchestrator::WriteStore(bool all) {
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
