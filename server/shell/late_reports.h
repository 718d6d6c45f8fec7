// Late reports that wait until the core has been reminded of their test.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/bus/message_bus.h"
#include "server/core/record_decoder.h"

namespace loadtest {

// While one waits, the offsets behind it must not be stored: should the process die, it is read
// again.
//
// Owned by the core thread; not thread-safe.
class LateReports {
 public:
  struct Report {
    Record record;
    absl::StatusOr<BusMessage> message;
  };

  void Hold(const std::string& test_id, Report report);
  // Tests for which nobody has begun to read.
  std::vector<std::string> Unbegun() const;
  void SetBegun(const std::string& test_id) { tests_[test_id].begun = true; }
  // Those of a test, in their order; they wait no more.
  std::vector<Report> Take(const std::string& test_id);

  bool empty() const { return tests_.empty(); }
  // So many wait that nothing more should be read.
  bool full() const { return count_ > kMost; }

  // What has been read while reports wait.
  void HoldOffset(TopicPartition at, int64_t next) { offsets_[at] = next; }
  // Once none waits.
  Offsets TakeOffsets() { return std::exchange(offsets_, {}); }

  static constexpr size_t kMost = 5'000;

 private:
  struct Test {
    std::vector<Report> reports;
    bool begun = false;
  };
  std::map<std::string, Test> tests_;
  size_t count_ = 0;
  Offsets offsets_;
};

}  // namespace loadtest
