#include "driver/engine/connection_pool.h"

#include <algorithm>

namespace loadtest {
namespace {

constexpr int64_t kFirstBackOffNs = 10 * kNanosPerMilli;
constexpr int64_t kLongestBackOffNs = kNanosPerSecond;
// 10 ms doubled this often is more than the longest.
constexpr int kMaxDoublings = 7;

}  // namespace

ConnectionPool::ConnectionPool(Options options, Transport& transport)
    : options_(options),
      transport_(transport),
      connections_(options.capacity),
      deadlines_(options.capacity) {
  for (int i = options.capacity - 1; i >= 0; --i) {
    connections_[i].address = static_cast<uint16_t>(i % options.addresses);
    LinkFirst(closed_, i);
  }
  counts_[static_cast<size_t>(ConnectionState::kClosed)] = options.capacity;
}

void ConnectionPool::SetState(int connection, ConnectionState state) {
  Connection& c = connections_[connection];
  if (c.state == state) return;
  if (c.state == ConnectionState::kIdle) Unlink(idle_, connection);
  if (c.state == ConnectionState::kClosed) Unlink(closed_, connection);
  --counts_[static_cast<size_t>(c.state)];
  ++counts_[static_cast<size_t>(state)];
  c.state = state;
  if (state == ConnectionState::kIdle) LinkLast(idle_, connection);
  if (state == ConnectionState::kClosed) LinkFirst(closed_, connection);
  if (state == ConnectionState::kIdle || state == ConnectionState::kClosed) {
    deadlines_.Clear(connection);
  }
}

int ConnectionPool::Open(int connection, MonotonicTime now) {
  connections_[connection].addresses_tried = 0;
  return TryAddresses(connection, 0, now);
}

int ConnectionPool::ConnectFailed(int connection, MonotonicTime now) {
  Connection& c = connections_[connection];
  ++c.addresses_tried;
  c.address = static_cast<uint16_t>((c.address + 1) % options_.addresses);
  return TryAddresses(connection, kAsReported, now);
}

// Tries the addresses that this attempt has not tried yet; `error` is of the one before. A name
// like localhost often has an address on which nobody listens; its connections then go to the other
// one.
int ConnectionPool::TryAddresses(int connection, int error, MonotonicTime now) {
  Connection& c = connections_[connection];
  while (c.addresses_tried < options_.addresses) {
    error = transport_.Connect(connection, c.address);
    if (error == 0) {
      c.used = false;
      SetState(connection, ConnectionState::kConnecting);
      deadlines_.Set(connection, {now.ns + options_.connect_timeout_ns});
      return 0;
    }
    ++c.addresses_tried;
    c.address = static_cast<uint16_t>((c.address + 1) % options_.addresses);
  }
  BackOff(connection, now);
  return error;
}

void ConnectionPool::ConnectTimedOut(int connection, MonotonicTime now) {
  Connection& c = connections_[connection];
  transport_.Close(connection);
  c.address = static_cast<uint16_t>((c.address + 1) % options_.addresses);
  BackOff(connection, now);
}

void ConnectionPool::Closed(int connection, MonotonicTime now) {
  if (connections_[connection].used) {
    connections_[connection].failures = 0;
    SetState(connection, ConnectionState::kClosed);
  } else {
    BackOff(connection, now);
  }
}

void ConnectionPool::Close(int connection, MonotonicTime now) {
  transport_.Close(connection);
  Closed(connection, now);
}

void ConnectionPool::EndAllBackOffs() {
  for (int i = 0; i < capacity(); ++i) {
    if (connections_[i].state == ConnectionState::kBackingOff) EndBackOff(i);
  }
}

void ConnectionPool::BackOff(int connection, MonotonicTime now) {
  Connection& c = connections_[connection];
  const int64_t wait_ns = std::min(kFirstBackOffNs << c.failures, kLongestBackOffNs);
  c.failures = static_cast<uint8_t>(std::min(c.failures + 1, kMaxDoublings));
  SetState(connection, ConnectionState::kBackingOff);
  deadlines_.Set(connection, {now.ns + wait_ns});
}

void ConnectionPool::LinkFirst(List& list, int connection) {
  connections_[connection].previous = -1;
  connections_[connection].next = list.first;
  (list.first < 0 ? list.last : connections_[list.first].previous) = connection;
  list.first = connection;
}

void ConnectionPool::LinkLast(List& list, int connection) {
  connections_[connection].previous = list.last;
  connections_[connection].next = -1;
  (list.last < 0 ? list.first : connections_[list.last].next) = connection;
  list.last = connection;
}

void ConnectionPool::Unlink(List& list, int connection) {
  const Connection& c = connections_[connection];
  (c.previous < 0 ? list.first : connections_[c.previous].next) = c.next;
  (c.next < 0 ? list.last : connections_[c.next].previous) = c.previous;
}

}  // namespace loadtest
