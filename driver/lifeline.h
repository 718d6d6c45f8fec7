// Tells whether the process that started this one is still there.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"

namespace loadtest {

// The read end of a pipe whose write end only the parent has, and never writes to: when the parent
// is gone, however it went, the system closes it. Unlike the parent's death signal it does not end
// this process, which may have a test to go on with.
//
// Owned by one thread. Does not own the descriptor, which stays open as long as the process.
class Lifeline {
 public:
  // Without a parent to follow: never cut.
  Lifeline() = default;
  // InvalidArgument when `text` is not the number of an open descriptor.
  static absl::StatusOr<Lifeline> Create(std::string_view text);

  bool IsCut() const;

 private:
  explicit Lifeline(int fd) : fd_(fd) {}

  int fd_ = -1;
};

}  // namespace loadtest
