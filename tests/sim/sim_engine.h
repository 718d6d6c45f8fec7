// The load loop without sockets: follows the real plan, and chance answers the requests.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "driver/core/driver_agent.h"
#include "driver/engine/interval_channel.h"
#include "driver/engine/load_plan.h"
#include "driver/load_run.h"
#include "tests/sim/ledger.h"
#include "tests/sim/random.h"

namespace loadtest::sim {

// How the target and the sending thread behave.
struct EngineHabits {
  int64_t arm_ns = 0;
  bool fails_to_arm = false;
  int64_t fastest_answer_ns = 0;
  int64_t slowest_answer_ns = 0;
  // Per mille of requests.
  int reset_per_mille = 0;
  int silent_per_mille = 0;   // never answered
  int refused_per_mille = 0;  // no connection: dropped
  int error_status_per_mille = 0;
  // Open loop: requests that may be under way at once.
  int most_in_flight = 1'000;
};

// Statistics of an interval take a megabyte: they are used again by run after run.
class ChannelPool {
 public:
  std::unique_ptr<IntervalChannel> Take();
  // All but `current` are in the channel.
  void GiveBack(std::unique_ptr<IntervalChannel> channel, std::unique_ptr<IntervalStats> current);

 private:
  std::vector<std::unique_ptr<IntervalChannel>> free_;
};

// One run. Time comes in steps, by Advance; within a step everything happens at its own time.
class SimEngine {
 public:
  using Progress = LoadRun::Progress;

  // Times are the world's. `record` must outlive it.
  SimEngine(ArmRun order, const EngineHabits& habits, Random random, int64_t now_ns,
            int64_t start_ns, ChannelPool& pool, RunRecord& record);
  ~SimEngine();

  // Up to `now_ns`, which never goes back.
  void Advance(int64_t now_ns);
  // When Advance would have something to tell (phase, interval), at the latest.
  int64_t NextNewsNs() const;

  // The sending thread gets no core until then: what should have happened before happens then.
  void Stall(int64_t until_ns);
  void OrderStop(const StopRun& stop);
  void OrderShares(const ReplaceShares& order);
  bool HasUntakenShares() const { return untaken_shares_; }

  Progress progress() const { return progress_; }
  const ArmRun& order() const { return order_; }
  const std::string& arm_error() const { return arm_error_; }
  std::unique_ptr<IntervalStats> TakeInterval() {
    if (full_ == 0) return nullptr;
    --full_;
    return channel_->Take();
  }
  void GiveBack(std::unique_ptr<IntervalStats> stats) { channel_->GiveBack(std::move(stats)); }
  RunRecord& record() { return record_; }

 private:
  enum class Fate { kAnswered, kReset, kTimedOut };
  struct Request {
    int64_t due_ns;  // after the start, as all here
    int64_t sent_ns;
    int64_t over_ns;
    Fate fate;
    bool operator<(const Request& other) const { return over_ns > other.over_ns; }
  };

  int64_t NextNs() const;
  void Do(int64_t at_ns);
  void AdvanceDue(int64_t at_ns);
  void SendWhatMay(int64_t at_ns);
  void SendOne(int64_t due_ns, int64_t at_ns);
  void Finish(const Request& request);
  void DropWaiting(int64_t requests, v1::ErrorKind kind);
  void BeginDraining(int64_t from_ns, int64_t drain_ns);
  void EndIfOver(int64_t at_ns);
  void Fill(int64_t end_offset_ns);
  bool MayTakeUp(int64_t at_ns) const;
  IntervalStats::Part PartOf(int64_t due_ns) const {
    return due_ns < plan_.sends.warmup_ns() ? IntervalStats::kWarmup : IntervalStats::kMeasured;
  }
  int64_t waiting() const { return static_cast<int64_t>(waiting_due_.size()); }

  const ArmRun order_;
  const EngineHabits habits_;
  Random random_;
  const int64_t start_ns_;
  int64_t armed_at_ns_;
  ChannelPool& pool_;
  RunRecord& record_;

  LoadPlan plan_;
  std::string arm_error_;
  std::unique_ptr<IntervalChannel> channel_;
  std::unique_ptr<IntervalStats> stats_;
  int full_ = 0;  // intervals in the channel: asking a queue that is empty costs a system call
  std::unique_ptr<DueCursor> coming_;
  std::unique_ptr<SendShares> shares_;
  int64_t closed_end_ns_ = 0;
  bool untaken_shares_ = false;
  Progress progress_ = Progress::kArming;
  v1::MetricsReport::EndReason stop_ = v1::MetricsReport::END_REASON_UNSPECIFIED;
  std::string stop_error_;
  int64_t now_ns_;
  int64_t stalled_until_ns_ = INT64_MIN / 2;
  int64_t next_cut_ns_ = 0;
  int64_t drain_deadline_ns_ = 0;
  std::vector<Request> in_flight_;  // a heap: the first that is over at the front
  int64_t in_flight_of_[2] = {0, 0};
  // Due times of requests that no lane has taken up, oldest first.
  std::deque<int64_t> waiting_due_;
  int64_t measured_taken_up_ = 0;  // closed loop
  bool has_sent_ = false;
  int64_t first_send_ns_ = 0;
  int64_t last_send_ns_ = 0;
};

}  // namespace loadtest::sim
