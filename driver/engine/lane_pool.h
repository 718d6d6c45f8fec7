// The connections of a run: which are open, which are free, and when the others may be tried again.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/base/time.h"
#include "driver/engine/deadline_heap.h"
#include "driver/engine/http_client.h"

namespace loadtest {

enum class LaneState : uint8_t {
  kClosed,      // may be opened
  kBackingOff,  // could not be opened; may be tried again at its deadline
  kOpening,
  kIdle,      // open and free
  kSending,   // a part of a request is with the kernel
  kAwaiting,  // a whole request is; its response is awaited
};

// A lane and its request. Some 70 bytes, for there may be very many.
struct Lane {
  // Of the request it carries.
  MonotonicTime due;
  // When that was sent; while opening, when the attempt began.
  MonotonicTime sent_at;
  // Neighbours in the list of idle or of closed connections; -1 at the ends.
  int32_t previous = -1;
  int32_t next = -1;
  uint16_t address = 0;
  // In the current attempt.
  uint16_t addresses_tried = 0;
  // Attempts that failed in a row.
  uint8_t failures = 0;
  LaneState state = LaneState::kClosed;
  // It has carried a request.
  bool used = false;
};

// Owned by the loop thread; not thread-safe. Allocates only in the constructor.
class LanePool {
 public:
  struct Options {
    int capacity = 0;
    int addresses = 1;
    // Lanes of one connection go to the same address.
    int lanes_per_connection = 1;
    int64_t connect_timeout_ns = 0;
  };

  LanePool(Options options, HttpClient& http);

  Lane& operator[](int lane) { return lanes_[lane]; }
  int capacity() const { return static_cast<int>(lanes_.size()); }
  int count(LaneState state) const { return counts_[static_cast<size_t>(state)]; }

  // The lane that has been idle for longest, so that all of them carry load; -1: none.
  int FirstIdle() const { return idle_.first; }

  // Moves a lane on: kIdle, kSending or kAwaiting.
  void SetState(int lane, LaneState state);

  // The lane that was closed last; -1: none. Not one that was never tried, or each attempt
  // against a target that refuses would be by a lane that has not learnt to back off.
  int FirstClosed() const { return closed_.first; }

  // Begins to open a closed lane. 0, or the errno value of an attempt that failed at once;
  // the lane backs off then.
  int Open(int lane, MonotonicTime now);

  // The transport could not connect. 0: another address of the target is being tried. Otherwise the
  // whole attempt failed, and the lane backs off: with what was just reported (kAsReported),
  // or with this errno value of an address tried after it.
  static constexpr int kAsReported = -1;
  int ConnectFailed(int lane, MonotonicTime now);

  // A connecting lane reached its deadline. It is closed, and backs off.
  void ConnectTimedOut(int lane, MonotonicTime now);

  // The transport has closed an open lane. It may be opened again at once, unless it never
  // carried a request: a peer that accepts and closes would have us turn in circles.
  void Closed(int lane, MonotonicTime now);

  // Closes an open lane, then as Closed.
  void Close(int lane, MonotonicTime now);

  // The deadline of a lane that backs off has come.
  void EndBackOff(int lane) { SetState(lane, LaneState::kClosed); }
  // All that back off may be tried at once.
  void EndAllBackOffs();

  // Of a state that can last too long: connecting, backing off, a request.
  DeadlineHeap& deadlines() { return deadlines_; }
  const DeadlineHeap& deadlines() const { return deadlines_; }

 private:
  // A list through Lane::previous and ::next.
  struct List {
    int32_t first = -1;
    int32_t last = -1;
  };

  void LinkFirst(List& list, int lane);
  void LinkLast(List& list, int lane);
  void Unlink(List& list, int lane);
  int TryAddresses(int lane, int error, MonotonicTime now);
  void BackOff(int lane, MonotonicTime now);

  const Options options_;
  HttpClient& http_;
  std::vector<Lane> lanes_;
  DeadlineHeap deadlines_;
  std::array<int, 6> counts_{};
  List idle_;
  List closed_;
};

}  // namespace loadtest
