#include "common/base/time.h"

#include <time.h>

namespace loadtest {
namespace {

int64_t Read(clockid_t id) {
  timespec t;
  clock_gettime(id, &t);
  return t.tv_sec * kNanosPerSecond + t.tv_nsec;
}

}  // namespace

MonotonicTime SystemClock::Now() { return {Read(CLOCK_MONOTONIC)}; }
WallTime SystemClock::WallNow() { return {Read(CLOCK_REALTIME)}; }

}  // namespace loadtest
