// The driver processes that `orchestrator N` starts, watches and ends with itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/log.h"
#include "common/base/time.h"

namespace loadtest {

// Each child has the reading end of a pipe, its life line: it is cut when this process is gone,
// however it went. Then a driver of an embedded broker ends at once; on a real Kafka one that runs
// a test goes on with it, for the next orchestrator, and ends after that (docs/decisions/0011).
//
// Owned by the main thread, which alone may call it.
class DriverProcesses {
 public:
  struct Options {
    std::string program;
    // Given to each, before `--id NAME`.
    std::vector<std::string> arguments;
    int count = 0;
    // driver.metrics_address, of which each driver takes the next port; empty: none.
    std::string metrics_address = {};
    // Ids that drivers of an orchestrator before this one still have.
    std::set<std::string> taken_ids = {};
  };

  DriverProcesses(Options options, const Logger& log) : options_(std::move(options)), log_(log) {}
  ~DriverProcesses();
  DriverProcesses(const DriverProcesses&) = delete;
  DriverProcesses& operator=(const DriverProcesses&) = delete;

  // Starts all, as driver-1, driver-2 ... but for ids that are taken, 8 ms apart: the embedded
  // broker accepts only five connections at once. Error: the program cannot be run.
  absl::Status Start();

  // Starts again what has died, after a wait that doubles from 0.1 s to 5 s. To be called every few
  // hundred milliseconds.
  void Watch(MonotonicTime now);

  // SIGTERM to all, SIGKILL to those still there after `patience`. Returns when none is left.
  void Stop(std::chrono::milliseconds patience);

  // Leaves all to themselves: when this process has ended they end too, after the test they run.
  void Abandon() { children_.clear(); }

 private:
  struct Child {
    std::string id;
    std::string metrics_address;
    pid_t pid = -1;
    int64_t started_ns = 0;
    int64_t start_again_ns = 0;
    int64_t backoff_ns = 0;
  };

  absl::Status Launch(Child& child, MonotonicTime now);

  const Options options_;
  const Logger& log_;
  std::vector<Child> children_;
  int lifeline_fds_[2] = {-1, -1};  // of the pipe: the children's end, this process's
};

}  // namespace loadtest
