// CPU time used so far, user and system.
#pragma once

#include <cstdint>

namespace loadtest {

// Nanoseconds.
struct CpuTime {
  int64_t process = 0;
  // Of the calling thread alone.
  int64_t thread = 0;
};

CpuTime ReadCpuTime();

// How long a thread could run but had no core, because others had it: the run-queue delay of
// /proc/thread-self/schedstat. Of the thread that makes it. 0 where the kernel does not tell.
class CoreWait {
 public:
  CoreWait();
  ~CoreWait();
  CoreWait(const CoreWait&) = delete;
  CoreWait& operator=(const CoreWait&) = delete;

  // Nanoseconds so far.
  int64_t Read() const;

 private:
  int fd_ = -1;
};

}  // namespace loadtest
