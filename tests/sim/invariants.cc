#include "tests/sim/invariants.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/schedule/spec_schedule.h"
#include "common/spec/load_test_spec.h"
#include "driver/engine/load_plan.h"
#include "tests/sim/plan_check.h"
#include "tests/sim/replay.h"
#include "tests/sim/trigger_log.h"

namespace loadtest::sim {
namespace {

std::string Text(const Tally& t) {
  return absl::StrFormat("due %d, sent %d, completed %d, failed %d, dropped %d", t.due, t.sent,
                         t.completed, t.failed, t.dropped);
}

bool IsPartOf(const Tally& part, const Tally& whole) {
  return part.due <= whole.due && part.sent <= whole.sent && part.completed <= whole.completed &&
         part.failed <= whole.failed && part.dropped <= whole.dropped;
}

bool AddsUp(const v1::RequestCounts& c) {
  return c.due() == c.sent() + c.dropped() + c.waiting() &&
         c.sent() == c.completed() + c.failed() + c.in_flight();
}

// One test, at rest.
class TestCheck {
 public:
  TestCheck(const World& world, const TriggerLog& log, std::string id, const v1::Report& report,
            std::vector<std::string>& broken)
      : world_(world),
        id_(std::move(id)),
        report_(report),
        broken_(broken),
        plan_(log, id_, report) {}

  void Run() {
    if (!report_.has_totals()) return;  // it never began
    for (const v1::DriverResult& driver : report_.drivers()) CheckDriver(driver);
    CheckSums();
    CheckSentOnce();
    CheckValid();
  }

 private:
  template <typename... Args>
  void Broken(const absl::FormatSpec<Args...>& format, const Args&... args) {
    broken_.push_back(id_ + ": " + absl::StrFormat(format, args...));
  }

  void CheckDriver(const v1::DriverResult& driver) {
    const v1::Assignment& assignment = driver.assignment();
    const RunRecord* run =
        world_.ledger().Find(id_, assignment.driver_id(), assignment.incarnation());
    const Tally counted = TallyOf(driver.counts());
    const Tally recorded = run == nullptr ? Tally() : run->tally[0];
    if (!IsPartOf(counted, recorded)) {
      Broken("%s: counted more than there was: %s; recorded: %s", assignment.driver_id(),
             Text(counted), Text(recorded));
    }
    // One that did not get as far as sending has nothing to report.
    const bool sent_nothing = run == nullptr || (!run->armed && !run->killed);
    const bool whole = (driver.finished() || sent_nothing) && driver.intervals_missing() == 0;
    if (whole && counted != recorded) {
      Broken("%s has finished, and counts differ: %s; recorded: %s", assignment.driver_id(),
             Text(counted), Text(recorded));
    }
    if (driver.intervals_missing() == 0 && !AddsUp(driver.counts())) {
      Broken("%s does not add up: %s", assignment.driver_id(), driver.counts().ShortDebugString());
    }
    everything_came_ = everything_came_ && whole;
    if (run == nullptr) return;
    if (run->overstayed) Broken("%s went on after its lease was over", assignment.driver_id());
    recorded_ += run->tally[0];
    warmup_ += run->tally[1];
    CheckUnknown(driver, *run);
    const std::string wrong = plan_.WrongWith(driver, *run);
    if (!wrong.empty()) Broken("%s %s", assignment.driver_id(), wrong);
    if (!run->killed && !whole)
      Broken("%s lives, has said all, and its part is not whole", assignment.driver_id());
  }

  // What a lost driver sent and did not report is within what the report says it may have sent.
  void CheckUnknown(const v1::DriverResult& driver, const RunRecord& run) {
    const v1::LoadTest& test = report_.load_test();
    const v1::LoadTestSpec& spec = test.spec();
    // Whoever does not hear of a stop, or of others that take over, sends more than the plan has.
    if (!driver.lost() || !IsOpenLoop(spec) || spec.arrivals() == v1::LoadTestSpec::POISSON ||
        HasEvent("stop_ordered") || HasEvent("adjusted"))
      return;
    const int64_t missing = run.tally[0].sent - driver.counts().sent();
    if (missing > driver.unknown_requests()) {
      Broken("%s sent %d requests that it did not report; unknown are %d", run.driver_id, missing,
             driver.unknown_requests());
    }
  }

  bool HasEvent(std::string_view type) const {
    return std::any_of(report_.events().begin(), report_.events().end(),
                       [&](const v1::Event& event) { return event.type() == type; });
  }

