// Everything there is, moved by one seed: broker, drivers, orchestrator, people, and what goes
// wrong.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/choices.h"
#include "tests/sim/ledger.h"
#include "tests/sim/sim_bus.h"
#include "tests/sim/sim_driver.h"
#include "tests/sim/sim_orchestrator.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/timeline.h"
#include "tests/sim/trace.h"

namespace loadtest::sim {

// What a person or a program asked for, and what came of it.
struct AskedTest {
  PlannedTest plan;
  // Known once the orchestrator has answered.
  std::string id;
  bool deleted = false;
  // After that somebody asked for another test with the same id, and was told no.
  bool refused_again = false;
  bool made_again = false;
};

class World {
 public:
  World(uint64_t seed, bool log);

  // Until everything has come to rest, or must have. False: it has not.
  bool Run();

  const Choices& choices() const { return choices_; }
  const Ledger& ledger() const { return ledger_; }
  const SimBroker& broker() const { return broker_; }
  // The one in charge; null while there is none.
  const SimOrchestrator* orchestrator() const;
  const std::vector<AskedTest>& asked() const { return asked_; }
  const Trace& trace() const { return trace_; }
  // Why Run was false.
  std::string Unrest() const;
  int64_t now() const { return timeline_.now(); }

 private:
  struct Process {
    int64_t next_turn_ns = INT64_MAX;
    int64_t frozen_until_ns = 0;
    int64_t cut_until_ns = 0;
    // When it is to be started again; 0: it runs, or nobody will.
    int64_t down_until_ns = 0;
  };
  struct Host : Process {
    std::string id;
    int64_t wall_offset_ns = 0;
    bool fails_to_arm = false;
    std::unique_ptr<SimDriver> driver;
  };

  // What becomes of an order to drivers that an orchestrator gives next.
  enum class LateOrder {
    kNone,      // nothing
    kStop,      // somebody orders a stop of a test that runs, which is then late
    kAny,       // the next one is late
    kOnItsWay,  // it is, until another orchestrator has taken over
  };
  // A place where an orchestrator runs, with the folder of its store.
  struct Office : Process {
    std::string name;
    std::unique_ptr<SimStore> store = std::make_unique<SimStore>();
    std::unique_ptr<SimOrchestrator> orchestrator;
    int64_t disk_full_until_ns = 0;
    // Since its last turn.
    bool was_frozen = false;
    // The next turn dies after so many records, if not negative; it is started again after so long.
    int dies_after = -1;
    int64_t dies_for_ns = 0;
    // It is cut off for so long when it has decided something, and another one is started; 0: not.
    int64_t supplanted_for_ns = 0;
    LateOrder late_order = LateOrder::kNone;
  };

  // processes.cc.
  void StartDriver(Host& host);
  void StopDriver(Host& host, int64_t for_ns);
  void WakeDriver(Host& host, int64_t at_ns);
  void TurnDriver(Host& host);
  void StartOrchestrator(Office& office);
  void StopOrchestrator(Office& office, int64_t for_ns);
  void WakeOrchestrator(Office& office, int64_t at_ns);
  void TurnOrchestrator(Office& office);
  bool IsGone(const v1::OrchestratorAlive& sign) const;

  // people.cc.
  SimOrchestrator* AnyServing();
  void Ask(size_t test);
  void AskAgainUnless(std::shared_ptr<bool> answered, std::function<void()> again);
  void AskStop(size_t test);
  void AskDelete(size_t test);
  void AskForSameId(size_t test);

  // chaos.cc.
  void Do(const Fault& fault);
  void DoToOrchestrator(const Fault& fault, int64_t until_ns);
  void CutOrchestrator(Office& office, int64_t until_ns);
  void HoldOrder(Office& office);
  void OnAppended(const Record& record);
  void AskForLateStop(Office& office);
  void Heal();

  bool AtRest() const;
  int64_t LongestAfterHealNs() const;

  Timeline timeline_;
  Trace trace_;
  Random random_;
  const Choices choices_;
  BusWeather weather_;
  SimBroker broker_;
  Ledger ledger_;
  // One for the whole program: its memory is what makes a simulation fast.
  static ChannelPool& Pool();
  std::vector<std::unique_ptr<Host>> hosts_;
  int64_t broker_away_until_ns_ = 0;
  std::array<Office, 2> offices_;
  int orchestrator_lives_ = 0;
  std::vector<AskedTest> asked_;
  bool healed_ = false;
};

}  // namespace loadtest::sim
