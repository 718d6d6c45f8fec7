#include "tests/sim/world.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest::sim {
namespace {

constexpr int64_t kWallStartNs = 1'700'000'000 * kNanosPerSecond;
constexpr int64_t kAskAgainNs = kNanosPerSecond;
// An answer that has not come by then will not come.
constexpr int64_t kAnswerWithinNs = 8 * kNanosPerSecond;
// After the last thing that can break: a decision that never arrives is given up after a minute, a
// driver's last report is overdue after half of one.
constexpr int64_t kSlackNs = 120 * kNanosPerSecond;
// For what is still on its way when all tests have ended.
constexpr int64_t kSettleNs = 10 * kNanosPerSecond;

DriverPolicy OpenPolicy() {
  v1::DriverConfig config;
  *config.mutable_max_duration() = ToDuration(3'600 * kNanosPerSecond);
  config.set_max_connections(10'000);
  *config.mutable_max_lease() = ToDuration(3'600 * kNanosPerSecond);
  return *DriverPolicy::Create(config);
}

}  // namespace

ChannelPool& World::Pool() {
  static ChannelPool& pool = *new ChannelPool();
  return pool;
}

World::World(uint64_t seed, bool log)
    : trace_(timeline_, log),
      random_(seed),
      choices_(Choose(random_.Fork())),
      weather_(choices_.weather),
      broker_(timeline_, trace_, choices_.metrics_partitions),
      store_(std::make_unique<SimStore>()) {
  for (int i = 0; i < choices_.hosts; ++i) {
    auto host = std::make_unique<Host>();
    host->id = absl::StrFormat("driver-%d", i + 1);
    host->wall_offset_ns = kWallStartNs + choices_.wall_offset_ns[static_cast<size_t>(i)];
    host->fails_to_arm = choices_.fails_to_arm[static_cast<size_t>(i)];
    hosts_.push_back(std::move(host));
  }
  for (const PlannedTest& plan : choices_.tests) asked_.push_back({.plan = plan, .id = ""});
}

bool World::Run() {
  StartOrchestrator();
  for (const auto& host : hosts_) {
    timeline_.At(random_.Between(0, kNanosPerSecond), [this, &host = *host] { StartDriver(host); });
  }
  for (size_t i = 0; i < asked_.size(); ++i) {
    const PlannedTest& plan = asked_[i].plan;
    timeline_.At(plan.create_ns, [this, i] { Ask(i); });
    if (plan.stop_ns > 0) timeline_.At(plan.stop_ns, [this, i] { AskStop(i); });
    if (plan.delete_ns > 0) timeline_.At(plan.delete_ns, [this, i] { AskDelete(i); });
  }
  for (const Fault& fault : choices_.faults)
    timeline_.At(fault.at_ns, [this, &fault] { Do(fault); });
  timeline_.At(choices_.heal_ns, [this] { Heal(); });

  const int64_t bound_ns = choices_.heal_ns + LongestAfterHealNs() + kSlackNs;
  int64_t rest_since_ns = -1;
  while (timeline_.now() < bound_ns) {
    if (!timeline_.Step(bound_ns)) break;
    if (!AtRest()) {
      rest_since_ns = -1;
    } else if (rest_since_ns < 0) {
      rest_since_ns = timeline_.now();
    } else if (timeline_.now() - rest_since_ns > kSettleNs) {
      return true;
    }
  }
  return AtRest();
}

int64_t World::LongestAfterHealNs() const {
  int64_t sum = 0;
  // One after the other, if they need the same drivers.
  for (const AskedTest& test : asked_) {
    const absl::StatusOr<v1::LoadTestSpec> spec = ValidateSpec(test.plan.spec);
    const int64_t longest = spec.ok() ? LongestRunNs(*spec, choices_.hosts) : 0;
    // A closed loop of at most 60 requests, each of which is over after its time-out.
    sum += longest >= 0 ? longest : 240 * kNanosPerSecond;
  }
  return sum;
}

// --- Processes.

void World::StartDriver(Host& host) {
  host.down_until_ns = 0;
  SimDriver::Options options;
  options.id = host.id;
  options.incarnation = timeline_.now() + host.wall_offset_ns;
  options.policy = OpenPolicy();
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

void World::StartOrchestrator() {
  Process& process = orchestrator_process_;
  process.down_until_ns = 0;
  dies_after_ = -1;
  SimOrchestrator::Options options;
  options.name = absl::StrFormat("orchestrator-%d", ++orchestrator_lives_);
  options.core.metrics_interval_ns = choices_.metrics_interval_ns;
  options.core.expected_drivers = choices_.hosts;
  options.core.version = "simulated";
  options.core.bus = "simulated";
  options.wall_offset_ns = kWallStartNs;
  options.mono_offset_ns = random_.Between(0, 1'000) * kNanosPerSecond;
  auto bus = std::make_unique<SimBus>(timeline_, broker_, random_.Fork(), weather_,
                                      [this](int64_t at_ns) { WakeOrchestrator(at_ns); });
  if (timeline_.now() < process.cut_until_ns) bus->SetReachable(false);
  trace_.Line("%s starts", options.name);
  orchestrator_began_ns_ = timeline_.now();
  orchestrator_ = std::make_unique<SimOrchestrator>(std::move(options), timeline_, trace_, *store_,
                                                    std::move(bus));
  WakeOrchestrator(timeline_.now());
}

void World::StopOrchestrator(int64_t for_ns) {
  orchestrator_.reset();
  Process& process = orchestrator_process_;
  process.next_turn_ns = INT64_MAX;
  process.frozen_until_ns = 0;
  const int64_t again_ns = timeline_.now() + for_ns;
  process.down_until_ns = again_ns;
  timeline_.At(again_ns, [this, again_ns] {
    if (orchestrator_ == nullptr && orchestrator_process_.down_until_ns == again_ns)
      StartOrchestrator();
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
  if (host.driver->left()) {
    host.driver.reset();
    if (host.down_until_ns == 0) StartDriver(host);
    return;
  }
  WakeDriver(host, host.driver->NextTurnNs());
}

void World::WakeOrchestrator(int64_t at_ns) {
  Process& process = orchestrator_process_;
  at_ns = std::max({at_ns, timeline_.now(), process.frozen_until_ns});
  if (at_ns >= process.next_turn_ns) return;
  process.next_turn_ns = at_ns;
  timeline_.At(at_ns, [this, at_ns] {
    if (orchestrator_process_.next_turn_ns == at_ns) TurnOrchestrator();
  });
}

void World::TurnOrchestrator() {
  Process& process = orchestrator_process_;
  process.next_turn_ns = INT64_MAX;
  if (orchestrator_ == nullptr) return;
  if (timeline_.now() < process.frozen_until_ns) return WakeOrchestrator(process.frozen_until_ns);
  orchestrator_->Turn(dies_after_);
  if (dies_after_ >= 0) return StopOrchestrator(dies_for_ns_);
  WakeOrchestrator(orchestrator_->NextTurnNs());
}

// --- People.

void World::Ask(size_t test) {
  AskedTest& asked = asked_[test];
  if (!asked.id.empty()) return;
  if (orchestrator_ == nullptr || !orchestrator_->serving() ||
      timeline_.now() < orchestrator_process_.frozen_until_ns) {
    timeline_.At(timeline_.now() + kAskAgainNs, [this, test] { Ask(test); });
    return;
  }
  CreateRequest create;
  create.request.set_request_id(asked.plan.request_id);
  create.request.set_load_test_id(asked.plan.id);
  *create.request.mutable_spec() = asked.plan.spec;
  create.fresh_id = absl::StrFormat("fresh-%x", random_.Next());
  auto answered = std::make_shared<bool>(false);
  const auto again = [this, test, answered] {
    if (*answered) return;
    *answered = true;
    Ask(test);
  };
  const SimOrchestrator* asked_one = orchestrator_.get();
  timeline_.At(timeline_.now() + kAnswerWithinNs, again);
  orchestrator_->Submit(
      std::move(create), [this, test, answered, again, asked_one](const absl::Status& status) {
        if (*answered) return;
        if (!status.ok()) {
          trace_.Line("create %s: %s", asked_[test].plan.request_id, std::string(status.message()));
          timeline_.At(timeline_.now() + kAskAgainNs, again);
          return;
        }
        *answered = true;
        const v1::LoadTest* made = asked_one->core().FindByRequestId(asked_[test].plan.request_id);
        if (made == nullptr) return;
        asked_[test].id = made->name().substr(std::string_view("loadTests/").size());
        trace_.Line("created %s", asked_[test].id);
      });
}

void World::AskStop(size_t test) {
  const auto again = [this, test] { AskStop(test); };
  AskedTest& asked = asked_[test];
  if (asked.id.empty() || orchestrator_ == nullptr || !orchestrator_->serving()) {
    timeline_.At(timeline_.now() + kAskAgainNs, again);
    return;
  }
  trace_.Line("stop of %s asked for", asked.id);
  orchestrator_->Submit(StopRequest{asked.id, "enough"}, [this, again](const absl::Status& status) {
    if (absl::IsUnavailable(status)) timeline_.At(timeline_.now() + kAskAgainNs, again);
  });
}

void World::AskDelete(size_t test) {
  const auto again = [this, test] { AskDelete(test); };
  AskedTest& asked = asked_[test];
  if (asked.id.empty() || orchestrator_ == nullptr || !orchestrator_->serving()) {
    timeline_.At(timeline_.now() + kAskAgainNs, again);
    return;
  }
  orchestrator_->Submit(DeleteRequest{asked.id}, [this, test, again](const absl::Status& status) {
    trace_.Line("delete %s: %s", asked_[test].id, status.ToString());
    if (status.ok() || absl::IsNotFound(status)) {
      asked_[test].deleted = true;
    } else {
      timeline_.At(timeline_.now() + kAskAgainNs, again);
    }
  });
}

// --- Coming to rest.

void World::Heal() {
  trace_.Line("nothing breaks any more");
  healed_ = true;
  weather_.lost_per_mille = 0;
  weather_.delayed_per_mille = 0;
  broker_.SetUp(true);
  store_->SetFull(false);
  for (const auto& host : hosts_) {
    host->frozen_until_ns = host->cut_until_ns = 0;
    if (host->driver == nullptr) {
      StartDriver(*host);
    } else {
      host->driver->bus().SetReachable(true);
      WakeDriver(*host, timeline_.now());
    }
  }
  orchestrator_process_.frozen_until_ns = orchestrator_process_.cut_until_ns = 0;
  dies_after_ = -1;
  if (orchestrator_ == nullptr) {
    StartOrchestrator();
  } else {
    orchestrator_->bus().SetReachable(true);
    WakeOrchestrator(timeline_.now());
  }
}

bool World::AtRest() const {
  if (!healed_ || orchestrator_ == nullptr || !orchestrator_->serving()) return false;
  for (const AskedTest& asked : asked_) {
    if (asked.id.empty()) return false;
    if (asked.plan.delete_ns > 0 && !asked.deleted) return false;
  }
  for (const auto& [id, state] : orchestrator_->core().States()) {
    if (!IsEnded(state)) return false;
  }
  return std::all_of(hosts_.begin(), hosts_.end(), [](const auto& host) {
    return host->driver != nullptr && host->driver->HasSaidAll();
  });
}

std::string World::Unrest() const {
  std::string text;
  for (const AskedTest& asked : asked_) {
    if (asked.id.empty()) text += absl::StrFormat("%s was never made; ", asked.plan.request_id);
    if (asked.plan.delete_ns > 0 && !asked.deleted)
      text += absl::StrFormat("%s was never deleted; ", asked.id);
  }
  if (orchestrator_ == nullptr || !orchestrator_->serving()) return text + "no orchestrator serves";
  for (const auto& [id, state] : orchestrator_->core().States()) {
    if (!IsEnded(state)) text += absl::StrFormat("%s is %s; ", id, v1::LoadTest::State_Name(state));
  }
  for (const auto& host : hosts_) {
    if (host->driver == nullptr) {
      text += host->id + " is not there; ";
    } else if (host->driver->engine() != nullptr) {
      text += absl::StrFormat("%s runs %s; ", host->id, host->driver->engine()->order().test_id);
    } else if (!host->driver->HasSaidAll()) {
      text += host->id + " still has reports; ";
    }
  }
  return text;
}

}  // namespace loadtest::sim
