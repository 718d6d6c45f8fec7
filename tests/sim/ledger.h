// What really happened, written down by those who did it: the truth that reports are held against.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "loadtest/v1/bus.pb.h"

namespace loadtest::sim {

// Requests of one part (warm-up or measured) of one run, by what became of them.
struct Tally {
  int64_t due = 0;
  int64_t sent = 0;
  int64_t completed = 0;
  int64_t failed = 0;
  int64_t dropped = 0;

  Tally& operator+=(const Tally& other) {
    due += other.due;
    sent += other.sent;
    completed += other.completed;
    failed += other.failed;
    dropped += other.dropped;
    return *this;
  }
  bool operator==(const Tally&) const = default;
};

inline Tally TallyOf(const v1::RequestCounts& counts) {
  return {.due = counts.due(),
          .sent = counts.sent(),
          .completed = counts.completed(),
          .failed = counts.failed(),
          .dropped = counts.dropped()};
}

// One driver's run of one test.
struct RunRecord {
  std::string test_id;
  std::string driver_id;
  int64_t incarnation = 0;
  v1::Started started;
  // By IntervalStats::Part.
  Tally tally[2];
  // Due times, in nanoseconds after the start, of the requests that were sent and of those that
  // were dropped.
  std::vector<int64_t> sent;
  std::vector<int64_t> dropped;
  // Offsets of the records on `trigger` that made it arm, take shares or end.
  std::set<int64_t> obeyed;
  // Of those that gave it shares while it ran, and how often it said that it does not send some.
  std::set<int64_t> offered;
  int refusals = 0;
  int times_armed = 0;
  // It said that it cannot run the test because it runs it.
  bool refused_itself = false;
  // What was cut into reports, by sequence.
  std::map<int64_t, v1::MetricsReport> reports;
  bool armed = false;
  bool ended = false;
  v1::MetricsReport::EndReason end_reason = v1::MetricsReport::END_REASON_UNSPECIFIED;
  // Requests were sent although the lease had been over for seconds.
  bool overstayed = false;
  // The process died in the midst of it.
  bool killed = false;
};

// Owned by the world. References to its runs stay valid.
class Ledger {
 public:
  using Key = std::tuple<std::string, std::string, int64_t>;  // test, driver, incarnation

  RunRecord& Begin(const std::string& test, const std::string& driver, int64_t incarnation) {
    RunRecord& run = runs_[{test, driver, incarnation}];
    run.test_id = test;
    run.driver_id = driver;
    run.incarnation = incarnation;
    return run;
  }
  const RunRecord* Find(const std::string& test, const std::string& driver,
                        int64_t incarnation) const {
    const auto it = runs_.find({test, driver, incarnation});
    return it == runs_.end() ? nullptr : &it->second;
  }
  const std::map<Key, RunRecord>& runs() const { return runs_; }

 private:
  std::map<Key, RunRecord> runs_;
};

}  // namespace loadtest::sim
