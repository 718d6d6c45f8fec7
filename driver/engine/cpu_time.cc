#include "driver/engine/cpu_time.h"

#include <time.h>

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

}  // namespace loadtest
