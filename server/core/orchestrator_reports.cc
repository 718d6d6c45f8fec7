// Apply, records of `metrics`: interval reports are merged; and what is kept of tests that have
// ended, for reports that come late.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_format.h"
#include "server/core/orchestrator_core.h"

namespace loadtest {
namespace {

constexpr size_t kKeptMergers = 4;

// Counts of a whole process: where the sum would not fit into 63 bits, after centuries of waiting,
// it stays as it is.
void CountTimes(const Histogram& times, Histogram& sum) {
  if (times.sum() <= std::numeric_limits<int64_t>::max() - sum.sum()) sum.Merge(times);
}

// Nothing of it can still come but repetitions.
bool IsWhole(const ReportMerger& merger) {
  return std::all_of(merger.drivers().begin(), merger.drivers().end(), [](const auto& entry) {
    return entry.second.finished && entry.second.missing.empty();
  });
}

}  // namespace

// Reports that overtook the record which says whose they are.
void OrchestratorCore::ApplyHeld(Moment now, const std::string& test_id,
                                 std::vector<Notice>& notices) {
  for (const v1::MetricsReport& report : held_.Take(test_id)) ApplyMetrics(now, report, notices);
}

void OrchestratorCore::ForgetHeld(Moment now, std::vector<Notice>& notices) {
  held_.Expire(now.mono);
  for (const std::string& id : held_.TakeForgotten()) {
    // It has come meanwhile: what is stored of it counts when it is read from there again.
    if (tests_.contains(id)) continue;
    notices.push_back({Notice::Kind::kHeldForgotten, id,
                       absl::StrFormat("interval reports of test %s, which has not come", id)});
  }
}

void OrchestratorCore::ApplyMetrics(Moment now, const v1::MetricsReport& m,
                                    std::vector<Notice>& notices) {
  if (deleted_.Contains(m.test_id())) return;
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
    if (!held_.Hold(now.mono, m))
      return reject(absl::StrFormat(": too many of test %s wait for it to begin", m.test_id()));
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
  const bool had_unjudged = test.merger->has_unjudged_reports();
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
  if (!ended && test.merger->Find(LifeOf(m))->lost) test.reports_of_lost[LifeOf(m)] = now.mono;
  if (test.merger->has_unjudged_reports() && !had_unjudged) {
    AddEvent(test, now.wall, "late_reports",
             absl::StrFormat("reports of %s came too late for windows of thresholds, which are "
                             "judged without them; loadctl check judges with all",
                             m.driver_id()));
  }
  CountFresh(test);
  if (test.resource.state() == v1::LoadTest::STARTING) {
    SetState(test, v1::LoadTest::RUNNING);
    notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
  }
  if (m.final()) {
    AddEvent(
        test, now.wall, "driver_done",
        m.error().empty() ? m.driver_id() : absl::StrFormat("%s: %s", m.driver_id(), m.error()));
  }
  if (test.merger->closed_to_ns() > closed_before)
    notices.push_back({Notice::Kind::kIntervalClosed, m.test_id(), ""});
  if (IsEnded(test.resource.state()))
    notices.push_back({Notice::Kind::kTestFinished, m.test_id(), ""});
}

void OrchestratorCore::CountFresh(Test& test) {
  if (!test.merger->has_fresh()) return;
  const MeasurementSum fresh = test.merger->TakeFresh();
  const v1::RequestCounts& counts = fresh.counts();
  counted_.set_sent(counted_.sent() + counts.sent());
  counted_.set_completed(counted_.completed() + counts.completed());
  counted_.set_failed(counted_.failed() + counts.failed());
  counted_.set_dropped(counted_.dropped() + counts.dropped());
  CountTimes(fresh.response_time(), counted_response_time_);
  CountTimes(fresh.service_time(), counted_service_time_);
  CountTimes(fresh.send_delay(), counted_send_delay_);
}

void OrchestratorCore::ForgetMerger(Test& test) {
  if (test.merger == nullptr) return;
  test.merger->CloseAll();
  CountFresh(test);
  test.merger.reset();
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
    if (known) ForgetMerger(it->second);
    ended = recently_ended_.erase(ended);
    --excess;
  }
}

void OrchestratorCore::EndCatchUp(Moment now) {
  catching_up_ = false;
  registry_.Excuse(now);
  for (auto& [id, test] : tests_) {
    if (test.merger == nullptr) continue;
    test.merger->SetReplaying(false);
    CountFresh(test);
  }
}

bool OrchestratorCore::Wake(const std::string& id, WokenTest woken) {
  const auto it = tests_.find(id);
  if (it == tests_.end() || !IsEnded(it->second.resource.state()) || it->second.merger != nullptr)
    return false;
  Test& test = it->second;
  test.merger = std::move(woken.merger);
  // What it has was counted when it came.
  test.merger->CloseAll();
  test.merger->TakeFresh();
  test.start_time_ns = woken.start_time_ns;
  test.stop_ordered = woken.stop_ordered;
  test.stop_reason = std::move(woken.stop_reason);
  test.events = std::move(woken.events);
  test.registrations = std::move(woken.registrations);
  test.manifests = std::move(woken.manifests);
  recently_ended_.push_back(id);
  return true;
}

}  // namespace loadtest
