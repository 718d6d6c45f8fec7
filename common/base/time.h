// Two kinds of time that cannot be mixed up, and the seam through which all code asks for them.
#pragma once

#include <compare>
#include <cstdint>

namespace loadtest {

// Nanoseconds of a clock that never jumps (CLOCK_MONOTONIC). Meaningful only within one host.
struct MonotonicTime {
  int64_t ns = 0;
  auto operator<=>(const MonotonicTime&) const = default;
};

// Nanoseconds since 1970 (CLOCK_REALTIME). May jump; comparable between hosts as far as their
// clocks agree.
struct WallTime {
  int64_t ns = 0;
  auto operator<=>(const WallTime&) const = default;
};

inline constexpr int64_t kNanosPerMicro = 1'000;
inline constexpr int64_t kNanosPerMilli = 1'000'000;
inline constexpr int64_t kNanosPerSecond = 1'000'000'000;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime Now() = 0;
  virtual WallTime WallNow() = 0;
  // Returns at `until`, or at once when that has passed. The thread is awake for the last `spin_ns`
  // of it, and so is not late by what it takes to wake up.
  virtual void SleepUntil(MonotonicTime until, int64_t spin_ns) = 0;
};

class SystemClock final : public Clock {
 public:
  MonotonicTime Now() override;
  WallTime WallNow() override;
  void SleepUntil(MonotonicTime until, int64_t spin_ns) override;
};

// A clock that a test moves by hand. Both times advance together. Not thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime wall_start = {1'700'000'000 * kNanosPerSecond})
      : wall_(wall_start) {}
  MonotonicTime Now() override { return now_; }
  WallTime WallNow() override { return wall_; }
  void SleepUntil(MonotonicTime until, int64_t) override {
    if (until > now_) Advance(until.ns - now_.ns);
  }
  void Advance(int64_t ns) {
    now_.ns += ns;
    wall_.ns += ns;
  }

 private:
  MonotonicTime now_;
  WallTime wall_;
};

}  // namespace loadtest
