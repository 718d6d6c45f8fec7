#include "server/core/orchestrator_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/spec/load_test_spec.h"
#include "server/core/record_decoder.h"
#include "server/core/report_builder.h"

namespace loadtest {
namespace {

constexpr size_t kHeldReports = 10'000;
constexpr size_t kKeptMergers = 4;
constexpr size_t kMostEvents = 10'000;
constexpr int64_t kForgetDriverNs = 600 * kNanosPerSecond;
constexpr int kDefaultPage = 50;
constexpr int kLargestPage = 1'000;

google::protobuf::Timestamp ToTimestamp(int64_t wall_ns) {
  google::protobuf::Timestamp out;
  out.set_seconds(wall_ns / kNanosPerSecond);
  out.set_nanos(static_cast<int32_t>(wall_ns % kNanosPerSecond));
  return out;
}

v1::Driver::State ToDriverState(v1::DriverHeartbeat::State state) {
  switch (state) {
    case v1::DriverHeartbeat::ARMED:
      return v1::Driver::ARMED;
    case v1::DriverHeartbeat::RUNNING:
      return v1::Driver::RUNNING;
    case v1::DriverHeartbeat::DRAINING:
      return v1::Driver::DRAINING;
    default:
      return v1::Driver::IDLE;
  }
}

absl::StatusOr<int> PageSize(int32_t wanted, int default_size) {
  if (wanted < 0 || wanted > kLargestPage) {
    return absl::InvalidArgumentError(
        absl::StrFormat("page_size: got %d, want 0 to %d", wanted, kLargestPage));
  }
  return wanted == 0 ? default_size : wanted;
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

// --- Apply: the only place where state changes.

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
  if (m.event_case() == v1::Trigger::kCreated) {
    if (tests_.contains(m.test_id())) return reject("created a second time");
    Test& test = tests_[m.test_id()];
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
    case v1::Trigger::kCreated:
    case v1::Trigger::EVENT_NOT_SET:
      return;
  }
}

void OrchestratorCore::ApplyStarted(Moment now, Test& test, const v1::Trigger& m,
                                    std::vector<Notice>& notices) {
  const v1::Started& started = m.started();
  test.start_time_ns = started.start_time_ns();
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
    const bool overdue =
        longest >= 0 && now.wall.ns > test.start_time_ns + longest + 30 * kNanosPerSecond;
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

// --- Decide: pure.

absl::StatusOr<std::vector<v1::Trigger>> OrchestratorCore::Decide(
    Moment now, const CoreRequest& request) const {
  struct Visitor {
    const OrchestratorCore& core;
    Moment now;
    absl::StatusOr<std::vector<v1::Trigger>> operator()(const CreateRequest& r) {
      return core.DecideCreate(now, r);
    }
    absl::StatusOr<std::vector<v1::Trigger>> operator()(const StopRequest& r) {
      return core.DecideStop(now, r);
    }
    absl::StatusOr<std::vector<v1::Trigger>> operator()(const DeleteRequest& r) {
      return core.DecideDelete(now, r);
    }
    absl::StatusOr<std::vector<v1::Trigger>> operator()(const Tick&) {
      return core.DecideTick(now);
    }
  };
  return std::visit(Visitor{*this, now}, request);
}

namespace {

v1::Trigger NewTrigger(Moment now, const std::string& test_id) {
  v1::Trigger trigger;
  trigger.set_test_id(test_id);
  trigger.set_decide_time_ns(now.wall.ns);
  return trigger;
}

absl::Status NotFound(const std::string& id) {
  return absl::NotFoundError(
      absl::StrFormat("name: got \"loadTests/%s\", want a load test that exists", id));
}

}  // namespace

absl::StatusOr<std::vector<v1::Trigger>> OrchestratorCore::DecideCreate(
    Moment now, const CreateRequest& create) const {
  const v1::CreateLoadTestRequest& request = create.request;
  if (request.request_id().size() > 128) {
    return absl::InvalidArgumentError(
        absl::StrFormat("request_id: got %d bytes, want at most 128", request.request_id().size()));
  }
  if (!request.load_test_id().empty())
    RETURN_IF_ERROR(CheckLoadTestId(request.load_test_id(), "load_test_id"));
  ASSIGN_OR_RETURN(const v1::LoadTestSpec spec, ValidateSpec(request.spec()));
  if (!request.request_id().empty() && FindByRequestId(request.request_id()) != nullptr)
    return std::vector<v1::Trigger>();
  const std::string& id = request.load_test_id().empty() ? create.fresh_id : request.load_test_id();
  if (tests_.contains(id)) {
    return absl::AlreadyExistsError(
        absl::StrFormat("load_test_id: got \"%s\", want an id that no load test has", id));
  }
  v1::Trigger trigger = NewTrigger(now, id);
  *trigger.mutable_created()->mutable_spec() = spec;
  trigger.mutable_created()->set_request_id(request.request_id());
  return std::vector<v1::Trigger>{std::move(trigger)};
}

absl::StatusOr<std::vector<v1::Trigger>> OrchestratorCore::DecideStop(
    Moment now, const StopRequest& stop) const {
  if (stop.reason.size() > 200) {
    return absl::InvalidArgumentError(
        absl::StrFormat("reason: got %d bytes, want at most 200", stop.reason.size()));
  }
  const auto it = tests_.find(stop.test_id);
  if (it == tests_.end()) return NotFound(stop.test_id);
  if (IsEnded(it->second.resource.state()) || it->second.stop_ordered)
    return std::vector<v1::Trigger>();
  v1::Trigger trigger = NewTrigger(now, stop.test_id);
  trigger.mutable_stop_ordered()->set_reason(stop.reason.empty() ? "stopped by request"
                                                                 : stop.reason);
  return std::vector<v1::Trigger>{std::move(trigger)};
}

absl::StatusOr<std::vector<v1::Trigger>> OrchestratorCore::DecideDelete(
    Moment now, const DeleteRequest& erase) const {
  const auto it = tests_.find(erase.test_id);
  if (it == tests_.end()) return NotFound(erase.test_id);
  if (!IsEnded(it->second.resource.state())) {
    return absl::FailedPreconditionError(
        absl::StrFormat("name: loadTests/%s is %s, want it ended; stop it first", erase.test_id,
                        v1::LoadTest::State_Name(it->second.resource.state())));
  }
  v1::Trigger trigger = NewTrigger(now, erase.test_id);
  trigger.mutable_deleted();
  return std::vector<v1::Trigger>{std::move(trigger)};
}

std::vector<v1::Trigger> OrchestratorCore::DecideTick(Moment now) const {
  std::vector<v1::Trigger> decisions;
  std::vector<std::pair<int64_t, std::string>> pending;
  std::set<std::string> taken;
  for (const std::string& id : active_) {
    const Test& test = tests_.find(id)->second;
    for (const v1::Assignment& a : test.resource.assignments()) taken.insert(a.driver_id());
    v1::Trigger trigger = NewTrigger(now, id);
    if (DecideEnd(now, id, test, trigger)) {
      decisions.push_back(std::move(trigger));
    } else if (test.resource.state() == v1::LoadTest::PENDING) {
      pending.emplace_back(test.created_ns, id);
    }
  }
  // First come, first served: a test that waits for many drivers is not overtaken by a smaller one.
  std::sort(pending.begin(), pending.end());
  for (const auto& [created, id] : pending) {
    v1::Trigger trigger = NewTrigger(now, id);
    if (!DecideStart(now, id, tests_.find(id)->second, taken, trigger)) break;
    decisions.push_back(std::move(trigger));
  }
  return decisions;
}

std::vector<const KnownDriver*> OrchestratorCore::FreeDrivers(
    Moment now, const std::set<std::string>& taken) const {
  std::vector<const KnownDriver*> free = registry_.Idle(now);
  std::erase_if(free,
                [&](const KnownDriver* d) { return taken.contains(d->registration.driver_id()); });
  return free;
}

bool OrchestratorCore::DecideStart(Moment now, const std::string&, const Test& test,
                                   std::set<std::string>& taken, v1::Trigger& out) const {
  const v1::LoadTestSpec& spec = test.resource.spec();
  std::vector<const KnownDriver*> free = FreeDrivers(now, taken);
  const bool settled = now.mono.ns - start_.mono.ns > options_.settle_ns;
  const int needed =
      spec.drivers() > 0 ? spec.drivers() : std::max(1, settled ? 1 : options_.expected_drivers);
  if (static_cast<int>(free.size()) < needed) return false;
  if (spec.drivers() > 0) free.resize(spec.drivers());
  v1::Started& started = *out.mutable_started();
  *started.mutable_spec() = spec;
  started.set_start_time_ns(now.wall.ns + options_.start_lead_ns);
  started.set_metrics_interval_ns(options_.metrics_interval_ns);
  for (const KnownDriver* driver : free) {
    v1::Assignment& a = *started.add_assignments();
    a.set_driver_id(driver->registration.driver_id());
    a.set_incarnation(driver->registration.incarnation());
    a.set_slot(started.assignments_size() - 1);
    a.set_slots(static_cast<int32_t>(free.size()));
    taken.insert(a.driver_id());
  }
  return true;
}

bool OrchestratorCore::DecideEnd(Moment now, const std::string&, const Test& test,
                                 v1::Trigger& out) const {
  const auto finish = [&out](v1::LoadTest::State state, std::string reason) {
    out.mutable_finished()->set_state(state);
    out.mutable_finished()->set_reason(std::move(reason));
    return true;
  };
  if (test.merger == nullptr)
    return test.stop_ordered && finish(v1::LoadTest::STOPPED, test.stop_reason);
  if (!test.arm_errors.empty()) {
    const auto& [driver, error] = *test.arm_errors.begin();
    return finish(v1::LoadTest::FAILED,
                  absl::StrFormat("%s could not take part: %s", driver, error));
  }
  int lost = 0;
  int failed = 0;
  int left = 0;
  std::string first_lost;
  std::string failure;
  for (const auto& [id, part] : test.merger->drivers()) {
    if (part.lost && lost++ == 0) first_lost = id;
    if (part.end_reason == v1::MetricsReport::DRIVER_FAILED && failed++ == 0)
      failure = absl::StrFormat("%s: %s", id, part.error);
    if (part.end_reason == v1::MetricsReport::DRIVER_STOPPED) ++left;
  }
  if (lost > 0 && !test.stop_ordered &&
      test.resource.spec().on_driver_loss() == v1::LoadTestSpec::ABORT && !test.merger->AllDone()) {
    out.mutable_stop_ordered()->set_reason(
        absl::StrFormat("%s was lost, and on_driver_loss is ABORT", first_lost));
    return true;
  }
  if (!test.merger->AllDone()) return false;
  // Late reports of a lost driver may still be on their way.
  if (lost > 0 && now.mono.ns - test.last_loss.mono.ns < options_.finish_grace_ns) return false;
  const int drivers = static_cast<int>(test.merger->drivers().size());
  if (failed > 0) return finish(v1::LoadTest::FAILED, failure);
  if (test.stop_ordered) return finish(v1::LoadTest::STOPPED, test.stop_reason);
  if (lost == drivers)
    return finish(v1::LoadTest::FAILED,
                  drivers == 1 ? "its driver was lost" : "all drivers were lost");
  if (left == drivers) return finish(v1::LoadTest::STOPPED, "its drivers were told to end");
  return finish(v1::LoadTest::SUCCEEDED, "");
}

// --- Reading.

const v1::LoadTest* OrchestratorCore::FindTest(std::string_view id) const {
  const auto it = tests_.find(id);
  return it == tests_.end() ? nullptr : &it->second.resource;
}

const v1::LoadTest* OrchestratorCore::FindByRequestId(std::string_view request_id) const {
  const auto it = request_ids_.find(request_id);
  return it == request_ids_.end() ? nullptr : FindTest(it->second);
}

std::string OrchestratorCore::RequestIdOf(std::string_view id) const {
  const auto it = tests_.find(id);
  return it == tests_.end() ? "" : it->second.request_id;
}

absl::StatusOr<v1::ListLoadTestsResponse> OrchestratorCore::List(
    const v1::ListLoadTestsRequest& request) const {
  ASSIGN_OR_RETURN(const int size, PageSize(request.page_size(), kDefaultPage));
  std::vector<std::pair<int64_t, const Test*>> order;
  order.reserve(tests_.size());
  for (const auto& [id, test] : tests_) order.emplace_back(test.created_ns, &test);
  const auto newer = [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first
                              : a.second->resource.name() > b.second->resource.name();
  };
  std::sort(order.begin(), order.end(), newer);
  auto from = order.begin();
  if (!request.page_token().empty()) {
    // The token is the name of the last test of the page before.
    const absl::StatusOr<std::string> last = LoadTestIdOfName(request.page_token(), "page_token");
    const auto it = last.ok() ? tests_.find(*last) : tests_.end();
    if (it == tests_.end()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("page_token: got \"%.80s\", want the next_page_token of the page before",
                          request.page_token()));
    }
    from = std::upper_bound(order.begin(), order.end(),
                            std::pair(it->second.created_ns, &it->second), newer);
  }
  v1::ListLoadTestsResponse response;
  for (; from != order.end() && response.load_tests_size() < size; ++from) {
    v1::LoadTest& test = *response.add_load_tests();
    test = from->second->resource;
    // A page of large bodies would be larger than what gRPC clients take.
    test.mutable_spec()->mutable_request()->clear_body();
  }
  if (from != order.end())
    response.set_next_page_token(response.load_tests(response.load_tests_size() - 1).name());
  return response;
}

absl::StatusOr<v1::ListDriversResponse> OrchestratorCore::ListDrivers(
    Moment now, const v1::ListDriversRequest& request) const {
  ASSIGN_OR_RETURN(const int size, PageSize(request.page_size(), kLargestPage));
  v1::ListDriversResponse response;
  for (const KnownDriver* known : registry_.Listed(now)) {
    const std::string& id = known->heartbeat.driver_id();
    if (!request.page_token().empty() && id <= request.page_token()) continue;
    if (response.drivers_size() == size) {
      response.set_next_page_token(
          response.drivers(size - 1).name().substr(std::string_view("drivers/").size()));
      break;
    }
    v1::Driver& driver = *response.add_drivers();
    driver.set_name("drivers/" + id);
    driver.set_incarnation(known->heartbeat.incarnation());
    driver.set_ip_address(known->registration.ip_address());
    driver.set_host_name(known->registration.host_name());
    driver.set_version(known->registration.version());
    driver.set_state(registry_.IsLost(now, *known) ? v1::Driver::LOST
                                                   : ToDriverState(known->heartbeat.state()));
    if (!known->heartbeat.test_id().empty())
      driver.set_load_test("loadTests/" + known->heartbeat.test_id());
    *driver.mutable_register_time() = ToTimestamp(known->registration.incarnation());
    *driver.mutable_last_heartbeat_time() = ToTimestamp(known->last_seen.wall.ns);
    driver.set_cpu_cores(known->heartbeat.cpu_cores());
    *driver.mutable_labels() = known->registration.labels();
  }
  return response;
}

std::unique_ptr<v1::Report> OrchestratorCore::BuildReport(std::string_view id) const {
  const auto it = tests_.find(id);
  if (it == tests_.end()) return nullptr;
  const Test& test = it->second;
  if (test.merger == nullptr && IsEnded(test.resource.state()) && test.events.empty())
    return nullptr;
  auto report = std::make_unique<v1::Report>();
  FillReport(test.resource, test.merger.get(), test.stop_ordered, *report);
  for (const v1::Event& event : test.events) *report->add_events() = event;
  FillManifest(options_.version, options_.bus, test.registrations, test.manifests, *report);
  return report;
}

v1::LoadTestUpdate OrchestratorCore::BuildUpdate(Moment now, std::string_view id) const {
  v1::LoadTestUpdate update;
  const auto it = tests_.find(id);
  if (it == tests_.end()) return update;
  const Test& test = it->second;
  FillUpdate(now, test.resource, test.merger.get(), test.stop_ordered, registry_, update);
  return update;
}

std::vector<v1::Event> OrchestratorCore::EventsFrom(std::string_view id, size_t from) const {
  const auto it = tests_.find(id);
  if (it == tests_.end() || from >= it->second.events.size()) return {};
  return {it->second.events.begin() + static_cast<int64_t>(from), it->second.events.end()};
}

std::map<std::string, v1::LoadTest::State, std::less<>> OrchestratorCore::States() const {
  std::map<std::string, v1::LoadTest::State, std::less<>> states;
  for (const auto& [id, test] : tests_) states[id] = test.resource.state();
  return states;
}

}  // namespace loadtest
