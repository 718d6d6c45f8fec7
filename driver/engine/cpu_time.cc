#include "driver/engine/cpu_time.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include "common/base/time.h"

namespace loadtest {
namespace {

int64_t Read(clockid_t clock) {
  timespec t = {};
  clock_gettime(clock, &t);
  return t.tv_sec * kNanosPerSecond + t.tv_nsec;
}

}  // namespace

CpuTime ReadCpuTime() {
  return {.process = Read(CLOCK_PROCESS_CPUTIME_ID), .thread = Read(CLOCK_THREAD_CPUTIME_ID)};
}

CoreWait::CoreWait() : fd_(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}

CoreWait::~CoreWait() {
  if (fd_ >= 0) close(fd_);
}

int64_t CoreWait::Read() const {
  // "time on a core, time waited for one, turns": nanoseconds; see proc-schedstat of the kernel.
  char text[96];
  const ssize_t size = fd_ < 0 ? -1 : pread(fd_, text, sizeof(text), 0);
  if (size <= 0) return 0;
  const char* const end = text + size;
  const char* second = static_cast<const char*>(std::memchr(text, ' ', size));
  int64_t waited = 0;
  if (second != nullptr) std::from_chars(second + 1, end, waited);
  return waited;
}

}  // namespace loadtest
