// Deadlines of connections, made so that moving one further away costs a store and a comparison.
#pragma once

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "common/base/time.h"

namespace loadtest {

// One deadline a connection, or none.
//
// Nearly every deadline of a load test is replaced by a later one long before it comes. So a
// connection stands in the heap at the time at which it must be looked at again, which may be
// before its deadline; only when that time comes is it put to where it belongs. At most one entry a
// connection: constant memory.
//
// Not thread-safe. Allocates only in the constructor.
class DeadlineHeap {
 public:
  static constexpr MonotonicTime kNever = {std::numeric_limits<int64_t>::max()};

  explicit DeadlineHeap(int connections)
      : deadline_(connections, kNever), check_(connections, kNever), place_(connections, kAbsent) {
    heap_.reserve(connections);
  }

  void Set(int connection, MonotonicTime deadline) {
    deadline_[connection] = deadline;
    if (check_[connection] <= deadline) return;
    check_[connection] = deadline;
    if (place_[connection] == kAbsent) {
      place_[connection] = static_cast<int32_t>(heap_.size());
      heap_.push_back(connection);
    }
    SiftUp(place_[connection]);
  }

  void Clear(int connection) { deadline_[connection] = kNever; }

  // No deadline is before this time.
  MonotonicTime NextCheck() const { return heap_.empty() ? kNever : check_[heap_[0]]; }

  // A connection whose deadline is `now` or before, which then has none; -1 when there is none
  // such.
  int TakeExpired(MonotonicTime now) {
    while (!heap_.empty() && check_[heap_[0]] <= now) {
      const int connection = heap_[0];
      const MonotonicTime deadline = deadline_[connection];
      if (deadline > now && deadline < kNever) {
        check_[connection] = deadline;
        SiftDown(0);
        continue;
      }
      RemoveTop();
      deadline_[connection] = kNever;
      if (deadline <= now) return connection;
    }
    return -1;
  }

 private:
  static constexpr int32_t kAbsent = -1;

  bool Before(int32_t a, int32_t b) const { return check_[heap_[a]] < check_[heap_[b]]; }

  void Swap(int32_t a, int32_t b) {
    std::swap(heap_[a], heap_[b]);
    place_[heap_[a]] = a;
    place_[heap_[b]] = b;
  }

  void SiftUp(int32_t place) {
    while (place > 0 && Before(place, (place - 1) / 2)) {
      Swap(place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
  }

  void SiftDown(int32_t place) {
    const int32_t size = static_cast<int32_t>(heap_.size());
    while (true) {
      int32_t first = place;
      for (int32_t child = 2 * place + 1; child <= 2 * place + 2 && child < size; ++child) {
        if (Before(child, first)) first = child;
      }
      if (first == place) return;
      Swap(place, first);
      place = first;
    }
  }

  void RemoveTop() {
    const int32_t removed = heap_[0];
    Swap(0, static_cast<int32_t>(heap_.size()) - 1);
    heap_.pop_back();
    place_[removed] = kAbsent;
    check_[removed] = kNever;
    if (!heap_.empty()) SiftDown(0);
  }

  std::vector<MonotonicTime> deadline_;
  std::vector<MonotonicTime> check_;  // when to look at the connection; never after its deadline
  std::vector<int32_t> place_;        // in heap_, or kAbsent
  std::vector<int32_t> heap_;         // connections, the earliest check first
};

}  // namespace loadtest
