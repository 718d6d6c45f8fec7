// What is known of a running test, from its updates.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "loadtest/v1/service.pb.h"

namespace loadtest {

// One interval, or several that were put together, of the test's history.
struct HistoryPoint {
  int64_t start_ns = 0;  // after the common start
  int64_t end_ns = 0;
  double sent_per_second = 0;
  int64_t p99_ns = -1;  // the largest; -1: no answer

  int64_t length_ns() const { return end_ns - start_ns; }
};

// Not thread-safe.
class LiveState {
 public:
  void Apply(const v1::LoadTestUpdate& update);

  // The newest one.
  const v1::LoadTestUpdate& update() const { return update_; }
  // The newest interval that is long enough to have a rate. With length 0: there was none yet.
  const v1::IntervalResult& interval() const { return interval_; }
  // Oldest first. Of a long test, neighbours are put together, so that there are never more than
  // some thousand.
  const std::vector<HistoryPoint>& history() const { return history_; }
  // Newest last; of many, the newest.
  const std::deque<v1::Event>& events() const { return events_; }
  // Whether all intervals so far were warm-up.
  bool is_warming_up() const { return is_warming_up_; }

  bool is_sending() const;
  bool has_ended() const;

 private:
  v1::LoadTestUpdate update_;
  v1::IntervalResult interval_;
  std::vector<HistoryPoint> history_;
  std::deque<v1::Event> events_;
  bool is_warming_up_ = false;
};

// Requests that were sent a second in an interval, warm-up included.
double SentPerSecond(const v1::IntervalResult& interval);

// Requests a second that the spec asks of all drivers together at `offset_ns` after the common
// start, warm-up included; -1 in a closed loop, which asks for none.
double WantedPerSecond(const v1::LoadTestSpec& spec, int drivers, int64_t offset_ns);

}  // namespace loadtest
