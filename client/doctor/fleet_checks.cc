#include "client/doctor/fleet_checks.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/view/layout.h"
#include "common/base/time.h"
#include "common/base/units.h"

namespace loadtest {
namespace {

using enum Finding::Level;

// Drivers start together within this; what is more shows in the report.
constexpr int64_t kClocksApartNs = 10 * kNanosPerMilli;

std::string IdOf(const v1::Driver& driver) {
  return driver.name().substr(driver.name().rfind('/') + 1);
}

// "a, b, c and 4 more"
std::string Names(const std::vector<std::string>& names) {
  constexpr size_t kMost = 4;
  if (names.size() <= kMost) return absl::StrJoin(names, ", ");
  const std::vector<std::string> first(names.begin(), names.begin() + kMost);
  return absl::StrFormat("%s and %d more", absl::StrJoin(first, ", "), names.size() - kMost);
}

Finding CheckStates(const v1::ListDriversResponse& drivers) {
  int64_t idle = 0, busy = 0;
  std::vector<std::string> lost;
  for (const v1::Driver& driver : drivers.drivers()) {
    if (driver.state() == v1::Driver::LOST) {
      lost.push_back(IdOf(driver));
    } else if (driver.state() == v1::Driver::IDLE) {
      ++idle;
    } else {
      ++busy;
    }
  }
  if (idle + busy == 0) {
    return {.level = kProblem,
            .check = "drivers",
            .message = lost.empty() ? "there is none" : "all are lost: " + Names(lost),
            .advice =
                "orchestrator N starts N of its own; on other hosts: driver --kafka HOST:PORT "
                "--allow TARGETS"};
  }
  Finding finding{.check = "drivers",
                  .message = absl::StrFormat("%d idle, %d in a test", idle, busy)};
  if (!lost.empty()) {
    finding.level = kWarning;
    finding.message += ", lost: " + Names(lost);
    finding.advice = "no heartbeat from them: see their logs, and start them again";
  }
  return finding;
}

// Of drivers that are there.
void CheckClocks(const v1::ListDriversResponse& drivers, std::vector<Finding>& findings) {
  int64_t worst = 0, known = 0, error = 0;
  std::string who;
  for (const v1::Driver& driver : drivers.drivers()) {
    if (driver.state() == v1::Driver::LOST || driver.clock_error_ns() <= 0) continue;
    ++known;
    error = std::max(error, driver.clock_error_ns());
    // What may be an error of the estimate is not said to be one of the clock.
    const int64_t apart = std::abs(driver.clock_offset_ns()) - driver.clock_error_ns();
    if (apart <= worst) continue;
    worst = apart;
    who = IdOf(driver);
  }
  if (known == 0) return;
  if (worst < kClocksApartNs) {
    findings.push_back(
        {.check = "clocks",
         .message = absl::StrFormat("of %s agree with the orchestrator's within %s",
                                    Plural(known, "driver"), FormatLatency(worst + error))});
    return;
  }
  findings.push_back(
      {.level = kWarning,
       .check = "clocks",
       .message = absl::StrFormat("that of %s is %s away from the orchestrator's", who,
                                  FormatLatency(worst + error)),
       .advice = "run chrony or systemd-timesyncd on both hosts; drivers begin by their clocks"});
}

}  // namespace

Finding OrchestratorIsAway(const std::string& address, const absl::Status& error) {
  return {
      .level = kProblem,
      .check = "orchestrator",
      .message = std::string(error.message()),
      .advice = absl::StrFormat("start one (orchestrator 2), name another with --server instead "
                                "of %s, or use none: loadctl run --local 2 URL",
                                address),
      .is_unreachable = true};
}

Finding CheckOrchestrator(const std::string& address, const v1::ServerInfo& info,
                          std::string_view own_version) {
  Finding finding{
      .check = "orchestrator",
      .message = absl::StrFormat("%s at %s, bus %s", info.version(), address, info.bus())};
  if (!info.bus_connected()) {
    finding.level = kProblem;
    finding.message += ", which it cannot reach";
    finding.advice =
        "is the broker up, and reachable from the orchestrator's host? tests cannot "
        "start or stop without it";
    finding.is_unreachable = true;
  } else if (info.version() != own_version) {
    finding.level = kWarning;
    finding.advice = absl::StrFormat("this loadctl is %s: use programs of one build", own_version);
  }
  return finding;
}

// Heartbeat and report leave at the same moment, so a report or two are always on their way.
constexpr int kReportsOnTheirWay = 2;

std::vector<Finding> CheckDrivers(const v1::ListDriversResponse& drivers) {
  std::vector<Finding> findings = {CheckStates(drivers)};
  std::set<std::string> versions;
  std::vector<std::string> waiting;
  for (const v1::Driver& driver : drivers.drivers()) {
    if (driver.state() == v1::Driver::LOST) continue;
    versions.insert(driver.version());
    if (driver.reports_waiting() > kReportsOnTheirWay) waiting.push_back(IdOf(driver));
  }
  if (versions.size() > 1) {
    findings.push_back({.level = kWarning,
                        .check = "versions",
                        .message = "of drivers differ: " + absl::StrJoin(versions, ", "),
                        .advice = "use programs of one build"});
  }
  if (!waiting.empty()) {
    findings.push_back({.level = kWarning,
                        .check = "reports",
                        .message = "wait for the broker at " + Names(waiting),
                        .advice = "can these hosts reach the broker?"});
  }
  CheckClocks(drivers, findings);
  return findings;
}

Finding BrokerIsAway(const std::string& address, const absl::Status& error) {
  const bool is_unreachable = error.code() == absl::StatusCode::kUnavailable;
  return {.level = kProblem,
          .check = "broker",
          .message = std::string(error.message()),
          .advice = is_unreachable ? absl::StrFormat("does Kafka listen at %s, and are its "
                                                     "advertised.listeners reachable from here?",
                                                     address)
                                   : "see kafka.* in docs/configuration.md",
          .is_unreachable = is_unreachable};
}

Finding CheckTopics(const std::string& address, const std::vector<std::string>& missing) {
  if (missing.empty())
    return {.check = "broker", .message = address + " answers and has the four topics"};
  return {
      .level = kWarning,
      .check = "broker",
      .message =
          absl::StrFormat("%s answers; not there: %s", address, absl::StrJoin(missing, ", ")),
      .advice = "the orchestrator makes them when it starts; if it did, see kafka.topic_prefix"};
}

}  // namespace loadtest