  void CheckSums() {
    Tally sum;
    for (const v1::DriverResult& driver : report_.drivers()) sum += TallyOf(driver.counts());
    const Tally totals = TallyOf(report_.totals().counts());
    if (sum != totals) Broken("drivers have %s; totals: %s", Text(sum), Text(totals));
    if (report_.totals().response_time().count() != totals.completed)
      Broken("response times: %d", report_.totals().response_time().count());
    if (report_.totals().send_delay().count() != totals.sent)
      Broken("send delays: %d", report_.totals().send_delay().count());
    Tally series;
    Tally series_warmup;
    for (const v1::IntervalResult& interval : report_.intervals()) {
      series += TallyOf(interval.counts());
      series_warmup += TallyOf(interval.warmup());
    }
    if (series != totals) Broken("intervals have %s; totals: %s", Text(series), Text(totals));
    const Tally warmup = TallyOf(report_.totals().warmup());
    if (series_warmup != warmup)
      Broken("intervals have %s in the warm-up; totals: %s", Text(series_warmup), Text(warmup));
    if (!IsPartOf(totals, recorded_))
      Broken("counted more than there was: %s; recorded %s", Text(totals), Text(recorded_));
    if (!IsPartOf(warmup, warmup_))
      Broken("counted more in the warm-up: %s; recorded %s", Text(warmup), Text(warmup_));
    if (everything_came_ && (totals != recorded_ || warmup != warmup_))
      Broken("everything came, and counts differ: %s, warm-up %s", Text(totals), Text(warmup));
  }

  // Over the fleet, no request of a shared schedule is sent by two drivers.
  void CheckSentOnce() {
    const v1::LoadTestSpec& spec = report_.load_test().spec();
    if (!IsOpenLoop(spec)) return;
    const bool shared = !spec.has_tsunami() && spec.arrivals() != v1::LoadTestSpec::POISSON;
    std::set<std::pair<std::string, int64_t>> seen;
    for (const auto& [key, run] : world_.ledger().runs()) {
      if (run.test_id != id_) continue;
      for (const auto* done : {&run.sent, &run.dropped}) {
        for (const int64_t due_ns : *done) {
          if (seen.insert({shared ? "" : run.driver_id, due_ns}).second) continue;
          ++twice_;
          if (shared && plan_.OwnersOf(due_ns) > 1)
            Broken("the request due at %d ns was given to two drivers", due_ns);
          // A lost driver that lives on sends its part until it hears that others have it: the
          // verdict tells.
          if (!HasEvent("adjusted"))
            Broken("the request due at %d ns was sent or dropped twice", due_ns);
        }
      }
    }
    handled_ = static_cast<int64_t>(seen.size());
  }

  void CheckValid() {
    if (report_.verdict().level() != v1::Verdict::VALID) return;
    if (!everything_came_) Broken("VALID, and not everything came");
    const Tally totals = TallyOf(report_.totals().counts());
    if (totals != recorded_) Broken("VALID, and counts differ from what was recorded");
    if (twice_ > 0) Broken("VALID, and %d requests were sent twice", twice_);
    const v1::LoadTest& test = report_.load_test();
    if (test.state() != v1::LoadTest::SUCCEEDED || !IsOpenLoop(test.spec())) return;
    // Of a random process heirs send as much as was planned, but not the same requests: the number
    // is another one.
    if (test.spec().arrivals() == v1::LoadTestSpec::POISSON && HasEvent("adjusted")) return;
    const int64_t planned = Planned(test);
    if (handled_ != planned)
      Broken("VALID, planned %d requests, sent or dropped %d", planned, handled_);
  }

  // Of all drivers, warm-up included.
  int64_t Planned(const v1::LoadTest& test) const {
    int64_t planned = 0;
    std::set<int32_t> slots;
    for (const v1::Assignment& assignment : test.assignments()) {
      if (!slots.insert(assignment.slot()).second) continue;  // a later life
      const absl::StatusOr<LoadPlan> plan = MakeLoadPlan(test.spec(), assignment, kNanosPerSecond);
      if (!plan.ok()) continue;
      DueCursor cursor(plan->sends);
      while (!cursor.at_end()) cursor.Advance();
      planned += cursor.n();
    }
    return planned;
  }

