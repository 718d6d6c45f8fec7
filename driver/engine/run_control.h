// All that the loop thread and the rest of the process share while a test runs, but for its
// statistics.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "driver/engine/send_shares.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {

enum class RunPhase {
  kArming,    // resolves and connects
  kArmed,     // ready, waits for the start
  kRunning,   // requests become due
  kDraining,  // nothing more becomes due; answers are awaited
  kEnded,     // the final interval was handed over
};

// One run. The loop thread writes the phase and the lag; one other thread gives orders.
class RunControl {
 public:
  RunControl() = default;
  ~RunControl() { TakeShares(); }
  RunControl(const RunControl&) = delete;
  RunControl& operator=(const RunControl&) = delete;

  RunPhase phase() const { return phase_.load(std::memory_order_acquire); }
  void SetPhase(RunPhase phase) { phase_.store(phase, std::memory_order_release); }

  // Orders the loop to end; a later order replaces an earlier one. It is seen in the loop's next
  // turn, so wake its transport after it. `error` is kept from the first order that has one.
  void OrderStop(v1::MetricsReport::EndReason reason, std::string error = "") {
    if (!error_set_ && !error.empty()) {
      error_ = std::move(error);
      error_set_ = true;
    }
    stop_reason_.store(reason, std::memory_order_release);
  }

  // END_REASON_UNSPECIFIED: no stop was ordered.
  v1::MetricsReport::EndReason stop_reason() const {
    return static_cast<v1::MetricsReport::EndReason>(stop_reason_.load(std::memory_order_acquire));
  }
  // For the loop thread, once it saw a reason that comes with one.
  const std::string& error() const { return error_; }

  // Orders the loop to go on with other shares. It is seen in the loop's next turn, as a stop is.
  void OrderShares(std::vector<Share> shares) {
    auto* order = new SharesOrder{.shares = std::move(shares), .before = newest_shares_.load()};
    while (!newest_shares_.compare_exchange_weak(order->before, order)) {
    }
  }
  bool HasShares() const { return newest_shares_.load(std::memory_order_acquire) != nullptr; }
  // The orders that nobody has taken, the oldest first.
  std::vector<std::vector<Share>> TakeShares() {
    std::vector<std::vector<Share>> orders;
    SharesOrder* order = newest_shares_.exchange(nullptr, std::memory_order_acq_rel);
    while (order != nullptr) {
      orders.push_back(std::move(order->shares));
      delete std::exchange(order, order->before);
    }
    std::reverse(orders.begin(), orders.end());
    return orders;
  }

  // The longest turn of the loop since the last call, nanoseconds.
  int64_t TakeLoopLag() { return loop_lag_ns_.exchange(0, std::memory_order_relaxed); }
  // For the loop thread. A turn that ends just while the other thread takes the lag may be lost: it
  // is a gauge for people.
  void NoteTurn(int64_t ns) {
    if (ns > loop_lag_ns_.load(std::memory_order_relaxed)) {
      loop_lag_ns_.store(ns, std::memory_order_relaxed);
    }
  }

 private:
  // A list, so that giving and taking orders needs no lock.
  struct SharesOrder {
    std::vector<Share> shares;
    SharesOrder* before = nullptr;
  };

  std::atomic<RunPhase> phase_{RunPhase::kArming};
  std::atomic<int> stop_reason_{v1::MetricsReport::END_REASON_UNSPECIFIED};
  std::atomic<int64_t> loop_lag_ns_{0};
  std::atomic<SharesOrder*> newest_shares_{nullptr};
  std::string error_;       // written before stop_reason_, read after it
  bool error_set_ = false;  // of the ordering thread
};

}  // namespace loadtest
