// The processes of a world: started, moved turn by turn, killed.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/config/config.h"
#include "tests/sim/world.h"

namespace loadtest::sim {
namespace {

constexpr int64_t kWallStartNs = 1'700'000'000 * kNanosPerSecond;
constexpr int64_t kTryAgainNs = 3 * kNanosPerSecond;

DriverPolicy PolicyOf(const Choices& choices) {
  v1::DriverConfig config;
  *config.mutable_max_duration() = ToDuration(3'600 * kNanosPerSecond);
  config.set_max_connections(10'000);
  config.set_max_rate(choices.max_rate);
  *config.mutable_max_lease() = ToDuration(3'600 * kNanosPerSecond);
  return *DriverPolicy::Create(config);
}

}  // namespace

void World::StartDriver(Host& host) {
  host.down_until_ns = 0;
  SimDriver::Options options;
  options.id = host.id;
  options.incarnation = timeline_.now() + host.wall_offset_ns;
  options.policy = PolicyOf(choices_);
  options.wall_offset_ns = host.wall_offset_ns;
  options.mono_offset_ns = random_.Between(0, 1'000) * kNanosPerSecond;
  options.habits = [this, &host] {
    EngineHabits habits = choices_.habits;
    habits.fails_to_arm = host.fails_to_arm;
    return habits;
  };
  auto bus = std::make_unique<SimBus>(timeline_, broker_, random_.Fork(), weather_,
                                      [this, &host](int64_t at_ns) { WakeDriver(host, at_ns); });
  if (timeline_.now() < host.cut_until_ns) bus->SetReachable(false);
  trace_.Line("%s starts", host.id);
  host.driver = std::make_unique<SimDriver>(std::move(options), timeline_, trace_, ledger_, Pool(),
                                            random_.Fork(), std::move(bus));
  WakeDriver(host, timeline_.now());
}

void World::StopDriver(Host& host, int64_t for_ns) {
  host.driver.reset();
  host.next_turn_ns = INT64_MAX;
  host.frozen_until_ns = 0;
  const int64_t again_ns = timeline_.now() + for_ns;
  host.down_until_ns = again_ns;
  timeline_.At(again_ns, [this, &host, again_ns] {
    if (host.driver == nullptr && host.down_until_ns == again_ns) StartDriver(host);
  });
}

void World::WakeDriver(Host& host, int64_t at_ns) {
  at_ns = std::max({at_ns, timeline_.now(), host.frozen_until_ns});
  if (at_ns >= host.next_turn_ns) return;
  host.next_turn_ns = at_ns;
  timeline_.At(at_ns, [this, &host, at_ns] {
    if (host.next_turn_ns == at_ns) TurnDriver(host);
  });
}

void World::TurnDriver(Host& host) {
  host.next_turn_ns = INT64_MAX;
  if (host.driver == nullptr) return;
  if (timeline_.now() < host.frozen_until_ns) return WakeDriver(host, host.frozen_until_ns);
  host.driver->Turn();
  if (host.driver->bus().lost_report()) {
    // Its last one is on its way, and may arrive.
    const int64_t at_ns = timeline_.now() + random_.Between(0, 150) * kNanosPerMilli;
    timeline_.At(at_ns, [this, &host, life = host.driver->options().incarnation] {
      if (!healed_ && host.driver != nullptr && host.driver->options().incarnation == life)
        StopDriver(host, kNanosPerSecond);
    });
  }
  if (host.driver->left()) {
    host.driver.reset();
    if (host.down_until_ns == 0) StartDriver(host);
    return;
  }
  WakeDriver(host, host.driver->NextTurnNs());
}

void World::StartOrchestrator(Office& office) {
  office.down_until_ns = 0;
  office.dies_after = -1;
  SimOrchestrator::Options options;
  options.name = absl::StrFormat("orchestrator-%d", ++orchestrator_lives_);
  options.writer_salt = orchestrator_lives_ * 7'919 % kNanosPerMilli;
  options.core.metrics_interval_ns = choices_.metrics_interval_ns;
  options.core.lease_ns = choices_.lease_ns;
  options.core.expected_drivers = choices_.hosts;
  options.core.version = "simulated";
  options.core.bus = "simulated";
  options.wall_offset_ns = kWallStartNs;
  options.mono_offset_ns = random_.Between(0, 1'000) * kNanosPerSecond;
  options.is_gone = [this](const v1::OrchestratorAlive& sign) { return IsGone(sign); };
  auto bus =
      std::make_unique<SimBus>(timeline_, broker_, random_.Fork(), weather_,
                               [this, &office](int64_t at_ns) { WakeOrchestrator(office, at_ns); });
  if (timeline_.now() < office.cut_until_ns) bus->SetReachable(false);
  trace_.Line("%s starts", options.name);
  office.orchestrator = std::make_unique<SimOrchestrator>(std::move(options), timeline_, trace_,
                                                          *office.store, std::move(bus));
  WakeOrchestrator(office, timeline_.now());
}

void World::StopOrchestrator(Office& office, int64_t for_ns) {
  office.orchestrator.reset();
  office.next_turn_ns = INT64_MAX;
  office.frozen_until_ns = 0;
  office.was_frozen = false;
  office.late_order = LateOrder::kNone;
  const int64_t again_ns = timeline_.now() + for_ns;
  office.down_until_ns = again_ns;
  timeline_.At(again_ns, [this, &office, again_ns] {
    if (office.orchestrator == nullptr && office.down_until_ns == again_ns)
      StartOrchestrator(office);
  });
}

void World::WakeOrchestrator(Office& office, int64_t at_ns) {
  at_ns = std::max({at_ns, timeline_.now(), office.frozen_until_ns});
  if (at_ns >= office.next_turn_ns) return;
  office.next_turn_ns = at_ns;
  timeline_.At(at_ns, [this, &office, at_ns] {
    if (office.next_turn_ns == at_ns) TurnOrchestrator(office);
  });
}

void World::TurnOrchestrator(Office& office) {
  office.next_turn_ns = INT64_MAX;
  if (office.orchestrator == nullptr) return;
  if (timeline_.now() < office.frozen_until_ns)
    return WakeOrchestrator(office, office.frozen_until_ns);
  SimOrchestrator& orchestrator = *office.orchestrator;
  const int64_t decisions = orchestrator.bus().decisions();
  const int64_t orders = orchestrator.bus().orders();
  if (office.late_order == LateOrder::kStop) AskForLateStop(office);
  if (std::exchange(office.was_frozen, false) && random_.Chance(500)) orchestrator.TurnBlindly();
  orchestrator.Turn(office.dies_after);
  if (office.dies_after >= 0) return StopOrchestrator(office, office.dies_for_ns);
  if (orchestrator.has_ended()) {
    // Somebody starts it again by and by, for the other one may be gone; in the end one is enough.
    if (!healed_ || &office == &offices_[0]) return StopOrchestrator(office, kTryAgainNs);
    office.orchestrator.reset();
    return;
  }
  if (office.supplanted_for_ns > 0 && orchestrator.bus().decisions() > decisions) {
    const int64_t for_ns = std::exchange(office.supplanted_for_ns, 0);
    CutOrchestrator(office, std::min(timeline_.now() + for_ns, choices_.heal_ns));
    Office& other = &office == &offices_[0] ? offices_[1] : offices_[0];
    if (other.orchestrator == nullptr) StartOrchestrator(other);
  }
  if (office.late_order == LateOrder::kAny && orchestrator.bus().orders() > orders)
    HoldOrder(office);
  WakeOrchestrator(office, orchestrator.NextTurnNs());
}

// As a process that looks for the other's number sees it.
bool World::IsGone(const v1::OrchestratorAlive& sign) const {
  if (!choices_.one_host) return false;
  return std::none_of(offices_.begin(), offices_.end(), [&](const Office& office) {
    return office.orchestrator != nullptr &&
           office.orchestrator->core().writer() == sign.incarnation();
  });
}

}  // namespace loadtest::sim
