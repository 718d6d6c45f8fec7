// One life of an orchestrator: the real core and decision queue in a shell that simulated time
// moves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/core/orchestrator_core.h"
#include "server/shell/decision_queue.h"
#include "tests/sim/sim_bus.h"
#include "tests/sim/sim_store.h"

namespace loadtest::sim {

// Does what server/shell/orchestrator.cc does, without threads and doors. Destroying it is kill -9.
class SimOrchestrator {
 public:
  struct Options {
    CoreOptions core;
    std::string name;
    int64_t wall_offset_ns = 0;
    int64_t mono_offset_ns = 0;
  };

  // References must outlive it.
  SimOrchestrator(Options options, Timeline& timeline, Trace& trace, SimStore& store,
                  std::unique_ptr<SimBus> bus);

  // To be called whenever the bus has something, and at NextTurnNs. With `dies_after` >= 0 the
  // process ends in the midst of it, after so many records, before they are stored; the caller must
  // destroy it then.
  void Turn(int dies_after = -1);
  int64_t NextTurnNs() const;

  // Reads the topics to where they were at its start, and is not there for callers before that.
  bool serving() const { return state_ == State::kServing; }

  void Submit(CoreRequest request, DecisionQueue::Done done);
  // As the door answers it.
  std::unique_ptr<v1::Report> FindReport(const std::string& id) const;

  SimBus& bus() { return *bus_; }
  const OrchestratorCore& core() const { return core_; }
  Moment Now() const {
    return {{timeline_.now() + options_.mono_offset_ns},
            {timeline_.now() + options_.wall_offset_ns}};
  }

  // Everything the core was given, in order; for replay.
  struct Applied {
    Moment when;
    Record record;
  };
  const std::vector<Applied>& applied() const { return applied_; }
  // Whether this life began with an empty store, so that applied() is the whole truth.
  bool began_empty() const { return began_empty_; }
  // Reports that came long after the end of their test, and the like.
  const std::vector<std::string>& rejected() const { return rejected_; }

 private:
  enum class State { kWaitingForBroker, kCatchingUp, kServing };

  void Recover();
  bool StartOffsets(const Offsets& stored);
  void OnRecord(const Record& record);
  void Apply(const Record& record);
  void OnNotices(const std::vector<Notice>& notices, const Record* record);
  void WriteStore(bool all);

  const Options options_;
  Timeline& timeline_;
  Trace& trace_;
  SimStore& store_;
  const std::unique_ptr<SimBus> bus_;
  OrchestratorCore core_;
  DecisionQueue decisions_;

  State state_ = State::kWaitingForBroker;
  bool began_empty_ = false;
  Offsets offsets_;
  int64_t catch_up_to_ = 0;
  StoreBatch batch_;
  std::set<std::string> changed_tests_;
  std::set<std::string> finished_tests_;
  int64_t last_offsets_write_ns_ = 0;
  int64_t last_store_error_ns_ = -1;
  std::vector<Applied> applied_;
  std::vector<std::string> rejected_;
};

}  // namespace loadtest::sim
