// Apply and Advance: where state changes.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/spec/load_test_spec.h"
#include "server/core/orchestrator_core.h"
#include "server/core/record_decoder.h"
#include "server/core/timestamp.h"

namespace loadtest {
namespace {

constexpr size_t kHeldReports = 10'000;
constexpr size_t kKeptMergers = 4;
constexpr size_t kMostEvents = 10'000;
constexpr int64_t kForgetDriverNs = 600 * kNanosPerSecond;
// How long after its last possible request a driver's last report may come.
constexpr int64_t kOverdueNs = 30 * kNanosPerSecond;

}  // namespace

bool IsEnded(v1::LoadTest::State state) {
  return state == v1::LoadTest::SUCCEEDED || state == v1::LoadTest::STOPPED ||
         state == v1::LoadTest::FAILED;
}

OrchestratorCore::OrchestratorCore(CoreOptions options, Moment start)
    : options_(std::move(options)),
      start_(start),
      registry_(options_.heartbeat_interval_ns * options_.lost_after_heartbeats, kForgetDriverNs) {
  // A new process has heard of nobody.
  registry_.Excuse(start);
}

std::vector<Notice> OrchestratorCore::Apply(Moment now, const Record& record) {
  std::vector<Notice> notices;
  const absl::StatusOr<BusMessage> message = DecodeRecord(record);
  if (!message.ok()) {
    notices.push_back({Notice::Kind::kRejected, "", std::string(message.status().message())});
    return notices;
  }
  struct Visitor {
    OrchestratorCore& core;
    Moment now;
    std::vector<Notice>& notices;
    void operator()(const v1::DriverRegistration& m) { core.ApplyRegistration(now, m, notices); }
    void operator()(const v1::DriverHeartbeat& m) { core.ApplyHeartbeat(now, m, notices); }
    void operator()(const v1::Trigger& m) { core.ApplyTrigger(now, m, notices); }
    void operator()(const v1::MetricsReport& m) { core.ApplyMetrics(now, m, notices); }
  };
  std::visit(Visitor{*this, now, notices}, *message);
  return notices;
}

void OrchestratorCore::ApplyRegistration(Moment now, const v1::DriverRegistration& m,
                                         std::vector<Notice>& notices) {
  if (!registry_.OnRegistration(now, m)) {
    notices.push_back(
        {Notice::Kind::kDuplicate, "", "registration of an older life of " + m.driver_id()});
    return;
  }
  notices.push_back({Notice::Kind::kDriverChanged, "", m.driver_id()});
  for (const std::string& id : active_) {
    Test& test = tests_.find(id)->second;
    for (const v1::Assignment& a : test.resource.assignments()) {
      if (a.driver_id() == m.driver_id() && a.incarnation() == m.incarnation())
        test.registrations[m.driver_id()] = m;
    }
  }
}

void OrchestratorCore::ApplyHeartbeat(Moment now, const v1::DriverHeartbeat& m,
                                      std::vector<Notice>& notices) {
  const KnownDriver* before = registry_.Find(m.driver_id());
  const bool was_listed = before != nullptr && before->heard;
  if (!registry_.OnHeartbeat(now, m)) {
    notices.push_back({Notice::Kind::kDuplicate, "", "old heartbeat of " + m.driver_id()});
    return;
  }
  if (!was_listed || m.state() == v1::DriverHeartbeat::LEAVING)
    notices.push_back({Notice::Kind::kDriverChanged, "", m.driver_id()});
  const auto it = tests_.find(m.test_id());
  if (it == tests_.end() || !active_.contains(m.test_id()) || it->second.merger == nullptr) return;
  Test& test = it->second;
  const auto part = test.merger->drivers().find(m.driver_id());
  if (part == test.merger->drivers().end() ||
      part->second.assignment.incarnation() != m.incarnation())
    return;
  if (!m.arm_error().empty()) {
    test.arm_errors[m.driver_id()] = m.arm_error();
    AddEvent(test, now.wall, "driver_not_armed",
             absl::StrFormat("%s: %s", m.driver_id(), m.arm_error()));
    notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
    return;
  }
  if (m.state() == v1::DriverHeartbeat::IDLE) return;
  if (test.armed.insert(m.driver_id()).second) {
    v1::DriverManifest& manifest = test.manifests[m.driver_id()];
    *manifest.mutable_target_addresses() = m.target_addresses();
    manifest.set_transport(m.transport());
    manifest.set_tls(m.tls());
    AddEvent(test, now.wall, "driver_armed", m.driver_id());
    notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
  }
  if (m.state() != v1::DriverHeartbeat::ARMED && test.resource.state() == v1::LoadTest::STARTING) {
    SetState(test, v1::LoadTest::RUNNING);
    notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
  }
}

void OrchestratorCore::ApplyTrigger(Moment now, const v1::Trigger& m,
                                    std::vector<Notice>& notices) {
  const auto reject = [&](std::string_view why) {
    notices.push_back({Notice::Kind::kRejected, m.test_id(),
                       absl::StrFormat("trigger of %s: %s", m.test_id(), why)});
  };
  if (m.event_case() == v1::Trigger::kBodyPart) {
    // Those before a Started are for the drivers.
    if (!tests_.contains(m.test_id())) bodies_.Add(m.test_id(), m.body_part());
    return;
  }
  if (m.event_case() == v1::Trigger::kCreated) {
    if (tests_.contains(m.test_id())) return reject("created a second time");
    const v1::HttpRequest& request = m.created().spec().request();
    std::optional<std::string> body = std::string();
    if (request.body().empty() && request.body_bytes() > 0) {
      body = bodies_.Take(m.test_id(), static_cast<size_t>(request.body_bytes()));
      if (!body) return reject("created without the parts of its body");
    }
    Test& test = tests_[m.test_id()];
    test.body = *std::move(body);
    test.resource.set_name("loadTests/" + m.test_id());
    *test.resource.mutable_spec() = m.created().spec();
    test.request_id = m.created().request_id();
    test.created_ns = m.decide_time_ns();
    *test.resource.mutable_create_time() = ToTimestamp(m.decide_time_ns());
    SetState(test, v1::LoadTest::PENDING);
    const int wanted = m.created().spec().drivers();
    test.resource.set_state_reason(wanted > 1 ? absl::StrFormat("waits for %d idle drivers", wanted)
                                              : "waits for an idle driver");
    if (!test.request_id.empty()) request_ids_[test.request_id] = m.test_id();
    active_.insert(m.test_id());
    AddEvent(test, {m.decide_time_ns()}, "created", "");
    notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
    return;
  }
  const auto it = tests_.find(m.test_id());
  if (it == tests_.end()) return reject("of a test that was never created");
  Test& test = it->second;
  const bool ended = IsEnded(test.resource.state());
  switch (m.event_case()) {
    case v1::Trigger::kStarted:
      if (test.resource.state() != v1::LoadTest::PENDING) return reject("started a second time");
      ApplyStarted(now, test, m, notices);
      return;
    case v1::Trigger::kStopOrdered:
      if (ended) return reject("stop ordered after its end");
      test.stop_ordered = true;
      test.stop_reason = m.stop_ordered().reason();
      SetState(test, v1::LoadTest::STOPPING);
      test.resource.set_state_reason(test.stop_reason);
      AddEvent(test, {m.decide_time_ns()}, "stop_ordered", test.stop_reason);
      notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
      return;
    case v1::Trigger::kFinished:
      if (ended) return reject("finished a second time");
      SetState(test, m.finished().state());
      test.resource.set_state_reason(m.finished().reason());
      // Who has sent no last report by now was lost, unless the test never began. Said here, so
      // that it follows from the log alone; a late last report corrects it.
      if (test.merger != nullptr && test.arm_errors.empty()) {
        for (const v1::Assignment& a : test.resource.assignments())
          test.merger->MarkLost(a.driver_id());
      }
      *test.resource.mutable_end_time() = ToTimestamp(m.decide_time_ns());
      AddEvent(test, {m.decide_time_ns()}, "finished", m.finished().reason());
      active_.erase(m.test_id());
      recently_ended_.push_back(m.test_id());
      notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
      notices.push_back({Notice::Kind::kTestFinished, m.test_id(), ""});
      ForgetOldMergers();
      return;
    case v1::Trigger::kDeleted:
      if (!ended) return reject("deleted before its end");
      request_ids_.erase(test.request_id);
      tests_.erase(it);
      notices.push_back({Notice::Kind::kTestDeleted, m.test_id(), ""});
      return;
    case v1::Trigger::kNoted:
      test.resource.set_note(m.noted().note());
      // On the time axis of a test that runs; later it is no part of what happened.
      if (!ended) AddEvent(test, {m.decide_time_ns()}, "noted", m.noted().note());
      notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
      return;
    case v1::Trigger::kCreated:
    case v1::Trigger::kBodyPart:
    case v1::Trigger::kAdjusted:
    case v1::Trigger::kAlive:
    case v1::Trigger::EVENT_NOT_SET:
      return;
  }
}

void OrchestratorCore::ApplyStarted(Moment now, Test& test, const v1::Trigger& m,
                                    std::vector<Notice>& notices) {
  const v1::Started& started = m.started();
  test.start_time_ns = started.start_time_ns();
  test.body = std::string();
  *test.resource.mutable_start_time() = ToTimestamp(started.start_time_ns());
  *test.resource.mutable_assignments() = started.assignments();
  test.merger = std::make_unique<ReportMerger>(started);
  for (const v1::Assignment& a : started.assignments()) {
    const KnownDriver* driver = registry_.Find(a.driver_id());
    if (driver != nullptr && driver->registration.incarnation() == a.incarnation())
      test.registrations[a.driver_id()] = driver->registration;
  }
  SetState(test, v1::LoadTest::STARTING);
  test.resource.set_state_reason("");
  AddEvent(test, {m.decide_time_ns()}, "started",
           absl::StrFormat("%d driver%s", started.assignments_size(),
                           started.assignments_size() == 1 ? "" : "s"));
  notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
  // Reports that overtook this record.
  std::deque<v1::MetricsReport> held;
  held.swap(held_);
  for (const v1::MetricsReport& report : held) ApplyMetrics(now, report, notices);
}

void OrchestratorCore::ApplyMetrics(Moment now, const v1::MetricsReport& m,
                                    std::vector<Notice>& notices) {
  const auto it = tests_.find(m.test_id());
  if (it == tests_.end() ||
      (it->second.merger == nullptr && !IsEnded(it->second.resource.state()))) {
    if (held_.size() >= kHeldReports) held_.pop_front();
    held_.push_back(m);
    notices.push_back({Notice::Kind::kRecordHeld, m.test_id(), ""});
    return;
  }
  Test& test = it->second;
  if (test.merger == nullptr) {
    notices.push_back({Notice::Kind::kRejected, m.test_id(),
                       absl::StrFormat("report %d of %s came long after the end of %s",
                                       m.sequence(), m.driver_id(), m.test_id())});
    return;
  }
  const size_t closed_before = test.merger->closed_intervals().size();
  switch (test.merger->Add(m)) {
    case ReportMerger::Added::kDuplicate:
      notices.push_back(
          {Notice::Kind::kDuplicate, m.test_id(),
           absl::StrFormat("report %d of %s came again", m.sequence(), m.driver_id())});
      return;
    case ReportMerger::Added::kUnknownDriver:
      notices.push_back(
          {Notice::Kind::kRejected, m.test_id(),
           absl::StrFormat("report %d of %s, which does not take part in %s in that life",
                           m.sequence(), m.driver_id(), m.test_id())});
      return;
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
  counted_response_time_.MergeProto(m.measurements().response_time()).IgnoreError();
  counted_service_time_.MergeProto(m.measurements().service_time()).IgnoreError();
  counted_send_delay_.MergeProto(m.measurements().send_delay()).IgnoreError();
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
  if (test.merger->closed_intervals().size() > closed_before)
    notices.push_back({Notice::Kind::kIntervalClosed, m.test_id(), ""});
  if (IsEnded(test.resource.state()))
    notices.push_back({Notice::Kind::kTestFinished, m.test_id(), ""});
}

std::vector<Notice> OrchestratorCore::Advance(Moment now, bool bus_connected) {
  std::vector<Notice> notices;
  if (!bus_connected) registry_.Excuse(now);
  for (const std::string& id : active_) {
    Test& test = tests_.find(id)->second;
    if (test.merger == nullptr) continue;
    const int64_t longest = LongestRunNs(test.resource.spec(), test.resource.assignments_size());
    const bool overdue = longest >= 0 && now.wall.ns > test.start_time_ns + longest + kOverdueNs;
    for (const v1::Assignment& a : test.resource.assignments()) {
      const ReportMerger::DriverPart& part = test.merger->drivers().find(a.driver_id())->second;
      if (part.finished || part.lost) continue;
      const bool live = registry_.IsLive(now, a.driver_id(), a.incarnation());
      // Silence is excused; a new life of the driver or its farewell is not silence.
      const bool excused =
          registry_.IsExcused(now) && !registry_.IsGone(a.driver_id(), a.incarnation());
      if ((live || excused) && (!overdue || !bus_connected)) continue;
      test.merger->MarkLost(a.driver_id());
      test.last_loss = now;
      AddEvent(test, now.wall, "driver_lost",
               absl::StrFormat("%s: %s", a.driver_id(),
                               live ? "its last report is overdue" : "no heartbeat"));
      notices.push_back({Notice::Kind::kTestChanged, id, ""});
    }
  }
  return notices;
}

void OrchestratorCore::Restore(const v1::LoadTest& test, const std::string& request_id) {
  const absl::StatusOr<std::string> id = LoadTestIdOfName(test.name(), "name");
  if (!id.ok()) return;
  Test& restored = tests_[*id];
  restored.resource = test;
  restored.request_id = request_id;
  restored.created_ns = test.create_time().seconds() * kNanosPerSecond + test.create_time().nanos();
  if (!request_id.empty()) request_ids_[request_id] = *id;
}

void OrchestratorCore::SetState(Test& test, v1::LoadTest::State state) {
  test.resource.set_state(state);
}

void OrchestratorCore::AddEvent(Test& test, WallTime when, std::string type, std::string message) {
  if (test.events.size() >= kMostEvents) return;
  v1::Event& event = test.events.emplace_back();
  *event.mutable_time() = ToTimestamp(when.ns);
  event.set_type(std::move(type));
  event.set_message(std::move(message));
}

void OrchestratorCore::ForgetOldMergers() {
  while (recently_ended_.size() > kKeptMergers) {
    const auto it = tests_.find(recently_ended_.front());
    if (it != tests_.end()) it->second.merger.reset();
    recently_ended_.pop_front();
  }
}

}  // namespace loadtest
