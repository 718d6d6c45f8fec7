// Interval reports that came before the record that says whose they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {

// The topics are read side by side, so a report may be read before the Started of its test. Such a
// test is known a moment later; but anybody can write reports of tests that nobody has made, so
// what is held is bounded in number, bytes and time.
//
// Pure. Owned by the core; not thread-safe.
class HeldReports {
 public:
  struct Limits {
    size_t reports = 10'000;
    size_t bytes = size_t{32} << 20;
    // How long a test may be unknown.
    int64_t longest_ns = 600 * kNanosPerSecond;
  };
  HeldReports() : HeldReports(Limits{}) {}
  explicit HeldReports(Limits limits) : limits_(limits) {}

  // False: its test has half of all the room already, and this one is dropped. Else room is made,
  // if need be, by dropping those of the test that is waited for longest.
  bool Hold(MonotonicTime now, const v1::MetricsReport& report);

  // Those of a test, in the order in which they came; they are held no longer.
  std::vector<v1::MetricsReport> Take(const std::string& test_id);

  // Drops those of tests that are waited for for too long.
  void Expire(MonotonicTime now);

  // Tests whose reports were dropped since the last call, each once or more.
  std::vector<std::string> TakeForgotten() { return std::exchange(forgotten_, {}); }

  size_t count() const { return count_; }
  // Since the process began.
  int64_t dropped() const { return dropped_; }

 private:
  struct OfTest {
    std::vector<v1::MetricsReport> reports;
    size_t bytes = 0;
    MonotonicTime since;
    int64_t number = 0;
  };
  void Erase(std::map<std::string, OfTest>::iterator it);
  void DropOldest();

  const Limits limits_;
  std::map<std::string, OfTest> tests_;
  std::map<int64_t, std::string> by_age_;  // by OfTest::number
  int64_t next_number_ = 0;
  size_t count_ = 0;
  size_t bytes_ = 0;
  int64_t dropped_ = 0;
  std::vector<std::string> forgotten_;
};

}  // namespace loadtest
