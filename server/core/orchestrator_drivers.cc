// Apply, records of `register` and `heartbeat`: who the drivers are and what they say of
// themselves; and Advance, which hears what they do not say.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"
#include "server/core/orchestrator_core.h"

namespace loadtest {
namespace {

constexpr size_t kMostEarlyRefusals = 1'000;
// How long after its last possible request a driver's last report may come.
constexpr int64_t kOverdueNs = 30 * kNanosPerSecond;
// How long a driver may say that it is idle while a test counts on it: it does until it has
// connected, which may take it the test's connect timeout.
constexpr int64_t kIdleOverdueNs = 10 * kNanosPerSecond;
// Of a test without a lease: what driver.max_lease is if nobody sets it.
constexpr int64_t kLeaseOfDriversNs = 600 * kNanosPerSecond;

// It refused to take up the part of its earlier life.
bool NeverJoined(const ReportMerger::DriverPart& part) {
  return part.joined && part.refused && part.reports == 0;
}

}  // namespace

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
    if (test.merger != nullptr && test.merger->Find(LifeOf(m)) != nullptr)
      test.registrations[LifeOf(m)] = m;
  }
  // A process that begins from nothing reads all of `trigger` before it knows any driver.
  for (const std::string& id : recently_ended_) {
    const auto it = tests_.find(id);
    if (it == tests_.end() || it->second.merger == nullptr ||
        it->second.merger->Find(LifeOf(m)) == nullptr)
      continue;
    if (it->second.registrations.emplace(LifeOf(m), m).second)
      notices.push_back({Notice::Kind::kTestFinished, id, ""});
  }
}

void OrchestratorCore::RememberRegistration(Test& test, const DriverLife& life) {
  const KnownDriver* driver = registry_.Find(life.driver_id);
  if (driver != nullptr && driver->registration.incarnation() == life.incarnation)
    test.registrations[life] = driver->registration;
}

