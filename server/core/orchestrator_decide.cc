// Decide: what should happen; changes nothing.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/spec/load_test_spec.h"
#include "server/core/orchestrator_core.h"

namespace loadtest {

absl::StatusOr<std::vector<v1::Trigger>> OrchestratorCore::Decide(
    Moment now, const CoreRequest& request) const {
  // What it wrote would be void.
  if (fence_.newest_takeover() > writer_ && writer_ != 0)
    return absl::UnavailableError("this orchestrator was replaced by another one; ask that");
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
    absl::StatusOr<std::vector<v1::Trigger>> operator()(const NoteRequest& r) {
      return core.DecideNote(now, r);
    }
    absl::StatusOr<std::vector<v1::Trigger>> operator()(const Tick&) {
      return core.DecideTick(now);
    }
  };
  return std::visit(Visitor{*this, now}, request);
}

namespace {

// How much sooner than other tests one with a large body is decided on, nanoseconds a byte: what
// the body needs to get to the drivers, at a modest 20 MB/s.
constexpr int64_t kBodyLeadNsPerByte = 50;

// Of tests that are not kept, so that other decisions need not wait for long.
constexpr int kMostDeletedAtOnce = 20;
constexpr size_t kLongestNote = 4'000;

// All that is wrong at once, as a person wants to read it.
absl::StatusOr<v1::LoadTestSpec> CheckIdAndSpec(const v1::CreateLoadTestRequest& request) {
  absl::StatusOr<v1::LoadTestSpec> spec = ValidateSpec(request.spec());
  if (request.load_test_id().empty()) return spec;
  const absl::Status id = CheckLoadTestId(request.load_test_id(), "load_test_id");
  if (id.ok()) return spec;
  if (spec.ok()) return id;
  return absl::InvalidArgumentError(
      absl::StrFormat("%s\n%s", id.message(), spec.status().message()));
}

bool HasLabels(const KnownDriver& driver, const v1::LoadTestSpec& spec) {
  const auto& labels = driver.registration.labels();
  return std::all_of(spec.driver_labels().begin(), spec.driver_labels().end(), [&](const auto& l) {
    const auto it = labels.find(l.first);
    return it != labels.end() && it->second == l.second;
  });
}

}  // namespace

v1::Trigger OrchestratorCore::NewTrigger(Moment now, const std::string& test_id) const {
  v1::Trigger trigger;
  trigger.set_test_id(test_id);
  trigger.set_decide_time_ns(now.wall.ns);
  trigger.set_writer(writer_);
  return trigger;
}

void OrchestratorCore::AppendBody(Moment now, const std::string& test_id, const std::string& body,
                                  std::vector<v1::Trigger>& decisions) const {
  for (v1::BodyPart& part : SplitBody(body)) {
    v1::Trigger trigger = NewTrigger(now, test_id);
    *trigger.mutable_body_part() = std::move(part);
    decisions.push_back(std::move(trigger));
  }
}

absl::StatusOr<std::vector<v1::Trigger>> OrchestratorCore::DecideCreate(
    Moment now, const CreateRequest& create) const {
  const v1::CreateLoadTestRequest& request = create.request;
  if (request.request_id().size() > 128) {
    return absl::InvalidArgumentError(
        absl::StrFormat("request_id: got %d bytes, want at most 128", request.request_id().size()));
  }
  ASSIGN_OR_RETURN(const v1::LoadTestSpec spec, CheckIdAndSpec(request));
  if (spec.request().body().size() > options_.largest_body) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "spec.request.body: got %d bytes, want at most %d with the embedded broker; more needs a "
        "real Kafka (orchestrator --kafka HOST:PORT)",
        spec.request().body().size(), options_.largest_body));
  }
  if (!request.request_id().empty() && FindByRequestId(request.request_id()) != nullptr)
    return std::vector<v1::Trigger>();
  const std::string& id = request.load_test_id().empty() ? create.fresh_id : request.load_test_id();
  if (tests_.contains(id)) {
    return absl::AlreadyExistsError(
        absl::StrFormat("load_test_id: got \"%s\", want an id that no load test has", id));
  }
  // Drivers remember what they have run, and late reports of it may still come.
  if (deleted_.Contains(id)) {
    return absl::AlreadyExistsError(absl::StrFormat(
        "load_test_id: got \"%s\", which a load test had that was deleted; want a new id", id));
  }
  std::vector<v1::Trigger> decisions;
  v1::Trigger trigger = NewTrigger(now, id);
  *trigger.mutable_created()->mutable_spec() = spec;
  trigger.mutable_created()->set_request_id(request.request_id());
  if (spec.request().body().size() > kLargestBodyInSpec) {
    AppendBody(now, id, spec.request().body(), decisions);
    trigger.mutable_created()->mutable_spec()->mutable_request()->clear_body();
  }
  decisions.push_back(std::move(trigger));
  return decisions;
}

