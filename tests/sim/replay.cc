#include "tests/sim/replay.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "google/protobuf/util/message_differencer.h"

namespace loadtest::sim {
namespace {

CoreOptions OptionsOf(const World& world) {
  CoreOptions options;
  options.metrics_interval_ns = world.choices().metrics_interval_ns;
  options.version = options.bus = "simulated";
  return options;
}

// Without what depends on when a record was received, and on heartbeats, which nobody reads again.
v1::Report Comparable(v1::Report report) {
  report.clear_events();
  report.clear_manifest();
  for (v1::DriverResult& d : *report.mutable_drivers()) {
    d.clear_ip_address();
    d.clear_host_name();
  }
  return report;
}

bool HasEvent(const v1::Report& report, std::string_view type) {
  return std::any_of(report.events().begin(), report.events().end(),
                     [&](const v1::Event& event) { return event.type() == type; });
}

void Compare(const char* what, const World& world, const OrchestratorCore& replayed,
             std::vector<std::string>& broken) {
  const OrchestratorCore& live = world.orchestrator()->core();
  for (const auto& [id, state] : live.States()) {
    const auto states = replayed.States();
    const auto it = states.find(id);
    if (it == states.end()) {
      broken.push_back(absl::StrFormat("%s: %s is not there", what, id));
      continue;
    }
    if (it->second != state) {
      broken.push_back(absl::StrFormat("%s: %s is %s, live it is %s", what, id,
                                       v1::LoadTest::State_Name(it->second),
                                       v1::LoadTest::State_Name(state)));
      continue;
    }
    const std::unique_ptr<v1::Report> now = live.BuildReport(id);
    const std::unique_ptr<v1::Report> then = replayed.BuildReport(id);
    if (now == nullptr || then == nullptr) {
      if ((now == nullptr) != (then == nullptr))
        broken.push_back(absl::StrFormat("%s: one of the reports of %s is missing", what, id));
      continue;
    }
    // Who could not arm said so by heartbeat, which nobody reads again.
    if (HasEvent(*now, "driver_not_armed") || HasEvent(*now, "driver_denied")) continue;
    // So did who would not take over; only the counts of a plan at even gaps tell it too.
    if (HasEvent(*now, "driver_refused") &&
        now->load_test().spec().arrivals() == v1::LoadTestSpec::POISSON)
      continue;
    const v1::Report a = Comparable(*now);
    const v1::Report b = Comparable(*then);
    std::string difference;
    google::protobuf::util::MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&difference);
    if (!differencer.Compare(a, b))
      broken.push_back(absl::StrFormat("%s: report of %s, live against replayed: %.1500s", what, id,
                                       difference));
  }
}

}  // namespace

std::vector<std::string> ReplayDifferences(const World& world) {
  std::vector<std::string> broken;
  const SimOrchestrator& orchestrator = *world.orchestrator();
  if (!orchestrator.began_empty()) return broken;
  {
    OrchestratorCore core(OptionsOf(world), Moment{});
    for (const SimOrchestrator::Applied& applied : orchestrator.applied())
      core.Apply(applied.when, applied.record);
    Compare("the same log", world, core, broken);
  }
  {
    // As a new process with an empty store reads the topics: decisions first.
    OrchestratorCore core(OptionsOf(world), Moment{});
    for (const Topic topic : {Topic::kTrigger, Topic::kRegister, Topic::kMetrics}) {
      for (const auto& [at, log] : world.broker().logs()) {
        if (at.topic != topic) continue;
        for (const SimBroker::Stored& stored : log) core.Apply(orchestrator.Now(), stored.record);
      }
    }
    Compare("the topics from nothing", world, core, broken);
  }
  return broken;
}

}  // namespace loadtest::sim