void OrchestratorCore::ApplyHeartbeat(Moment now, const v1::DriverHeartbeat& m,
                                      std::vector<Notice>& notices) {
  const DriverLife life = LifeOf(m);
  const KnownDriver* before = registry_.Find(m.driver_id());
  const bool was_listed = before != nullptr && before->heard;
  const bool was_silent = !was_listed || registry_.IsSilent(now, *before);
  if (!registry_.OnHeartbeat(now, m)) {
    ApplyOldHeartbeat(now, m, notices);
    return;
  }
  // What an earlier process sent went by another clock.
  if (m.alive_send_time_ns() > 0 && m.alive_send_time_ns() >= start_.wall.ns)
    registry_.AddClockSample(now, m);
  if (!was_listed || m.state() == v1::DriverHeartbeat::LEAVING)
    notices.push_back({Notice::Kind::kDriverChanged, "", m.driver_id()});
  // It has not begun yet, or has ended while nobody heard it: its last report may be on its way.
  if (was_silent && m.state() == v1::DriverHeartbeat::IDLE) {
    for (const std::string& id : active_) ApplyHeardAgain(now, id, life, notices);
  }
  const auto it = tests_.find(m.test_id());
  const bool takes_part = it != tests_.end() && active_.contains(m.test_id()) &&
                          it->second.merger != nullptr && it->second.merger->Find(life) != nullptr;
  if (!takes_part) {
    const bool may_still = it == tests_.end() || active_.contains(m.test_id());
    if (m.arm_error().empty() || m.test_id().empty() || !may_still) return;
    // It has read its Started before this process has.
    if (early_refusals_.size() >= kMostEarlyRefusals) early_refusals_.pop_front();
    early_refusals_.push_back({life, m.test_id(), m.arm_error(), m.arm_denied()});
    return;
  }
  Test& test = it->second;
  if (!m.arm_error().empty()) {
    return ApplyRefusal(now, test, {life, m.test_id(), m.arm_error(), m.arm_denied()}, notices);
  }
  if (m.state() == v1::DriverHeartbeat::IDLE) return;
  ApplyHeardAgain(now, m.test_id(), life, notices);
  if (test.armed.insert(life).second) {
    v1::DriverManifest& manifest = test.manifests[life];
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

// The later life wins. An older one that goes on beside it is a second process with the same id.
void OrchestratorCore::ApplyOldHeartbeat(Moment now, const v1::DriverHeartbeat& m,
                                         std::vector<Notice>& notices) {
  if (!registry_.IsDoubleLife(m)) {
    notices.push_back({Notice::Kind::kDuplicate, "", "old heartbeat of " + m.driver_id()});
    return;
  }
  const std::string text = absl::StrFormat(
      "two drivers have the id %s: life %d goes on beside a newer one and is left out; give each "
      "driver an id of its own",
      m.driver_id(), m.incarnation());
  notices.push_back({Notice::Kind::kRejected, "", text});
  for (const std::string& id : active_) {
    Test& test = tests_.find(id)->second;
    if (test.merger == nullptr || test.merger->Find(LifeOf(m)) == nullptr) continue;
    AddEvent(test, now.wall, "driver_id_twice", text);
    notices.push_back({Notice::Kind::kTestChanged, id, ""});
  }
}

void OrchestratorCore::ApplyRefusal(Moment now, Test& test, const Refusal& refusal,
                                    std::vector<Notice>& notices) {
  notices.push_back({Notice::Kind::kTestChanged, refusal.test_id, ""});
  const DriverLife& life = refusal.life;
  const std::string text = absl::StrFormat("%s: %s", life.driver_id, refusal.error);
  const ReportMerger::DriverPart& part = *test.merger->Find(life);
  // In mid-test it concerns what the driver was given on top, or its coming back: the test goes on
  // without.
  if (part.joined || part.reports > 0 || test.armed.contains(life)) {
    AddEvent(test, now.wall, "driver_refused", text);
    test.merger->MarkRefused(life);
    if (part.joined && part.reports == 0) MarkLost(now, test, life);
    return;
  }
  test.arm_errors[life.driver_id] = refusal.error;
  AddEvent(test, now.wall, refusal.denied ? "driver_denied" : "driver_not_armed", text);
}

void OrchestratorCore::ApplyEarlyRefusals(Moment now, Test& test, const std::string& test_id,
                                          std::vector<Notice>& notices) {
  std::deque<Refusal> refusals;
  refusals.swap(early_refusals_);
  for (Refusal& refusal : refusals) {
    if (refusal.test_id != test_id) {
      early_refusals_.push_back(std::move(refusal));
    } else if (test.merger->Find(refusal.life) != nullptr) {
      ApplyRefusal(now, test, refusal, notices);
    }
  }
}

std::vector<Notice> OrchestratorCore::Advance(Moment now, bool hears) {
  std::vector<Notice> notices;
  if (!hears || catching_up_) registry_.Excuse(now);
  ForgetOldMergers();
  ForgetHeld(now, notices);
  if (catching_up_) return notices;
  for (const std::string& id : active_) {
    Test& test = tests_.find(id)->second;
    if (test.merger == nullptr) continue;
    for (const v1::Assignment& a : test.resource.assignments()) {
      const ReportMerger::DriverPart& part = *test.merger->Find(LifeOf(a));
      if (part.finished || part.lost) continue;
      const std::string loss = LossOf(now, test, part, !registry_.IsExcused(now));
      if (loss.empty()) continue;
      MarkLost(now, test, LifeOf(a));
      const int64_t left_ns = MayGoOnUntil(now, test, part).ns - now.mono.ns;
      AddEvent(test, now.wall, "driver_lost",
               absl::StrFormat("%s: %s%s", a.driver_id(), loss,
                               left_ns <= 0 ? std::string()
                                            : absl::StrFormat("; it may go on for %s",
                                                              FormatDuration(left_ns))));
      notices.push_back({Notice::Kind::kTestChanged, id, ""});
    }
  }
  return notices;
}

void OrchestratorCore::MarkLost(Moment now, Test& test, const DriverLife& life) {
  test.merger->MarkLost(life);
  CountFresh(test);
  test.last_loss = now;
  if (test.ever_lost.empty()) test.ever_lost = life.driver_id;
}

void OrchestratorCore::ApplyHeardAgain(Moment now, const std::string& id, const DriverLife& life,
                                       std::vector<Notice>& notices) {
  Test& test = tests_.find(id)->second;
  const ReportMerger::DriverPart* part = test.merger == nullptr ? nullptr : test.merger->Find(life);
  // Some are lost for other reasons than silence.
  if (part == nullptr || !part->lost || NeverJoined(*part) ||
      !LossOf(now, test, *part, true).empty())
    return;
  test.merger->MarkHeardAgain(life);
  test.reports_of_lost.erase(life);
  AddEvent(test, now.wall, "driver_heard_again",
           test.merger->shares().EndOfShares(life)
               ? absl::StrFormat("%s; its part stays with the others", life.driver_id)
               : life.driver_id);
  notices.push_back({Notice::Kind::kTestChanged, id, ""});
}

MonotonicTime OrchestratorCore::MayGoOnUntil(Moment now, const Test& test,
                                             const ReportMerger::DriverPart& part) const {
  constexpr MonotonicTime kLongAgo = {INT64_MIN / 2};
  const DriverLife life = LifeOf(part.assignment);
  const KnownDriver* driver = registry_.Find(life.driver_id);
  const bool is_known =
      driver != nullptr && driver->heard && driver->heartbeat.incarnation() == life.incarnation;
  // Gone, or there and lost for another reason than silence. One whose silence is excused, because
  // the bus was away, is not there.
  if (part.finished || registry_.IsGone(life.driver_id, life.incarnation) ||
      (is_known && !registry_.IsSilent(now, *driver)))
    return kLongAgo;
  const bool has_ended = is_known && test.armed.contains(life) &&
                         driver->heartbeat.state() == v1::DriverHeartbeat::IDLE;
  if (has_ended || NeverJoined(part)) return kLongAgo;
  int64_t heard_ns = std::max(test.started.mono.ns, start_.mono.ns);
  if (is_known) heard_ns = std::max(heard_ns, driver->last_seen.mono.ns);
  const auto reported = test.reports_of_lost.find(life);
  if (reported != test.reports_of_lost.end()) heard_ns = std::max(heard_ns, reported->second.ns);
  const int64_t lease_ns = test.plan.lease_ns() > 0 ? test.plan.lease_ns() : kLeaseOfDriversNs;
  MonotonicTime until = {heard_ns + lease_ns};
  // Beyond its plan nobody sends.
  const int64_t longest = LongestRunNs(test.resource.spec(), part.assignment.slots());
  if (longest >= 0) {
    const int64_t left_ns = test.start_time_ns + longest + kOverdueNs - now.wall.ns;
    until.ns = std::min(until.ns, now.mono.ns + left_ns);
  }
  return until;
}

bool OrchestratorCore::MayBeHeardAgain(Moment now, const Test& test) const {
  // A stop, a policy or the end of another's part ends theirs, too.
  if (test.stop_ordered || test.resource.spec().on_driver_loss() == v1::LoadTestSpec::ABORT)
    return false;
  const auto& parts = test.merger->drivers();
  const bool any_done = std::any_of(parts.begin(), parts.end(), [](const auto& entry) {
    return entry.second.finished && !ReportMerger::IsGone(entry.second);
  });
  return !any_done && std::any_of(parts.begin(), parts.end(), [&](const auto& entry) {
    return MayGoOnUntil(now, test, entry.second).ns + options_.finish_grace_ns > now.mono.ns;
  });
}

std::string OrchestratorCore::LossOf(Moment now, const Test& test,
                                     const ReportMerger::DriverPart& part, bool has_heard) const {
  const int64_t incarnation = part.assignment.incarnation();
  const KnownDriver* driver = registry_.Find(part.assignment.driver_id());
  // A farewell or a new life is no silence that could be excused.
  if (DriverRegistry::IsGone(driver, incarnation)) {
    return driver->heartbeat.state() == v1::DriverHeartbeat::LEAVING &&
                   driver->heartbeat.incarnation() == incarnation
               ? "it left"
               : "a newer life of it has come";
  }
  const bool live = registry_.IsLive(now, driver, incarnation);
  if (!live && !registry_.IsExcused(now)) {
    if (driver == nullptr || !driver->heard) return "no heartbeat";
    return absl::StrFormat("no heartbeat for %s",
                           FormatDuration(now.mono.ns - driver->last_seen.mono.ns));
  }
  if (!has_heard) return "";
  const int64_t longest = LongestRunNs(test.resource.spec(), part.assignment.slots());
  if (longest >= 0 && now.wall.ns > test.start_time_ns + longest + kOverdueNs)
    return "its last report is overdue";
  if (!live || driver->heartbeat.state() != v1::DriverHeartbeat::IDLE ||
      driver->heartbeat.reports_waiting() > 0)
    return "";
  const std::vector<v1::Share>& shares = test.merger->shares().SharesOf(LifeOf(part.assignment));
  const int64_t begin_ns =
      test.start_time_ns +
      (part.joined && !shares.empty() ? shares.front().from_offset_ns() : int64_t{0});
  const int64_t idle_from =
      std::max({driver->idle_since.mono.ns, test.started.mono.ns, start_.mono.ns});
  const int64_t patience_ns = kIdleOverdueNs + ToNanos(test.resource.spec().connect_timeout());
  if (now.wall.ns > begin_ns + patience_ns && now.mono.ns > idle_from + patience_ns)
    return "it is idle, and its last report has not come";
  return "";
}

std::set<std::string> OrchestratorCore::BusyDriverIds() const {
  std::set<std::string> ids;
  for (const std::string& id : active_) {
    const Test& test = tests_.find(id)->second;
    if (test.merger == nullptr) continue;
    for (const auto& [life, part] : test.merger->drivers()) {
      if (!part.finished) ids.insert(life.driver_id);
    }
  }
  return ids;
}

}  // namespace loadtest