absl::StatusOr<std::vector<v1::Trigger>> OrchestratorCore::DecideStop(
    Moment now, const StopRequest& stop) const {
  if (stop.reason.size() > 200) {
    return absl::InvalidArgumentError(
        absl::StrFormat("reason: got %d bytes, want at most 200", stop.reason.size()));
  }
  const auto it = tests_.find(stop.test_id);
  if (it == tests_.end()) return LoadTestNotFound(stop.test_id);
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
  if (it == tests_.end()) return LoadTestNotFound(erase.test_id);
  if (!IsEnded(it->second.resource.state())) {
    return absl::FailedPreconditionError(
        absl::StrFormat("name: loadTests/%s is %s, want it ended; stop it first", erase.test_id,
                        v1::LoadTest::State_Name(it->second.resource.state())));
  }
  v1::Trigger trigger = NewTrigger(now, erase.test_id);
  trigger.mutable_deleted();
  return std::vector<v1::Trigger>{std::move(trigger)};
}

absl::StatusOr<std::vector<v1::Trigger>> OrchestratorCore::DecideNote(
    Moment now, const NoteRequest& note) const {
  if (note.note.size() > kLongestNote) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "load_test.note: got %d bytes, want at most %d", note.note.size(), kLongestNote));
  }
  const auto it = tests_.find(note.test_id);
  if (it == tests_.end()) return LoadTestNotFound(note.test_id);
  if (it->second.resource.note() == note.note) return std::vector<v1::Trigger>();
  v1::Trigger trigger = NewTrigger(now, note.test_id);
  trigger.mutable_noted()->set_note(note.note);
  return std::vector<v1::Trigger>{std::move(trigger)};
}

std::vector<v1::Trigger> OrchestratorCore::DecideTick(Moment now) const {
  std::vector<v1::Trigger> decisions;
  std::vector<std::pair<int64_t, std::string>> pending;
  for (const std::string& id : active_) {
    const Test& test = tests_.find(id)->second;
    v1::Trigger trigger = NewTrigger(now, id);
    if (DecideEnd(now, test, trigger)) {
      decisions.push_back(std::move(trigger));
    } else if (DecideAdjust(now, test, trigger)) {
      if (trigger.adjusted().joined_size() > 0) AppendBody(now, id, test.body, decisions);
      decisions.push_back(std::move(trigger));
    } else if (test.resource.state() == v1::LoadTest::PENDING) {
      pending.emplace_back(test.created_ns, id);
    }
  }
  // First come, first served: a test that waits for many drivers is not overtaken by a smaller one
  // that could have the same. Others do not wait for it.
  std::sort(pending.begin(), pending.end());
  // Ids of drivers that are not to be had, and of those that an earlier test waits for.
  std::set<std::string> taken;
  if (!pending.empty()) {
    for (const std::string& id : active_) Take(tests_.find(id)->second, taken);
  }
  for (const auto& [created, id] : pending) {
    v1::Trigger trigger = NewTrigger(now, id);
    const Test& test = tests_.find(id)->second;
    if (!DecideStart(now, test, taken, trigger)) continue;
    AppendBody(now, id, test.body, decisions);
    decisions.push_back(std::move(trigger));
  }
  DecideKeeping(now, decisions);
  return decisions;
}

