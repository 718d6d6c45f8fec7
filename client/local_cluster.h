// `run --local N`: an orchestrator with N drivers and the embedded broker, for one test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace loadtest {

// A child process and a temporary folder with its data and its log. Both are gone when this is, and
// the child also when this process dies in whatever way. Thread-safe.
class LocalCluster {
 public:
  struct Options {
    // Path of the program `orchestrator`.
    std::string orchestrator;
    int drivers = 2;
    std::chrono::milliseconds start_timeout{15'000};
  };

  // Starts the program; it is not ready yet.
  static absl::StatusOr<std::unique_ptr<LocalCluster>> Start(const Options& options);
  ~LocalCluster() { Stop(); }

  // Waits until it serves. Errors have the last line that it logged.
  absl::Status AwaitReady();

  // "127.0.0.1:43211"; empty before it is ready.
  const std::string& grpc_address() const { return grpc_address_; }

  // The last line that it logged; empty if it has said nothing.
  std::string LastLogLine() const;

  // Ends the child (its drivers end with it) and removes the folder. Does nothing the second time.
  void Stop();

 private:
  LocalCluster(const Options& options, std::string folder);
  absl::Status Spawn();
  // Ready file -> address. NotFound while there is none.
  absl::StatusOr<std::string> ReadReadyFile() const;
  // Whether the child has ended; `how` then says it in words.
  bool HasEnded(std::string& how);

  const Options options_;
  const std::string folder_;
  std::string grpc_address_;
  std::mutex mutex_;  // guards what is below
  pid_t pid_ = -1;
  bool stopped_ = false;
};

}  // namespace loadtest
