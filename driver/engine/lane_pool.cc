#include "driver/engine/lane_pool.h"

#include <algorithm>

namespace loadtest {
namespace {

constexpr int64_t kFirstBackOffNs = 10 * kNanosPerMilli;
constexpr int64_t kLongestBackOffNs = kNanosPerSecond;
// 10 ms doubled this often is more than the longest.
constexpr int kMaxDoublings = 7;

}  // namespace

LanePool::LanePool(Options options, HttpClient& http)
    : options_(options), http_(http), lanes_(options.capacity), deadlines_(options.capacity) {
  for (int i = options.capacity - 1; i >= 0; --i) {
    lanes_[i].address = static_cast<uint16_t>(i / options.lanes_per_connection % options.addresses);
    LinkFirst(closed_, i);
  }
  counts_[static_cast<size_t>(LaneState::kClosed)] = options.capacity;
}

void LanePool::SetState(int lane, LaneState state) {
  Lane& c = lanes_[lane];
  if (c.state == state) return;
  if (c.state == LaneState::kIdle) Unlink(idle_, lane);
  if (c.state == LaneState::kClosed) Unlink(closed_, lane);
  --counts_[static_cast<size_t>(c.state)];
  ++counts_[static_cast<size_t>(state)];
  c.state = state;
  if (state == LaneState::kIdle) LinkLast(idle_, lane);
  if (state == LaneState::kClosed) LinkFirst(closed_, lane);
  if (state == LaneState::kIdle || state == LaneState::kClosed) {
    deadlines_.Clear(lane);
  }
}

int LanePool::Open(int lane, MonotonicTime now) {
  lanes_[lane].addresses_tried = 0;
  return TryAddresses(lane, 0, now);
}

int LanePool::ConnectFailed(int lane, MonotonicTime now) {
  Lane& c = lanes_[lane];
  ++c.addresses_tried;
  c.address = static_cast<uint16_t>((c.address + 1) % options_.addresses);
  return TryAddresses(lane, kAsReported, now);
}

// Tries the addresses that this attempt has not tried yet; `error` is of the one before. A name
// like localhost often has an address on which nobody listens; its connections then go to the other
// one.
int LanePool::TryAddresses(int lane, int error, MonotonicTime now) {
  Lane& c = lanes_[lane];
  while (c.addresses_tried < options_.addresses) {
    error = http_.Open(lane, c.address);
    if (error == 0) {
      c.used = false;
      c.sent_at = now;
      SetState(lane, LaneState::kOpening);
      deadlines_.Set(lane, {now.ns + options_.connect_timeout_ns});
      return 0;
    }
    ++c.addresses_tried;
    c.address = static_cast<uint16_t>((c.address + 1) % options_.addresses);
  }
  BackOff(lane, now);
  return error;
}

void LanePool::ConnectTimedOut(int lane, MonotonicTime now) {
  Lane& c = lanes_[lane];
  http_.Close(lane);
  c.address = static_cast<uint16_t>((c.address + 1) % options_.addresses);
  BackOff(lane, now);
}

void LanePool::Closed(int lane, MonotonicTime now) {
  if (lanes_[lane].used) {
    lanes_[lane].failures = 0;
    SetState(lane, LaneState::kClosed);
  } else {
    BackOff(lane, now);
  }
}

void LanePool::Close(int lane, MonotonicTime now) {
  http_.Close(lane);
  Closed(lane, now);
}

void LanePool::EndAllBackOffs() {
  for (int i = 0; i < capacity(); ++i) {
    if (lanes_[i].state == LaneState::kBackingOff) EndBackOff(i);
  }
}

void LanePool::BackOff(int lane, MonotonicTime now) {
  Lane& c = lanes_[lane];
  const int64_t wait_ns = std::min(kFirstBackOffNs << c.failures, kLongestBackOffNs);
  c.failures = static_cast<uint8_t>(std::min(c.failures + 1, kMaxDoublings));
  SetState(lane, LaneState::kBackingOff);
  deadlines_.Set(lane, {now.ns + wait_ns});
}

void LanePool::LinkFirst(List& list, int lane) {
  lanes_[lane].previous = -1;
  lanes_[lane].next = list.first;
  (list.first < 0 ? list.last : lanes_[list.first].previous) = lane;
  list.first = lane;
}

void LanePool::LinkLast(List& list, int lane) {
  lanes_[lane].previous = list.last;
  lanes_[lane].next = -1;
  (list.last < 0 ? list.first : lanes_[list.last].next) = lane;
  list.last = lane;
}

void LanePool::Unlink(List& list, int lane) {
  const Lane& c = lanes_[lane];
  (c.previous < 0 ? list.first : lanes_[c.previous].next) = c.next;
  (c.next < 0 ? list.last : lanes_[c.next].previous) = c.previous;
}

}  // namespace loadtest
