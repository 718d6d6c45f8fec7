#include "tests/sim/world.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest::sim {
namespace {

constexpr int64_t kWallStartNs = 1'700'000'000 * kNanosPerSecond;
// After the last thing that can break: a decision that never arrives is given up after a minute, a
// driver's last report is overdue after half of one.
constexpr int64_t kSlackNs = 120 * kNanosPerSecond;
// For what is still on its way when all tests have ended.
constexpr int64_t kSettleNs = 10 * kNanosPerSecond;

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
      broker_(timeline_, trace_, choices_.metrics_partitions) {
  for (int i = 0; i < choices_.hosts; ++i) {
    auto host = std::make_unique<Host>();
    host->id = absl::StrFormat("driver-%d", i + 1);
    host->wall_offset_ns = kWallStartNs + choices_.wall_offset_ns[static_cast<size_t>(i)];
    host->fails_to_arm = choices_.fails_to_arm[static_cast<size_t>(i)];
    hosts_.push_back(std::move(host));
  }
  broker_.SetListener([this](const Record& record) { OnAppended(record); });
  for (const PlannedTest& plan : choices_.tests) asked_.push_back({.plan = plan, .id = ""});
}

bool World::Run() {
  StartOrchestrator(offices_[0]);
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

const SimOrchestrator* World::orchestrator() const {
  const SimOrchestrator* in_charge = nullptr;
  for (const Office& office : offices_) {
    const SimOrchestrator* one = office.orchestrator.get();
    if (one == nullptr || !one->serving() || one->has_ended()) continue;
    if (in_charge == nullptr || one->core().writer() > in_charge->core().writer()) in_charge = one;
  }
  return in_charge;
}

bool World::AtRest() const {
  const SimOrchestrator* in_charge = orchestrator();
  if (!healed_ || in_charge == nullptr) return false;
  for (const AskedTest& asked : asked_) {
    if (asked.id.empty()) return false;
    if (asked.plan.delete_ns > 0 && !(asked.refused_again || asked.made_again)) return false;
  }
  for (const auto& [id, state] : in_charge->core().States()) {
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
    if (asked.deleted && !asked.refused_again && !asked.made_again)
      text += absl::StrFormat("nobody said whether the id %s can be used again; ", asked.id);
  }
  const SimOrchestrator* in_charge = orchestrator();
  if (in_charge == nullptr) return text + "no orchestrator serves";
  for (const auto& [id, state] : in_charge->core().States()) {
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
