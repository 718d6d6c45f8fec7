// The driver processes that `orchestrator N` starts, watches and ends with itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/log.h"
#include "common/base/time.h"

namespace loadtest {

// Each child has the read end of one pipe, its lifeline, of which this process alone has the other
// end. When this process is gone, even by SIGKILL, a child that is idle ends at once, and one that
// runs a test on a real Kafka ends after it, for another life of the orchestrator may pick the test
// up: driver/lifeline.h.
//
// Owned by one thread.
class DriverProcesses {
 public:
  struct Options {
    std::string program;
    // Given to each, before `--id NAME`.
    std::vector<std::string> arguments;
    int count = 0;
  };

  DriverProcesses(Options options, const Logger& log) : options_(std::move(options)), log_(log) {}
  ~DriverProcesses();
  DriverProcesses(const DriverProcesses&) = delete;
  DriverProcesses& operator=(const DriverProcesses&) = delete;

  // Starts all, 8 ms apart: the embedded broker accepts only five connections at once. Error: the
  // program cannot be run.
  absl::Status Start();

  // Starts again what has died, after a wait that doubles from 0.1 s to 5 s. To be called every few
  // hundred milliseconds.
  void Watch(MonotonicTime now);

  // SIGTERM to all, SIGKILL to those still there after `patience`. Returns when none is left.
  void Stop(std::chrono::milliseconds patience);

 private:
  struct Child {
    std::string id;
    pid_t pid = -1;
    int64_t started_ns = 0;
    int64_t start_again_ns = 0;
    int64_t backoff_ns = 0;
  };

  absl::Status Launch(Child& child, MonotonicTime now);

  const Options options_;
  const Logger& log_;
  std::vector<Child> children_;
  int lifeline_[2] = {-1, -1};
};

}  // namespace loadtest
