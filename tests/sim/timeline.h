// Simulated time: what happens when, one thing after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace loadtest::sim {

// Nanoseconds since the simulation began. What is due at the same time happens in the order in
// which it was asked for.
class Timeline {
 public:
  int64_t now() const { return now_; }

  // A time that has passed means now.
  void At(int64_t when_ns, std::function<void()> what) {
    queue_.push({when_ns < now_ ? now_ : when_ns, next_number_++, std::move(what)});
  }

  // Does what comes next, unless it is after `until_ns`. False when nothing was done; it is then
  // `until_ns`.
  bool Step(int64_t until_ns) {
    if (queue_.empty() || queue_.top().when_ns > until_ns) {
      now_ = until_ns;
      return false;
    }
    // The top is const; it is popped before anything can look at it again.
    Entry entry = std::move(const_cast<Entry&>(queue_.top()));
    queue_.pop();
    now_ = entry.when_ns;
    entry.what();
    return true;
  }

 private:
  struct Entry {
    int64_t when_ns;
    uint64_t number;
    std::function<void()> what;
    bool operator<(const Entry& other) const {
      return when_ns != other.when_ns ? when_ns > other.when_ns : number > other.number;
    }
  };

  int64_t now_ = 0;
  uint64_t next_number_ = 0;
  std::priority_queue<Entry> queue_;
};

}  // namespace loadtest::sim