void OrchestratorCore::DecideKeeping(Moment now, std::vector<v1::Trigger>& decisions) const {
  size_t too_many = options_.keep_tests > 0 && ended_.size() > size_t(options_.keep_tests)
                        ? ended_.size() - options_.keep_tests
                        : 0;
  int deleted = 0;
  for (const auto& [end_ns, id] : ended_) {
    const bool too_old = options_.keep_for_ns > 0 && now.wall.ns - end_ns > options_.keep_for_ns;
    if ((too_many == 0 && !too_old) || deleted == kMostDeletedAtOnce) return;
    if (too_many > 0) --too_many;
    ++deleted;
    v1::Trigger trigger = NewTrigger(now, id);
    trigger.mutable_deleted();
    decisions.push_back(std::move(trigger));
  }
}

void OrchestratorCore::Take(const Test& test, std::set<std::string>& taken) const {
  if (test.merger == nullptr) return;
  for (const auto& [life, part] : test.merger->drivers()) {
    // A new life of a driver that was lost is free, unless the test waits for it.
    const KnownDriver* driver = registry_.Find(life.driver_id);
    const bool has_new_life =
        driver != nullptr && driver->registration.incarnation() > life.incarnation;
    if (!part.lost || !has_new_life || test.resource.spec().rejoin()) taken.insert(life.driver_id);
  }
}

std::vector<const KnownDriver*> OrchestratorCore::FreeDrivers(
    Moment now, const Test& test, const std::set<std::string>& taken) const {
  std::vector<const KnownDriver*> free = registry_.Idle(now);
  std::erase_if(free, [&](const KnownDriver* d) {
    // One whose silence is excused may not be there any more.
    return taken.contains(d->registration.driver_id()) || registry_.IsSilent(now, *d) ||
           !HasLabels(*d, test.resource.spec());
  });
  return free;
}

v1::Assignment OrchestratorCore::Assign(const KnownDriver& driver, int32_t slot,
                                        int32_t slots) const {
  v1::Assignment a;
  a.set_driver_id(driver.registration.driver_id());
  a.set_incarnation(driver.registration.incarnation());
  a.set_slot(slot);
  a.set_slots(slots);
  if (const std::optional<ClockEstimate::Offset> clock = driver.clock.Get()) {
    a.set_clock_offset_ns(clock->offset_ns);
    a.set_clock_error_ns(clock->error_ns);
  }
  return a;
}

bool OrchestratorCore::DecideStart(Moment now, const Test& test, std::set<std::string>& taken,
                                   v1::Trigger& out) const {
  const v1::LoadTestSpec& spec = test.resource.spec();
  std::vector<const KnownDriver*> free = FreeDrivers(now, test, taken);
  const bool settled = now.mono.ns - start_.mono.ns > options_.settle_ns;
  const int needed =
      spec.drivers() > 0 ? spec.drivers() : std::max(1, settled ? 1 : options_.expected_drivers);
  const bool enough = static_cast<int>(free.size()) >= needed;
  if (enough && spec.drivers() > 0) free.resize(spec.drivers());
  for (const KnownDriver* driver : free) taken.insert(driver->registration.driver_id());
  if (!enough) return false;
  v1::Started& started = *out.mutable_started();
  *started.mutable_spec() = spec;
  started.set_start_time_ns(now.wall.ns + options_.start_lead_ns +
                            static_cast<int64_t>(test.body.size()) * kBodyLeadNsPerByte);
  started.set_metrics_interval_ns(options_.metrics_interval_ns);
  started.set_lease_ns(options_.lease_ns);
  for (const KnownDriver* driver : free) {
    const int slot = started.assignments_size();
    *started.add_assignments() = Assign(*driver, slot, static_cast<int32_t>(free.size()));
  }
  return true;
}

