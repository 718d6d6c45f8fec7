// What a seed chooses before time begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadtest/v1/load_test.pb.h"
#include "tests/sim/random.h"
#include "tests/sim/sim_bus.h"
#include "tests/sim/sim_engine.h"

namespace loadtest::sim {

// How bad the world is.
enum class Temper {
  kCalm,   // nothing breaks: everything must be exact and VALID
  kRough,  // a fault or two
  kWild,   // many at once
};

struct PlannedTest {
  std::string request_id;
  std::string id;  // empty: the orchestrator makes one
  v1::LoadTestSpec spec;
  int64_t create_ns = 0;
  int64_t stop_ns = 0;    // 0: never
  int64_t delete_ns = 0;  // 0: never
};

// One fault: what, whom, from when, for how long.
struct Fault {
  enum class Kind {
    kKillDriver,          // and start it again after `for_ns`
    kLeaveDriver,         // the same, in order
    kCutDriver,           // no way to the broker
    kFreezeDriver,        // the whole process
    kStallEngine,         // its sending thread alone
    kResetDriver,         // its producer publishes again what was not confirmed
    kLoseReport,          // the one before its last, and kill it before it can repeat that
    kKillOrchestrator,    // and start it again after `for_ns`, with the same store
    kForgetOrchestrator,  // the same with an empty store
    kEndOrchestrator,     // in order
    kSecondOrchestrator,  // another one is started, with a store of its own
    kFreezeOrchestrator,
    kCutOrchestrator,
    kResetOrchestrator,
    // Cut off with its next decision on the way, while another one is started: what it decided
    // arrives when it has been replaced.
    kSupplantOrchestrator,
    // The same with its next order to drivers, which arrives as soon as it has been replaced:
    // before the new one has ordered anything.
    kLateOrder,
    kBrokerAway,
    kFullDisk,
    kGarbage,
  };
  Kind kind;
  int64_t at_ns = 0;
  int64_t for_ns = 0;
  int host = 0;
  uint64_t detail = 0;
};

struct Choices {
  Temper temper = Temper::kCalm;
  int hosts = 1;
  int metrics_partitions = 1;
  int64_t metrics_interval_ns = 0;
  int64_t lease_ns = 0;
  // Whether orchestrators are on one host, where one can see that another has ended.
  bool one_host = true;
  int64_t heal_ns = 0;  // from here on nothing breaks any more
  BusWeather weather;
  EngineHabits habits;
  std::vector<int64_t> wall_offset_ns;  // by host
  std::vector<bool> fails_to_arm;       // by host
  // Requests per second that every driver allows; 0: any.
  double max_rate = 0;
  std::vector<PlannedTest> tests;
  std::vector<Fault> faults;
};

Choices Choose(Random random);

const char* FaultName(Fault::Kind kind);

}  // namespace loadtest::sim
