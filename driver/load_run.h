// A test as it runs in this process: the thread that sends its load.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "common/base/time.h"
#include "driver/core/driver_agent.h"
#include "driver/core/target_policy.h"
#include "driver/engine/http_stack.h"
#include "driver/engine/interval_channel.h"
#include "driver/engine/load_plan.h"
#include "driver/engine/run_control.h"

namespace loadtest {

// Begins to arm when it is made, and ends when its plan is done or it is told to. Its functions are
// for one thread, the one that made it; they never wait.
class LoadRun {
 public:
  enum class Progress { kArming, kArmFailed, kArmed, kRunning, kDraining, kEnded };

  struct Options {
    TargetPolicy targets;
    // Where connections come from; empty: the system chooses.
    std::vector<SocketAddress> sources;
  };

  LoadRun(ArmRun order, Options options, Clock& clock);
  // Waits for the thread: order a stop before it, unless the run has ended.
  ~LoadRun();

  Progress progress() const;
  const ArmRun& order() const { return order_; }

  // Once kArmFailed: why.
  const absl::Status& arm_error() const { return arm_error_; }
  // From kArmed on: the addresses the target resolved to.
  const std::vector<std::string>& target_addresses() const { return target_addresses_; }
  // The same: how it talks to its sockets, and how https was agreed on (empty without).
  std::string transport_name() const { return stack_->transport_name(); }
  std::string tls_description() const { return stack_->tls_description(); }

  void OrderStop(const StopRun& stop);
  void OrderShares(const ReplaceShares& order);
  // Once kEnded: an order came when nothing could be done about it any more.
  bool HasUntakenShares() const { return control_.HasShares(); }
  int64_t TakeLoopLag() { return control_.TakeLoopLag(); }

  // The oldest interval that nobody has taken; null: none. To be given back when it was reported.
  std::unique_ptr<IntervalStats> TakeInterval() { return intervals_.Take(); }
  void GiveBack(std::unique_ptr<IntervalStats> stats) { intervals_.GiveBack(std::move(stats)); }

 private:
  void Wake();
  void RunThread();
  // Everything that must be there before the loop can be. Leaves plan_ and transport_.
  absl::Status Arm();

  const ArmRun order_;
  const Options options_;
  Clock& clock_;
  RunControl control_;
  IntervalChannel intervals_;

  // Written by the thread before it says so through failed_ or the phase.
  absl::Status arm_error_;
  std::vector<std::string> target_addresses_;
  std::atomic<bool> failed_ = false;

  // Of the thread.
  LoadPlan plan_;
  std::unique_ptr<HttpStack> stack_;
  // The same once it is there, for waking it.
  std::atomic<HttpClient*> wakeable_ = nullptr;

  std::thread thread_;
};

}  // namespace loadtest
