// What goes wrong in a world.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "tests/sim/garbage.h"
#include "tests/sim/world.h"

namespace loadtest::sim {

void World::Do(const Fault& fault) {
  if (healed_) return;
  using Kind = Fault::Kind;
  Host& host = *hosts_[static_cast<size_t>(fault.host)];
  const int64_t until_ns = std::min(timeline_.now() + fault.for_ns, choices_.heal_ns);
  trace_.Line("FAULT %s %s for %d ms", FaultName(fault.kind), host.id,
              fault.for_ns / kNanosPerMilli);
  switch (fault.kind) {
    case Kind::kKillDriver:
      if (host.driver != nullptr) StopDriver(host, fault.for_ns);
      return;
    case Kind::kLeaveDriver:
      if (host.driver != nullptr) {
        host.driver->Leave();
        WakeDriver(host, timeline_.now());
      }
      return;
    case Kind::kCutDriver:
      host.cut_until_ns = std::max(host.cut_until_ns, until_ns);
      if (host.driver != nullptr) host.driver->bus().SetReachable(false);
      timeline_.At(until_ns, [this, &host] {
        if (timeline_.now() >= host.cut_until_ns && host.driver != nullptr)
          host.driver->bus().SetReachable(true);
      });
      return;
    case Kind::kFreezeDriver:
      host.frozen_until_ns = std::max(host.frozen_until_ns, until_ns);
      if (host.driver != nullptr && host.driver->engine() != nullptr)
        host.driver->engine()->Stall(until_ns);
      return;
    case Kind::kStallEngine:
      if (host.driver != nullptr && host.driver->engine() != nullptr)
        host.driver->engine()->Stall(until_ns);
      return;
    case Kind::kResetDriver:
      if (host.driver != nullptr) host.driver->bus().Reset();
      return;
    case Kind::kLoseReport:
      if (host.driver != nullptr) host.driver->bus().LoseReportBeforeLast();
      return;
    case Kind::kKillOrchestrator:
    case Kind::kForgetOrchestrator:
    case Kind::kEndOrchestrator:
    case Kind::kSecondOrchestrator:
    case Kind::kFreezeOrchestrator:
    case Kind::kCutOrchestrator:
    case Kind::kResetOrchestrator:
    case Kind::kSupplantOrchestrator:
    case Kind::kLateOrder:
    case Kind::kFullDisk:
      return DoToOrchestrator(fault, until_ns);
    case Kind::kBrokerAway:
      broker_away_until_ns_ = std::max(broker_away_until_ns_, until_ns);
      broker_.SetUp(false);
      timeline_.At(until_ns, [this] {
        if (timeline_.now() >= broker_away_until_ns_) broker_.SetUp(true);
      });
      return;
    case Kind::kGarbage:
      if (!broker_.up() || !broker_.HasTopics()) return;
      for (Record& record : Garbage(Random(fault.detail), broker_)) broker_.Append(record);
      return;
  }
}

void World::DoToOrchestrator(const Fault& fault, int64_t until_ns) {
  using Kind = Fault::Kind;
  // Mostly the first; the second, if there is one.
  Office& office = offices_[offices_[1].orchestrator != nullptr && fault.detail % 3 == 0 ? 1 : 0];
  if (fault.kind == Kind::kSecondOrchestrator) {
    if (offices_[1].orchestrator == nullptr) StartOrchestrator(offices_[1]);
    return;
  }
  if (fault.kind == Kind::kFullDisk) {
    office.disk_full_until_ns = std::max(office.disk_full_until_ns, until_ns);
    office.store->SetFull(true);
    timeline_.At(until_ns, [this, &office] {
      if (timeline_.now() >= office.disk_full_until_ns) office.store->SetFull(false);
    });
    return;
  }
  if (office.orchestrator == nullptr) return;
  SimBus& bus = office.orchestrator->bus();
  switch (fault.kind) {
    case Kind::kForgetOrchestrator:
      StopOrchestrator(office, fault.for_ns);
      office.store = std::make_unique<SimStore>();
      return;
    case Kind::kEndOrchestrator:
      office.orchestrator->Retire();
      StopOrchestrator(office, fault.for_ns);
      return;
    case Kind::kFreezeOrchestrator:
      office.frozen_until_ns = std::max(office.frozen_until_ns, until_ns);
      office.was_frozen = true;
      return;
    case Kind::kCutOrchestrator:
      return CutOrchestrator(office, until_ns);
    case Kind::kSupplantOrchestrator:
      office.supplanted_for_ns = std::max(fault.for_ns, 4 * kNanosPerSecond);
      return;
    case Kind::kLateOrder:
      office.late_order = fault.detail % 4 == 0 ? LateOrder::kAny : LateOrder::kStop;
      return;
    case Kind::kResetOrchestrator:
      bus.Reset();
      return;
    default:  // killed, at rest or in the midst of a turn
      if (fault.detail % 2 == 0) return StopOrchestrator(office, fault.for_ns);
      office.dies_after = static_cast<int>(fault.detail / 2 % 4);
      office.dies_for_ns = fault.for_ns;
      return;
  }
}

void World::CutOrchestrator(Office& office, int64_t until_ns) {
  office.cut_until_ns = std::max(office.cut_until_ns, until_ns);
  office.orchestrator->bus().SetReachable(false);
  timeline_.At(until_ns, [this, &office] {
    if (timeline_.now() >= office.cut_until_ns && office.orchestrator != nullptr)
      office.orchestrator->bus().SetReachable(true);
  });
}

// Cut off with an order on its way, until another one has taken over.
void World::HoldOrder(Office& office) {
  office.late_order = LateOrder::kOnItsWay;
  CutOrchestrator(office, choices_.heal_ns);
  Office& other = &office == &offices_[0] ? offices_[1] : offices_[0];
  if (other.orchestrator == nullptr) StartOrchestrator(other);
}

void World::OnAppended(const Record& record) {
  v1::Trigger trigger;
  if (record.topic != Topic::kTrigger || !trigger.ParseFromString(record.value) ||
      trigger.alive().kind() != v1::OrchestratorAlive::TAKEOVER)
    return;
  for (Office& office : offices_) {
    if (office.orchestrator == nullptr || office.late_order != LateOrder::kOnItsWay ||
        office.orchestrator->core().writer() >= trigger.writer())
      continue;
    office.late_order = LateOrder::kNone;
    office.cut_until_ns = timeline_.now() + random_.Between(0, 150) * kNanosPerMilli;
    timeline_.At(office.cut_until_ns, [this, &office] {
      if (office.orchestrator != nullptr && timeline_.now() >= office.cut_until_ns)
        office.orchestrator->bus().SetReachable(true);
    });
  }
}

// What is to be stopped by somebody who does not wait for an answer.
void World::AskForLateStop(Office& office) {
  SimOrchestrator& orchestrator = *office.orchestrator;
  if (!orchestrator.serving()) return;
  for (const auto& [id, state] : orchestrator.core().States()) {
    if (state != v1::LoadTest::RUNNING && state != v1::LoadTest::STARTING) continue;
    office.late_order = LateOrder::kAny;
    orchestrator.Submit(StopRequest{id, "enough"}, [](const absl::Status&) {});
    return;
  }
}

void World::Heal() {
  trace_.Line("nothing breaks any more");
  healed_ = true;
  weather_.lost_per_mille = 0;
  weather_.delayed_per_mille = 0;
  broker_.SetUp(true);
  for (const auto& host : hosts_) {
    host->frozen_until_ns = host->cut_until_ns = 0;
    if (host->driver != nullptr) host->driver->bus().LoseReportBeforeLast(false);
    if (host->driver == nullptr) {
      StartDriver(*host);
    } else {
      host->driver->bus().SetReachable(true);
      WakeDriver(*host, timeline_.now());
    }
  }
  for (Office& office : offices_) {
    office.frozen_until_ns = office.cut_until_ns = 0;
    office.dies_after = -1;
    office.supplanted_for_ns = 0;
    office.late_order = LateOrder::kNone;
    office.store->SetFull(false);
    if (office.orchestrator != nullptr) {
      office.orchestrator->bus().SetReachable(true);
      WakeOrchestrator(office, timeline_.now());
    } else if (&office == &offices_[0]) {
      StartOrchestrator(office);
    }
  }
}

}  // namespace loadtest::sim
