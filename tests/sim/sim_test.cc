// Seeds, many: each is a world in which the real cores of orchestrator and drivers run tests while
// everything around them goes wrong, and after which every promise must have been kept.
//
//   SIM_SEED=N SIM_LOG=1 build/release/bin/sim_test     one seed, with all it did
//   SIM_SEEDS=N      so many seeds in all, instead of the default
//   SIM_FIRST=N      the first of them
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tests/sim/invariants.h"
#include "tests/sim/trigger_log.h"
#include "tests/sim/world.h"

namespace loadtest::sim {
namespace {

constexpr int kShards = 20;

#ifndef SIM_DEFAULT_SEEDS
#define SIM_DEFAULT_SEEDS 10'000
#endif

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoll(text, nullptr, 10);
}

// Empty when all is well.
std::string RunSeed(uint64_t seed, bool log, uint64_t* hash = nullptr) {
  World world(seed, log);
  const bool rested = world.Run();
  if (hash != nullptr) *hash = world.trace().hash();
  std::string broken =
      rested ? absl::StrJoin(BrokenPromises(world), "\n  ")
             : absl::StrFormat("at %.1f s it has not come to rest: %s",
                               static_cast<double>(world.now()) / 1e9, world.Unrest());
  if (broken.empty()) return "";
  return absl::StrFormat(
      "seed %d:\n  %s\nreproduce: SIM_SEED=%d SIM_LOG=1 build/release/bin/sim_test", seed, broken,
      seed);
}

class Simulation : public testing::TestWithParam<int> {};

TEST_P(Simulation, KeepsEveryPromise) {
  if (std::getenv("SIM_SEED") != nullptr) {
    if (GetParam() > 0) return;
    const auto seed = static_cast<uint64_t>(FromEnvironment("SIM_SEED", 0));
    EXPECT_EQ(RunSeed(seed, FromEnvironment("SIM_LOG", 0) != 0), "");
    return;
  }
  const int64_t seeds = FromEnvironment("SIM_SEEDS", SIM_DEFAULT_SEEDS) / kShards;
  const int64_t first = FromEnvironment("SIM_FIRST", 1) + GetParam() * seeds;
  int failed = 0;
  for (int64_t seed = first; seed < first + seeds && failed < 5; ++seed) {
    const std::string broken = RunSeed(static_cast<uint64_t>(seed), false);
    if (broken.empty()) continue;
    ++failed;
    ADD_FAILURE() << broken;
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, Simulation, testing::Range(0, kShards));

#if SIM_DEFAULT_SEEDS >= 500  // sanitizers, which have fewer, look for something else
// A promise that is never put to the test is kept, too.
TEST(SimulationTest, WhatItIsThereForHappens) {
  constexpr uint64_t kSeeds = 500;
  std::map<std::string, int> seen;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    World world(seed, false);
    ASSERT_TRUE(world.Run()) << seed;
    for (const auto& [id, state] : world.orchestrator()->core().States()) {
      const std::unique_ptr<v1::Report> report = world.orchestrator()->FindReport(id);
      if (report == nullptr) continue;
      for (const v1::Event& event : report->events()) ++seen[event.type()];
      for (const v1::DriverResult& driver : report->drivers()) {
        if (driver.took_over_requests() > 0) ++seen["taken over"];
        if (driver.unknown_requests() > 0) ++seen["unknown"];
        if (driver.finished() && driver.lost()) ++seen["both finished and lost"];
      }
    }
    seen["late order"] += TriggerLog(world.broker()).void_orders();
    for (const auto& [key, run] : world.ledger().runs())
      ++seen[v1::MetricsReport::EndReason_Name(run.end_reason)];
  }
  for (const char* what :
       {"driver_lost", "driver_heard_again", "driver_joined", "driver_refused", "adjusted",
        "orchestrator_took_over", "stop_ordered", "taken over", "unknown", "PLAN_DONE",
        "STOP_ORDERED", "DRIVER_STOPPED", "LEASE_EXPIRED"})
    EXPECT_GT(seen[what], 0) << what;
  EXPECT_EQ(seen["both finished and lost"], 0);
  // Most of them concern a test whose drivers run, or wait for it.
  EXPECT_GT(seen["late order"], 20);
}
#endif

TEST(SimulationTest, TheSameSeedDoesTheSame) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    uint64_t once = 0;
    uint64_t again = 0;
    RunSeed(seed, false, &once);
    RunSeed(seed, false, &again);
    EXPECT_EQ(once, again) << "seed " << seed;
  }
}

}  // namespace
}  // namespace loadtest::sim