bool OrchestratorCore::DecideEnd(Moment now, const Test& test, v1::Trigger& out) const {
  const auto finish = [&out](v1::LoadTest::State state, std::string reason) {
    out.mutable_finished()->set_state(state);
    out.mutable_finished()->set_reason(std::move(reason));
    return true;
  };
  if (test.merger == nullptr) {
    if (test.stop_ordered) return finish(v1::LoadTest::STOPPED, test.stop_reason);
    const v1::HttpRequest& request = test.resource.spec().request();
    return request.body_bytes() > 0 && request.body().empty() && test.body.empty() &&
           finish(
               v1::LoadTest::FAILED,
               absl::StrFormat("its body of %d bytes was lost when the orchestrator ended before "
                               "the test began; create it again",
                               request.body_bytes()));
  }
  if (!test.arm_errors.empty()) {
    const auto& [driver, error] = *test.arm_errors.begin();
    return finish(v1::LoadTest::FAILED,
                  absl::StrFormat("%s could not take part: %s", driver, error));
  }
  if (test.bus_lost) {
    return finish(
        v1::LoadTest::FAILED,
        "the orchestrator ended in mid-test, and with it the embedded broker; a real Kafka "
        "(--kafka HOST:PORT) lets tests outlive it");
  }
  // Whoever was lost broke the policy, also if it was heard of again since.
  if (!test.ever_lost.empty() && !test.stop_ordered &&
      test.resource.spec().on_driver_loss() == v1::LoadTestSpec::ABORT && !test.merger->AllDone()) {
    out.mutable_stop_ordered()->set_reason(
        absl::StrFormat("%s was lost, and on_driver_loss is ABORT", test.ever_lost));
    return true;
  }
  int lost = 0;
  int failed = 0;
  int left = 0;
  int expired = 0;
  std::string failure;
  for (const auto& [life, part] : test.merger->drivers()) {
    if (part.lost) ++lost;
    if (part.end_reason == v1::MetricsReport::DRIVER_FAILED && failed++ == 0)
      failure = absl::StrFormat("%s: %s", life.driver_id, part.error);
    if (part.end_reason == v1::MetricsReport::DRIVER_STOPPED) ++left;
    if (part.end_reason == v1::MetricsReport::LEASE_EXPIRED) ++expired;
  }
  if (!test.stop_ordered && !test.merger->broken_threshold().empty() && !test.merger->AllDone()) {
    out.mutable_stop_ordered()->set_reason(test.merger->broken_threshold());
    return true;
  }
  if (!test.merger->AllDone()) return false;
  // Late reports of a lost driver may still be on their way. And what came while this process did
  // not hear, it may not have read yet: a driver may be there again, or have said all.
  if (lost > 0 &&
      (now.mono.ns - test.last_loss.mono.ns < options_.finish_grace_ns || registry_.IsExcused(now)))
    return false;
  const int drivers = static_cast<int>(test.merger->drivers().size());
  if (failed > 0) return finish(v1::LoadTest::FAILED, failure);
  // With nobody left, whoever is silent may go on under its lease, and make the test whole.
  if (lost > 0 && MayBeHeardAgain(now, test)) return false;
  if (test.stop_ordered) return finish(v1::LoadTest::STOPPED, test.stop_reason);
  if (lost == drivers)
    return finish(v1::LoadTest::FAILED,
                  drivers == 1 ? "its driver was lost" : "all drivers were lost");
  if (expired > 0 && expired + lost + left == drivers) {
    return finish(
        v1::LoadTest::FAILED,
        "its drivers ended it: they had no sign of life of an orchestrator for the lease");
  }
  if (left == drivers) return finish(v1::LoadTest::STOPPED, "its drivers were told to end");
  return finish(v1::LoadTest::SUCCEEDED, "");
}

}  // namespace loadtest
