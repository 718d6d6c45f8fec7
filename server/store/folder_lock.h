// Keeps a second orchestrator out of a data folder.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace loadtest {

// Held while it lives, and ended by the system with the process, however that ends.
class FolderLock {
 public:
  // Errors, FailedPrecondition: the folder cannot be written, or another process holds its lock.
  static absl::StatusOr<FolderLock> Take(const std::string& dir);

  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace loadtest
