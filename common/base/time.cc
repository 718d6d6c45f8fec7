#include "common/base/time.h"

#include <errno.h>
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

void SystemClock::SleepUntil(MonotonicTime until, int64_t spin_ns) {
  const int64_t asleep_until_ns = until.ns - spin_ns;
  if (asleep_until_ns > Read(CLOCK_MONOTONIC)) {
    const timespec t = {.tv_sec = asleep_until_ns / kNanosPerSecond,
                        .tv_nsec = asleep_until_ns % kNanosPerSecond};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
    }
  }
  if (spin_ns == 0) return;
  while (Read(CLOCK_MONOTONIC) < until.ns) {
  }
}

}  // namespace loadtest
