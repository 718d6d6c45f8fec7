// How far a driver's wall clock is from the orchestrator's, from the four times of a heartbeat.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace loadtest {

// RFC 5905 section 8 (the four times) and section 10 (of the newest samples, the one with the
// smallest delay tells best: what is added to a way there or back can only make the offset worse).
//
// Pure. Owned by the registry; not thread-safe.
class ClockEstimate {
 public:
  // Nanoseconds since 1970; the first and the last by this host's clock, the others by the
  // driver's.
  struct Times {
    int64_t sent = 0;      // a sign of life left here
    int64_t received = 0;  // and came there
    int64_t answered = 0;  // a heartbeat left there
    int64_t returned = 0;  // and came here
  };
  // Times that contradict each other are left out.
  void Add(const Times& times);

  struct Offset {
    int64_t offset_ns = 0;  // the driver's clock less this one
    int64_t error_ns = 0;   // at most so far off, as long as no clock is set; at least 1
  };
  std::optional<Offset> Get() const;

 private:
  struct Sample {
    int64_t offset_ns = 0;
    int64_t delay_ns = 0;
  };
  static constexpr size_t kSamples = 16;

  std::array<Sample, kSamples> samples_;
  size_t count_ = 0;  // of all that were added
};

}  // namespace loadtest
