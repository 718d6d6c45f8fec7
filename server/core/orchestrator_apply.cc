// Apply: the only place where state changes. Here: records of `trigger`, the orchestrator's own
// decisions read back.
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/spec/load_test_spec.h"
#include "server/core/orchestrator_core.h"
#include "server/core/record_decoder.h"
#include "server/core/timestamp.h"

namespace loadtest {
namespace {

constexpr size_t kMostEvents = 10'000;
constexpr int64_t kForgetDriverNs = 600 * kNanosPerSecond;

std::string WaitsFor(const v1::LoadTestSpec& spec) {
  std::string text = spec.drivers() > 1
                         ? absl::StrFormat("waits for %d idle drivers", spec.drivers())
                         : "waits for an idle driver";
  const std::map<std::string, std::string> labels(spec.driver_labels().begin(),
                                                  spec.driver_labels().end());
  const char* before = " with ";
  for (const auto& [key, value] : labels) {
    text += absl::StrFormat("%s%s=%s", before, key, value);
    before = ", ";
  }
  return text;
}

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

std::vector<Notice> OrchestratorCore::Apply(Moment now,
                                            const absl::StatusOr<BusMessage>& message) {
  std::vector<Notice> notices;
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

void OrchestratorCore::Glance(const Record& record) {
  const absl::StatusOr<BusMessage> message = DecodeRecord(record);
  if (!message.ok()) return;
  if (const auto* trigger = std::get_if<v1::Trigger>(&*message)) fence_.Admit(*trigger);
}

void OrchestratorCore::ApplyTrigger(Moment now, const v1::Trigger& m,
                                    std::vector<Notice>& notices) {
  const auto reject = [&](std::string_view why) {
    notices.push_back({Notice::Kind::kRejected, m.test_id(),
                       absl::StrFormat("trigger of %s: %s", m.test_id(), why)});
  };
  if (!fence_.Admit(m)) {
    return reject(absl::StrFormat("void: its writer, orchestrator %d, had been replaced by %d",
                                  m.has_alive() ? m.alive().incarnation() : m.writer(),
                                  fence_.newest_takeover()));
  }
  if (m.has_alive()) return ApplyAlive(m.alive(), notices);
  if (m.event_case() == v1::Trigger::kBodyPart) {
    // Those before a Started are for the drivers.
    if (!tests_.contains(m.test_id())) bodies_.Add(m.test_id(), m.body_part());
    return;
  }
  if (m.event_case() == v1::Trigger::kCreated) return ApplyCreated(m, notices);
  const auto it = tests_.find(m.test_id());
  if (it == tests_.end()) return reject("of a test that was never created");
  Test& test = it->second;
  const bool ended = IsEnded(test.resource.state());
  switch (m.event_case()) {
    case v1::Trigger::kStarted:
      if (test.resource.state() != v1::LoadTest::PENDING) return reject("started a second time");
      return ApplyStarted(now, test, m, notices);
    case v1::Trigger::kAdjusted:
      if (ended || test.merger == nullptr) return reject("adjusted, but it does not run");
      ApplyAdjusted(test, m, notices);
      return ApplyHeld(now, m.test_id(), notices);
    case v1::Trigger::kStopOrdered:
      if (ended) return reject("stop ordered after its end");
      return ApplyStopOrdered(test, m, notices);
    case v1::Trigger::kFinished:
      if (ended) return reject("finished a second time");
      ApplyFinished(test, m, notices);
      // Of drivers that were to join, and now will not.
      return ApplyHeld(now, m.test_id(), notices);
    case v1::Trigger::kDeleted:
      if (!ended) return reject("deleted before its end");
      request_ids_.erase(test.request_id);
      ended_.erase({EndNs(test), m.test_id()});
      ForgetMerger(test);
      tests_.erase(it);
      deleted_.Add(m.test_id());
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
    case v1::Trigger::kAlive:
    case v1::Trigger::EVENT_NOT_SET:
      return;
  }
}

void OrchestratorCore::ApplyAlive(const v1::OrchestratorAlive& m, std::vector<Notice>& notices) {
  const bool is_other = writer_ != 0 && m.incarnation() != writer_;
  const std::string where =
      absl::StrFormat("orchestrator %d on %s, process %d", m.incarnation(), m.host_name(), m.pid());
  switch (m.kind()) {
    case v1::OrchestratorAlive::CLAIM:
      if (is_other) notices.push_back({Notice::Kind::kClaim, "", where});
      return;
    case v1::OrchestratorAlive::TAKEOVER:
      notices.push_back({Notice::Kind::kTakeover, "", where});
      for (const std::string& id : active_) {
        AddEvent(tests_.find(id)->second, {m.send_time_ns()}, "orchestrator_took_over", where);
        notices.push_back({Notice::Kind::kTestChanged, id, ""});
      }
      if (is_other && m.incarnation() > writer_)
        notices.push_back({Notice::Kind::kFenced, "", where});
      return;
    default:
      return;
  }
}

void OrchestratorCore::ApplyCreated(const v1::Trigger& m, std::vector<Notice>& notices) {
  const auto reject = [&](std::string_view why) {
    notices.push_back({Notice::Kind::kRejected, m.test_id(),
                       absl::StrFormat("trigger of %s: %s", m.test_id(), why)});
  };
  if (tests_.contains(m.test_id())) return reject("created a second time");
  // Drivers have run it, and its late reports are dropped: it could not run again.
  if (deleted_.Contains(m.test_id())) return reject("created again after it was deleted");
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
  test.resource.set_state_reason(WaitsFor(m.created().spec()));
  if (!test.request_id.empty()) request_ids_[test.request_id] = m.test_id();
  active_.insert(m.test_id());
  AddEvent(test, {m.decide_time_ns()}, "created", "");
  notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
}

void OrchestratorCore::ApplyStarted(Moment now, Test& test, const v1::Trigger& m,
                                    std::vector<Notice>& notices) {
  const v1::Started& started = m.started();
  test.started = now;
  test.start_time_ns = started.start_time_ns();
  // A driver that joins later needs it.
  if (!started.spec().rejoin()) test.body = std::string();
  test.plan = started;
  *test.resource.mutable_start_time() = ToTimestamp(started.start_time_ns());
  *test.resource.mutable_assignments() = started.assignments();
  test.merger = std::make_unique<ReportMerger>(started);
  test.merger->SetReplaying(catching_up_);
  for (const v1::Assignment& a : started.assignments()) RememberRegistration(test, LifeOf(a));
  SetState(test, v1::LoadTest::STARTING);
  test.resource.set_state_reason("");
  AddEvent(test, {m.decide_time_ns()}, "started",
           absl::StrFormat("%d driver%s", started.assignments_size(),
                           started.assignments_size() == 1 ? "" : "s"));
  notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
  ApplyEarlyRefusals(now, test, m.test_id(), notices);
  ApplyHeld(now, m.test_id(), notices);
}

void OrchestratorCore::ApplyAdjusted(Test& test, const v1::Trigger& m,
                                     std::vector<Notice>& notices) {
  const v1::Adjusted& adjusted = m.adjusted();
  test.merger->Adjust(adjusted);
  CountFresh(test);
  AddEvent(test, {m.decide_time_ns()}, "adjusted", adjusted.reason());
  for (const v1::Assignment& a : adjusted.joined()) {
    *test.resource.add_assignments() = a;
    RememberRegistration(test, LifeOf(a));
    AddEvent(test, {m.decide_time_ns()}, "driver_joined", a.driver_id());
  }
  notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
}

void OrchestratorCore::ApplyStopOrdered(Test& test, const v1::Trigger& m,
                                        std::vector<Notice>& notices) {
  test.stop_ordered = true;
  test.stop_reason = m.stop_ordered().reason();
  if (test.merger != nullptr) test.merger->StopAt(m.decide_time_ns() - test.start_time_ns);
  SetState(test, v1::LoadTest::STOPPING);
  test.resource.set_state_reason(test.stop_reason);
  AddEvent(test, {m.decide_time_ns()}, "stop_ordered", test.stop_reason);
  notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
}

void OrchestratorCore::ApplyFinished(Test& test, const v1::Trigger& m,
                                     std::vector<Notice>& notices) {
  SetState(test, m.finished().state());
  test.resource.set_state_reason(m.finished().reason());
  // Who has sent no last report by now was lost. Said here, so that it follows from the log alone;
  // a late last report corrects it. Who could not arm has sent nothing; the others may have begun
  // before they hear of the end.
  if (test.merger != nullptr) {
    for (const v1::Assignment& a : test.resource.assignments()) {
      if (!test.arm_errors.contains(a.driver_id())) test.merger->MarkLost(LifeOf(a));
    }
    CountFresh(test);
  }
  test.body = std::string();
  test.plan = v1::Started();
  *test.resource.mutable_end_time() = ToTimestamp(m.decide_time_ns());
  AddEvent(test, {m.decide_time_ns()}, "finished", m.finished().reason());
  active_.erase(m.test_id());
  ended_.emplace(EndNs(test), m.test_id());
  recently_ended_.push_back(m.test_id());
  notices.push_back({Notice::Kind::kTestChanged, m.test_id(), ""});
  notices.push_back({Notice::Kind::kTestFinished, m.test_id(), ""});
}

void OrchestratorCore::Restore(const v1::LoadTest& test, const std::string& request_id) {
  const absl::StatusOr<std::string> id = LoadTestIdOfName(test.name(), "name");
  if (!id.ok()) return;
  Test& restored = tests_[*id];
  restored.resource = test;
  restored.request_id = request_id;
  restored.created_ns = test.create_time().seconds() * kNanosPerSecond + test.create_time().nanos();
  if (!request_id.empty()) request_ids_[request_id] = *id;
  ended_.emplace(EndNs(restored), *id);
}

int64_t OrchestratorCore::EndNs(const Test& test) {
  const auto& end = test.resource.end_time();
  return end.seconds() * kNanosPerSecond + end.nanos();
}

void OrchestratorCore::LoseBus() {
  for (const std::string& id : active_) tests_.find(id)->second.bus_lost = true;
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

}  // namespace loadtest
