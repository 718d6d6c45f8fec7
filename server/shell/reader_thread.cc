#include "server/shell/reader_thread.h"

#include <pthread.h>

#include <chrono>
#include <optional>
#include <utility>

#include "common/base/status_macros.h"

namespace loadtest {

ReaderThread::ReaderThread(const char* name, std::string path, size_t most_waiting)
    : name_(name), path_(std::move(path)), jobs_(most_waiting), thread_([this] { Run(); }) {}

ReaderThread::~ReaderThread() {
  stopping_ = true;
  jobs_.Close();
  thread_.join();
  while (std::optional<Job> job = jobs_.TryPop()) {
    (*job)(absl::UnavailableError("the orchestrator is stopping"));
  }
}

bool ReaderThread::TryRun(Job job) { return jobs_.TryPush(std::move(job)); }

void ReaderThread::Run() {
  pthread_setname_np(pthread_self(), name_);
  while (!stopping_) {
    if (std::optional<Job> job = jobs_.Pop(std::chrono::hours(1))) (*job)(Reader());
  }
}

absl::StatusOr<StoreReader*> ReaderThread::Reader() {
  if (reader_ == nullptr) {
    ASSIGN_OR_RETURN(reader_, StoreReader::Open(path_));
  }
  return reader_.get();
}

}  // namespace loadtest
