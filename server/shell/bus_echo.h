// Whether what this process writes to the bus comes back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "common/base/time.h"

namespace loadtest {

// A broker that hangs, or a network that swallows packets, keeps its connections: the bus says that
// it is connected, and nobody hears anything. The orchestrator reads the topic on which it gives
// its signs of life, and so notices: then the silence of drivers is not their fault.
//
// Owned by the core thread; not thread-safe.
class BusEcho {
 public:
  // What is short for a broker on a busy machine is no sign of anything.
  explicit BusEcho(int64_t patience_ns) : patience_ns_(std::max(patience_ns, kLeastPatienceNs)) {}

  // A sign with this send time was written, and one was read.
  void OnWritten(MonotonicTime now, int64_t send_time_ns) {
    newest_ = send_time_ns;
    if (!waiting_since_) waiting_since_ = now;
  }
  void OnRead(MonotonicTime now, int64_t send_time_ns) {
    if (send_time_ns == newest_) {
      waiting_since_.reset();
    } else {
      waiting_since_ = now;  // it goes on: the newest is on its way
    }
  }

  // Nothing that was written has come back for longer than the patience.
  bool IsSilent(MonotonicTime now) const {
    return waiting_since_ && now.ns - waiting_since_->ns > patience_ns_;
  }

 private:
  static constexpr int64_t kLeastPatienceNs = 200 * kNanosPerMilli;

  const int64_t patience_ns_;
  int64_t newest_ = 0;
  std::optional<MonotonicTime> waiting_since_;
};

}  // namespace loadtest
