// One life of a driver: the real agent and outbox in a shell that simulated time moves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "driver/core/driver_agent.h"
#include "driver/report_outbox.h"
#include "tests/sim/ledger.h"
#include "tests/sim/sim_bus.h"
#include "tests/sim/sim_engine.h"

namespace loadtest::sim {

// Does what DriverProcess does, turn by turn. Destroying it is kill -9.
class SimDriver {
 public:
  struct Options {
    std::string id;
    int64_t incarnation = 0;
    DriverPolicy policy;
    int64_t heartbeat_interval_ns = kNanosPerSecond;
    // The host's wall clock less the world's, and its monotonic clock less the world's.
    int64_t wall_offset_ns = 0;
    int64_t mono_offset_ns = 0;
    // Asked anew for each run.
    std::function<EngineHabits()> habits;
  };

  // References must outlive it.
  SimDriver(Options options, Timeline& timeline, Trace& trace, Ledger& ledger, ChannelPool& pool,
            Random random, std::unique_ptr<SimBus> bus);
  ~SimDriver();

  // To be called whenever the bus has something, and at NextTurnNs.
  void Turn();
  int64_t NextTurnNs() const;

  // Leaves in order: ends its run, says goodbye. left() once it is gone.
  void Leave();
  bool left() const { return left_; }

  SimBus& bus() { return *bus_; }
  SimEngine* engine() { return engine_.get(); }
  const Options& options() const { return options_; }
  // All it had to say has reached the broker.
  bool HasSaidAll() const { return engine_ == nullptr && outbox_.empty() && bus_->HasSaidAll(); }

 private:
  MonotonicTime Mono() const { return {timeline_.now() + options_.mono_offset_ns}; }
  WallTime Wall() const { return {timeline_.now() + options_.wall_offset_ns}; }

  bool AssignTrigger();
  void Register();
  void TakeRecord(const Record& record);
  void Note(const v1::Trigger& trigger, int64_t offset, bool obeyed);
  void Perform(std::vector<AgentAction> actions);
  void Arm(ArmRun order);
  bool FollowRun();
  void PublishIntervals();
  void Beat();
  void WatchLease();

  const Options options_;
  Timeline& timeline_;
  Trace& trace_;
  Ledger& ledger_;
  ChannelPool& pool_;
  Random random_;
  const std::unique_ptr<SimBus> bus_;
  DriverAgent agent_;
  ReportOutbox outbox_;
  std::unique_ptr<SimEngine> engine_;
  Offsets glance_to_;
  v1::Started last_started_;
  std::vector<std::string> tests_;  // that it has taken part in
  int64_t report_sequence_ = 0;
  bool assigned_ = false;
  const std::shared_ptr<bool> registration_failed_ = std::make_shared<bool>(false);
  bool leaving_ = false;
  bool left_ = false;
  int64_t leave_deadline_ns_ = 0;
  int64_t next_beat_ns_ = 0;
  int64_t heard_ns_ = 0;  // when a record of an orchestrator was last read
  // When it was first seen that the lease was over, and what was sent by then; -1: it is not.
  int64_t over_ns_ = -1;
  int64_t sent_when_over_ = 0;
};

}  // namespace loadtest::sim
