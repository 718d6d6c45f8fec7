// One life of an orchestrator: the real core and decision queue in a shell that simulated time
// moves.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/core/orchestrator_core.h"
#include "server/shell/bus_echo.h"
#include "server/shell/decision_queue.h"
#include "server/shell/read_lag.h"
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
    // For the chance by which two that begin at once differ.
    int64_t writer_salt = 0;
    // Whether the process that gave a sign of life has certainly ended.
    std::function<bool(const v1::OrchestratorAlive&)> is_gone;
  };

  // References must outlive it.
  SimOrchestrator(Options options, Timeline& timeline, Trace& trace, SimStore& store,
                  std::unique_ptr<SimBus> bus);

  // To be called whenever the bus has something, and at NextTurnNs. With `dies_after` >= 0 the
  // process ends in the midst of it, after so many records, before they are stored; the caller must
  // destroy it then.
  void Turn(int dies_after = -1);
  // The same before anything is read: after a while in which the process did not run, the core
  // thread may be quicker than the one that reads.
  void TurnBlindly() { Tick(); }
  int64_t NextTurnNs() const;

  // It has read what there was, and taken over: it answers callers.
  bool serving() const { return state_ == State::kServing; }
  // It must not go on: another one is there, or has replaced it, or the broker did not answer.
  bool has_ended() const { return state_ == State::kEnded || fenced_; }
  bool fenced() const { return fenced_; }
  // Says goodbye, before it is destroyed in order.
  void Retire();

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
  // It decided something before all that it had read was applied.
  bool decided_blindly() const { return decided_blindly_; }
  // Tests that it ended although it heard a driver that was not done with them, or would have if it
  // had read what had been on the topics for a while; and drivers that it took for silent likewise.
  const std::set<std::string>& ended_too_soon() const { return ended_too_soon_; }
  const std::set<std::string>& lost_too_soon() const { return lost_too_soon_; }
  // Offsets of the decisions on `trigger` that this life applied and did not reject.
  const std::set<int64_t>& obeyed() const { return obeyed_; }

 private:
  enum class State {
    kWaitingForBroker,
    kCatchingUp,
    kClaiming,      // its claim is not read back yet
    kAwaitingSign,  // of the one that was there
    kTakingOver,
    kServing,
    kEnded,
  };

  // orchestrator_recovery.cc, step by step instead of waiting.
  void Recover();
  bool StartOffsets(const Offsets& stored);
  void TakeRecords(std::vector<Record> records, int dies_after);
  void GoOnWithStart();
  void BeginTakeOver();
  void PublishTakeOver();
  void Serve();
  void End(const std::string& why);

  // orchestrator.cc.
  bool Wake(const std::string& id);
  void GiveSigns(Moment now);
  void EndCatchUpWhenRead(Moment now);
  void PublishSign(v1::OrchestratorAlive::Kind kind);
  void OnRecord(const Record& record);
  void Tick();
  void WatchEnd(const v1::Trigger& end);
  void WatchLosses(const std::vector<Notice>& notices);
  // Whether a record of that life of a driver, of `topic` at `read` or later, has been there for a
  // while at `at_ns`.
  bool IsUnread(Topic topic, const DriverLife& life, const Offsets& read, int64_t at_ns) const;
  std::vector<Notice> Apply(const Record& record);
  void OnNotices(const std::vector<Notice>& notices, const Record* record);
  void DeleteFromStore(const std::string& id);
  void BuildReports();
  void WriteStore(bool all);

  const Options options_;
  Timeline& timeline_;
  Trace& trace_;
  SimStore& store_;
  const std::unique_ptr<SimBus> bus_;
  OrchestratorCore core_;
  DecisionQueue decisions_;
  BusEcho echo_;
  ReadLag read_lag_;

  State state_ = State::kWaitingForBroker;
  bool began_empty_ = false;
  bool decided_blindly_ = false;
  std::set<std::string> ended_too_soon_;
  std::set<std::string> lost_too_soon_;
  // What had been read when something was decided, by that time; and how many events of each test
  // have been looked at.
  std::map<int64_t, Offsets> read_at_decision_;
  std::map<std::string, size_t> events_seen_;
  std::set<int64_t> obeyed_;
  Offsets offsets_;
  int64_t polled_to_ = 0;  // of `trigger`, while it starts
  int64_t trigger_end_ = 0;
  Offsets catch_up_to_;
  int64_t deadline_ns_ = 0;
  int64_t asked_ns_ = 0;
  v1::OrchestratorAlive incumbent_;
  int64_t sign_ns_ = 0;
  bool in_office_ = false;
  bool fenced_ = false;
  int64_t last_sign_ns_ = -3'600 * kNanosPerSecond;
  StoreBatch batch_;
  std::set<std::string> changed_tests_;
  std::set<std::string> finished_tests_;
  int64_t last_offsets_write_ns_ = 0;
  int64_t last_store_error_ns_ = -1;
  std::vector<Applied> applied_;
};

}  // namespace loadtest::sim
