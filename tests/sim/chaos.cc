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
    case Kind::kKillOrchestrator:
    case Kind::kForgetOrchestrator:
      if (orchestrator_ == nullptr) return;
      if (fault.kind == Kind::kForgetOrchestrator) {
        StopOrchestrator(fault.for_ns);
        store_ = std::make_unique<SimStore>();
      } else if (fault.detail % 2 == 0) {
        StopOrchestrator(fault.for_ns);
      } else {
        dies_after_ = static_cast<int>(fault.detail / 2 % 4);
        dies_for_ns_ = fault.for_ns;
      }
      return;
    case Kind::kFreezeOrchestrator:
      orchestrator_process_.frozen_until_ns =
          std::max(orchestrator_process_.frozen_until_ns, until_ns);
      return;
    case Kind::kCutOrchestrator:
      orchestrator_process_.cut_until_ns = std::max(orchestrator_process_.cut_until_ns, until_ns);
      if (orchestrator_ != nullptr) orchestrator_->bus().SetReachable(false);
      timeline_.At(until_ns, [this] {
        if (timeline_.now() >= orchestrator_process_.cut_until_ns && orchestrator_ != nullptr)
          orchestrator_->bus().SetReachable(true);
      });
      return;
    case Kind::kResetOrchestrator:
      if (orchestrator_ != nullptr) orchestrator_->bus().Reset();
      return;
    case Kind::kBrokerAway:
      broker_away_until_ns_ = std::max(broker_away_until_ns_, until_ns);
      broker_.SetUp(false);
      timeline_.At(until_ns, [this] {
        if (timeline_.now() >= broker_away_until_ns_) broker_.SetUp(true);
      });
      return;
    case Kind::kFullDisk:
      disk_full_until_ns_ = std::max(disk_full_until_ns_, until_ns);
      store_->SetFull(true);
      timeline_.At(until_ns, [this] {
        if (timeline_.now() >= disk_full_until_ns_) store_->SetFull(false);
      });
      return;
    case Kind::kGarbage:
      if (!broker_.up() || !broker_.HasTopics()) return;
      for (Record& record : Garbage(Random(fault.detail), broker_)) broker_.Append(record);
      return;
  }
}

}  // namespace loadtest::sim