  const World& world_;
  const std::string id_;
  const v1::Report& report_;
  std::vector<std::string>& broken_;
  bool everything_came_ = true;
  Tally recorded_;
  Tally warmup_;
  int64_t handled_ = 0;
  int64_t twice_ = 0;
  const PlanCheck plan_;
};

// A report that a living driver has cut is on the topic.
void CheckPublished(const World& world, std::vector<std::string>& broken) {
  std::set<std::pair<Ledger::Key, int64_t>> there;
  for (const auto& [at, log] : world.broker().logs()) {
    if (at.topic != Topic::kMetrics) continue;
    for (const SimBroker::Stored& stored : log) {
      v1::MetricsReport report;
      if (!report.ParseFromString(stored.record.value)) continue;
      there.insert(
          {{report.test_id(), report.driver_id(), report.incarnation()}, report.sequence()});
    }
  }
  for (const auto& [key, run] : world.ledger().runs()) {
    if (run.killed) continue;
    for (const auto& [sequence, report] : run.reports) {
      if (!there.contains({key, sequence}))
        broken.push_back(absl::StrFormat("%s: report %d of %s never reached the topic", run.test_id,
                                         sequence, run.driver_id));
    }
  }
}

// Nobody acts on what an orchestrator decided after it had been replaced.
void CheckFence(const World& world, const TriggerLog& log, std::vector<std::string>& broken) {
  std::set<std::string> created;
  for (const TriggerLog::Decision& decision : log.decisions()) {
    if (decision.trigger.has_created()) created.insert(decision.trigger.test_id());
  }
  const SimOrchestrator& orchestrator = *world.orchestrator();
  for (const auto& [id, state] : orchestrator.core().States()) {
    if (!created.contains(id)) broken.push_back(id + " was made by an orchestrator without office");
  }
  for (const int64_t offset : orchestrator.obeyed()) {
    if (log.IsVoid(offset))
      broken.push_back(absl::StrFormat("the orchestrator obeyed record %d, which is void", offset));
  }
  for (const auto& [key, run] : world.ledger().runs()) {
    for (const int64_t offset : run.obeyed) {
      if (log.IsVoid(offset))
        broken.push_back(
            absl::StrFormat("%s obeyed record %d, which is void", run.driver_id, offset));
    }
  }
}

// However often its Started is read.
void CheckRunOnce(const World& world, std::vector<std::string>& broken) {
  for (const auto& [key, run] : world.ledger().runs()) {
    if (run.times_armed > 1 || run.refused_itself)
      broken.push_back(absl::StrFormat("%s began %s a second time", run.driver_id, run.test_id));
  }
}

// A test is not given up while one of its drivers may go on: it lives, and its lease is longer than
// anything that is cut off here.
void CheckGivenUp(const World& world, const v1::Report& report, std::vector<std::string>& broken) {
  const v1::LoadTest& test = report.load_test();
  const bool is_lost =
      test.state() == v1::LoadTest::FAILED && test.state_reason().find("lost") != std::string::npos;
  if (!is_lost || world.choices().lease_ns < 60 * kNanosPerSecond ||
      test.spec().on_driver_loss() == v1::LoadTestSpec::ABORT)
    return;
  for (const auto& [key, run] : world.ledger().runs()) {
    if ("loadTests/" + run.test_id == test.name() && run.armed && !run.killed)
      broken.push_back(
          absl::StrFormat("%s was given up, and %s lives", run.test_id, run.driver_id));
  }
}

// A retried request makes one test.
void CheckRequestIds(const World& world, std::vector<std::string>& broken) {
  std::map<std::string, std::string> tests;
  const OrchestratorCore& core = world.orchestrator()->core();
  for (const auto& [id, state] : core.States()) {
    const auto [it, is_new] = tests.emplace(core.RequestIdOf(id), id);
    if (!is_new) broken.push_back(absl::StrFormat("%s and %s are of one request", it->second, id));
  }
}

// Where nothing breaks, nothing may be missing.
void CheckCalm(const World& world, const std::string& id, const v1::Report& report,
               std::vector<std::string>& broken) {
  if (world.choices().temper != Temper::kCalm) return;
  for (const v1::DriverResult& driver : report.drivers()) {
    if (!driver.finished() || driver.lost() || driver.intervals_missing() > 0)
      broken.push_back(absl::StrFormat("%s: nothing broke, and the part of %s is not whole", id,
                                       driver.assignment().driver_id()));
  }
  if (report.verdict().level() == v1::Verdict::DEGRADED)
    broken.push_back(absl::StrFormat("%s: nothing broke, and it is DEGRADED: %s", id,
                                     report.verdict().ShortDebugString()));
  if (report.load_test().state() == v1::LoadTest::FAILED)
    broken.push_back(absl::StrFormat("%s: nothing broke, and it FAILED: %s", id,
                                     report.load_test().state_reason()));
}

}  // namespace

std::vector<std::string> BrokenPromises(const World& world) {
  std::vector<std::string> broken;
  const SimOrchestrator& orchestrator = *world.orchestrator();
  const TriggerLog log(world.broker());
  for (const AskedTest& asked : world.asked()) {
    if (!asked.deleted && orchestrator.core().FindTest(asked.id) == nullptr)
      broken.push_back(absl::StrFormat("%s was made and is not there", asked.id));
  }
  for (const AskedTest& asked : world.asked()) {
    if (asked.made_again)
      broken.push_back(absl::StrFormat("the id of %s was given again", asked.id));
  }
  for (const auto& [id, state] : orchestrator.core().States()) {
    const std::unique_ptr<v1::Report> report = orchestrator.FindReport(id);
    if (report == nullptr) {
      broken.push_back(absl::StrFormat("%s has no report", id));
      continue;
    }
    TestCheck(world, log, id, *report, broken).Run();
    CheckCalm(world, id, *report, broken);
    CheckGivenUp(world, *report, broken);
  }
  if (orchestrator.decided_blindly())
    broken.push_back("the orchestrator decided before it had applied all that it had read");
  for (const std::string& id : orchestrator.ended_too_soon())
    broken.push_back(id + " was ended while a driver of it was heard, or wrote what was not read");
  for (const std::string& id : orchestrator.lost_too_soon())
    broken.push_back(id + " was taken for lost, and what it had said was not read");
  CheckPublished(world, broken);
  CheckFence(world, log, broken);
  CheckRunOnce(world, broken);
  CheckRequestIds(world, broken);
  for (std::string& difference : ReplayDifferences(world)) broken.push_back(std::move(difference));
  return broken;
}

}  // namespace loadtest::sim
