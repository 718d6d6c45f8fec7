// Apply, records of `metrics`: interval reports are merged; and what is kept of tests that have
// ended, for reports that come late.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_format.h"
#include "server/core/orchestrator_core.h"
#include "server/core/record_decoder.h"
#include "server/core/report_builder.h"

namespace loadtest {
namespace {

constexpr size_t kHeldReports = 10'000;
constexpr size_t kKeptMergers = 4;

// Counts of a whole process: where the sum would not fit into 63 bits, after centuries of waiting, it
// stays as it is.
void CountTimes(const v1::Histogram& times, Histogram& sum) {
  if (times.sum_ns() <= std::numeric_limits<int64_t>::max() - sum.sum())
    sum.MergeCheckedProto(times);
}

// Nothing of it can still come but repetitions.
bool IsWhole(const ReportMerger& merger) {
  return std::all_of(merger.drivers().begin(), merger.drivers().end(), [](const auto& entry) {
    return entry.second.finished && entry.second.missing.empty();
  });
}

}  // namespace

void OrchestratorCore::ApplyHeld(Moment now, std::vector<Notice>& notices) {
  // Reports that overtook the record which says whose they are.
  std::deque<v1::MetricsReport> held;
  held.swap(held_);
  for (const v1::MetricsReport& report : held) ApplyMetrics(now, report, notices);
}

void OrchestratorCore::ApplyMetrics(Moment now, const v1::MetricsReport& m,
                                    std::vector<Notice>& notices) {
  if (deleted_.contains(m.test_id())) return;
  const auto reject = [&](std::string_view why) {
    notices.push_back({Notice::Kind::kRejected, m.test_id(),
                       absl::StrFormat("report %d of %s%s", m.sequence(), m.driver_id(), why)});
  };
  const auto it = tests_.find(m.test_id());
  const bool ended = it != tests_.end() && IsEnded(it->second.resource.state());
  const bool not_started = it == tests_.end() || (it->second.merger == nullptr && !ended);
  // A driver that joins may report before it is read here that it joins.
  const bool may_join = !not_started && !ended && it->second.resource.spec().rejoin() &&
                        it->second.merger->Find(LifeOf(m)) == nullptr;
  if (not_started || may_join) {
    if (held_.size() >= kHeldReports) held_.pop_front();
    held_.push_back(m);
    notices.push_back({Notice::Kind::kRecordHeld, m.test_id(), ""});
    return;
  }
  Test& test = it->second;
  if (test.merger == nullptr) {
    notices.push_back({Notice::Kind::kReportDormant, m.test_id(),
                       absl::StrFormat("report %d of %s came long after the end of %s",
                                       m.sequence(), m.driver_id(), m.test_id())});
    return;
  }
  const int64_t closed_before = test.merger->closed_to_ns();
  switch (test.merger->Add(m)) {
    case ReportMerger::Added::kDuplicate:
      notices.push_back(
          {Notice::Kind::kDuplicate, m.test_id(),
           absl::StrFormat("report %d of %s came again", m.sequence(), m.driver_id())});
      return;
    case ReportMerger::Added::kUnknownDriver:
      return reject(absl::StrFormat(", which does not take part in %s in that life", m.test_id()));
    case ReportMerger::Added::kOutOfRange:
      return reject(absl::StrFormat(": its sequence, its end at %d ns or its sums cannot be",
                                    m.end_offset_ns()));
    case ReportMerger::Added::kNew:
      break;
  }
  notices.push_back({Notice::Kind::kReportMerged, m.test_id(), ""});
  const v1::RequestCounts& counts = m.measurements().counts();
  counted_.set_sent(counted_.sent() + counts.sent());
  counted_.set_completed(counted_.completed() + counts.completed());
  counted_.set_failed(counted_.failed() + counts.failed());
  counted_.set_dropped(counted_.dropped() + counts.dropped());
  // The merger has accepted them, so they are whole.
  CountTimes(m.measurements().response_time(), counted_response_time_);
  CountTimes(m.measurements().service_time(), counted_service_time_);
  CountTimes(m.measurements().send_delay(), counted_send_delay_);
  if (test.resource.state() == v1::LoadTest::STARTING) {
    SetState(test, v1::LoadTest::RUNNING);
    notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
  }
  if (m.final()) {
    AddEvent(
        test, now.wall, "driver_done",
        m.error().empty() ? m.driver_id() : absl::StrFormat("%s: %s", m.driver_id(), m.error()));
    notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
  }
  if (test.merger->closed_to_ns() > closed_before)
    notices.push_back({Notice::Kind::kIntervalClosed, m.test_id(), ""});
  if (IsEnded(test.resource.state()))
    notices.push_back({Notice::Kind::kTestFinished, m.test_id(), ""});
}

void OrchestratorCore::ForgetOldMergers() {
  size_t excess = recently_ended_.size() - std::min(recently_ended_.size(), kKeptMergers);
  for (auto ended = recently_ended_.begin(); excess > 0 && ended != recently_ended_.end();) {
    const auto it = tests_.find(*ended);
    const bool known = it != tests_.end() && it->second.merger != nullptr;
    if (known && catching_up_ && !IsWhole(*it->second.merger)) {
      ++ended;
      continue;
    }
    if (known) it->second.merger.reset();
    ended = recently_ended_.erase(ended);
    --excess;
  }
}

void OrchestratorCore::EndCatchUp(Moment now) {
  catching_up_ = false;
  registry_.Excuse(now);
  for (auto& [id, test] : tests_) {
    if (test.merger != nullptr) test.merger->SetReplaying(false);
  }
}

bool OrchestratorCore::Wake(const std::string& id, const std::vector<Record>& records,
                            const v1::Report& report) {
  const auto it = tests_.find(id);
  if (it == tests_.end() || !IsEnded(it->second.resource.state()) || it->second.merger != nullptr)
    return false;
  Test& test = it->second;
  std::unique_ptr<ReportMerger> merger;
  for (const Record& record : records) {
    const absl::StatusOr<BusMessage> message = DecodeRecord(record);
    if (!message.ok()) continue;
    if (const auto* metrics = std::get_if<v1::MetricsReport>(&*message)) {
      if (merger != nullptr) merger->Add(*metrics);
      continue;
    }
    const auto* trigger = std::get_if<v1::Trigger>(&*message);
    if (trigger == nullptr) continue;
    if (trigger->has_started()) {
      merger = std::make_unique<ReportMerger>(trigger->started());
      merger->SetReplaying(true);
      test.start_time_ns = trigger->started().start_time_ns();
    } else if (merger != nullptr && trigger->has_adjusted()) {
      merger->Adjust(trigger->adjusted());
    } else if (trigger->has_stop_ordered()) {
      test.stop_ordered = true;
      test.stop_reason = trigger->stop_ordered().reason();
      if (merger != nullptr) merger->StopAt(trigger->decide_time_ns() - test.start_time_ns);
    }
  }
  if (merger == nullptr) return false;
  // As Finished did: all but those that could not arm.
  std::set<DriverLife> not_armed;
  for (const v1::DriverResult& d : report.drivers()) {
    if (!d.lost() && !d.finished()) not_armed.insert(LifeOf(d.assignment()));
  }
  for (const v1::Assignment& a : test.resource.assignments()) {
    if (!not_armed.contains(LifeOf(a))) merger->MarkLost(LifeOf(a));
  }
  merger->SetReplaying(false);
  test.merger = std::move(merger);
  test.events.assign(report.events().begin(), report.events().end());
  ReadManifest(report, test.registrations, test.manifests);
  recently_ended_.push_back(id);
  return true;
}

}  // namespace loadtest
