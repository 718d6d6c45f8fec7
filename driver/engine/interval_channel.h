// The way of an interval's statistics from the loop thread to whoever reports them.
#pragma once

#include <memory>
#include <utility>

#include "common/base/bounded_queue.h"
#include "driver/engine/interval_stats.h"

namespace loadtest {

// A fixed number of IntervalStats that go round: counted into, handed over, reported, cleared, used
// again. The loop thread never waits and never allocates: when the reporter is so slow that none is
// back yet, it goes on counting into the one it has, and two intervals become one.
//
// Thread-safe: the first group of functions is for the loop thread, the second for the reporter.
class IntervalChannel {
 public:
  explicit IntervalChannel(int spares = 4) : spares_(spares + 1), full_(spares + 1) {
    for (int i = 0; i <= spares; ++i) spares_.TryPush(std::make_unique<IntervalStats>());
  }

  // The one to count into first. Once only.
  std::unique_ptr<IntervalStats> Begin() { return *spares_.TryPop(); }

  // Hands `current` over and replaces it by an empty one. False, and `current` stays, when none is
  // there.
  bool Exchange(std::unique_ptr<IntervalStats>& current) {
    std::optional<std::unique_ptr<IntervalStats>> spare = spares_.TryPop();
    if (!spare) return false;
    full_.TryPush(std::exchange(current, *std::move(spare)));
    return true;
  }

  // Hands the last one over. Never refused: the queue has room for all there are.
  void Finish(std::unique_ptr<IntervalStats> last) { full_.TryPush(std::move(last)); }

  // The oldest one handed over; null when there is none.
  std::unique_ptr<IntervalStats> Take() {
    std::optional<std::unique_ptr<IntervalStats>> stats = full_.TryPop();
    return stats ? *std::move(stats) : nullptr;
  }

  void GiveBack(std::unique_ptr<IntervalStats> stats) {
    stats->Clear();
    spares_.TryPush(std::move(stats));
  }

 private:
  BoundedQueue<std::unique_ptr<IntervalStats>> spares_;
  BoundedQueue<std::unique_ptr<IntervalStats>> full_;
};

}  // namespace loadtest
