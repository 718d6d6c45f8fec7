// A thread that reads the store beside the core thread, which does not wait for it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "common/base/bounded_queue.h"
#include "server/store/store_reader.h"

namespace loadtest {

// Does one job after the other, so that what is read at once has a bound: one job's worth.
//
// Owned by the orchestrator. TryRun may be called by any thread.
class ReaderThread {
 public:
  // Runs on the reader's thread, or, with an error and without a reader, on that of the destructor.
  using Job = std::function<void(const absl::StatusOr<StoreReader*>&)>;

  // Reads the store in the file `path` once there is something to do; of jobs that have not begun
  // it keeps so many. `name` is the thread's, of at most 15 letters.
  ReaderThread(const char* name, std::string path, size_t most_waiting);
  // Answers what has not begun with Unavailable, and waits for the job under way, which should look
  // at stopping().
  ~ReaderThread();

  // False, and the job is not run, when so many wait already.
  bool TryRun(Job job);
  const std::atomic<bool>& stopping() const { return stopping_; }

 private:
  void Run();
  absl::StatusOr<StoreReader*> Reader();

  const char* const name_;
  const std::string path_;
  BoundedQueue<Job> jobs_;
  std::atomic<bool> stopping_ = false;
  std::unique_ptr<StoreReader> reader_;
  std::thread thread_;
};

}  // namespace loadtest
