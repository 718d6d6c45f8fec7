// SIGTERM and SIGINT: the first asks the process to end, the second ends it.
#pragma once

#include <atomic>
#include <memory>

namespace loadtest {

// Make it before any other thread, for threads inherit which signals they leave alone. Lasts until
// the process ends.
class StopSignals {
 public:
  StopSignals();

  // From now on the first signal only sets requested(); before, it ends the process at once.
  void BeGraceful() { state_->graceful = true; }
  bool requested() const { return state_->requested; }

 private:
  struct State {
    std::atomic<bool> graceful = false;
    std::atomic<bool> requested = false;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace loadtest
