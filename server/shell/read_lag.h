// Whether what is on the topics may have been there for long and not be applied yet.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "common/base/time.h"
#include "common/bus/message_bus.h"
#include "server/core/moment.h"

namespace loadtest {

// Two things make an orchestrator judge by what was true long ago although its bus is connected:
// the process did not run (it was stopped, or its machine slept or was moved), and wakes up before
// it has read a thing; or there is so much to read that it comes late to everything. Then the
// silence of drivers is not their fault.
//
// OnPolled belongs to the thread that polls the bus, MayLag to the core thread.
class ReadLag {
 public:
  // Below `patience_ns` nobody counts as late. What is short for a process that has to be given
  // time by a busy machine is no sign of anything.
  explicit ReadLag(int64_t patience_ns) : patience_ns_(std::max(patience_ns, kLeastPatienceNs)) {}

  // A call of Poll gave so many records.
  void OnPolled(MonotonicTime now, size_t records) {
    if (records < kMostRecordsPerPoll) {
      behind_since_ns_ = kNotBehind;
    } else if (behind_since_ns_ == kNotBehind) {
      behind_since_ns_ = now.ns;
    }
  }

  // To be asked every few milliseconds, when all that has been handed over is applied: that nobody
  // asked for longer than the patience is the first of the two.
  bool MayLag(Moment now) {
    const std::optional<Moment> before = std::exchange(asked_, now);
    // A machine that sleeps may stop the one clock and not the other.
    const bool was_away = before && (now.mono.ns - before->mono.ns > patience_ns_ ||
                                     now.wall.ns - before->wall.ns > patience_ns_);
    const int64_t behind_since_ns = behind_since_ns_;
    const bool is_behind =
        behind_since_ns != kNotBehind && now.mono.ns - behind_since_ns > patience_ns_;
    return was_away || is_behind;
  }

 private:
  static constexpr int64_t kLeastPatienceNs = 200 * kNanosPerMilli;
  static constexpr int64_t kNotBehind = INT64_MIN;

  const int64_t patience_ns_;
  std::optional<Moment> asked_;
  // Since when each call has given as much as one can, so that there was more.
  std::atomic<int64_t> behind_since_ns_ = kNotBehind;
};

}  // namespace loadtest
