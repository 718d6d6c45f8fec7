// The connections of a run: which are open, which are free, and when the others may be tried again.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/base/time.h"
#include "driver/engine/deadline_heap.h"
#include "driver/engine/response_parser.h"
#include "driver/engine/transport.h"

namespace loadtest {

enum class ConnectionState : uint8_t {
  kClosed,      // may be opened
  kBackingOff,  // could not be opened; may be tried again at its deadline
  kConnecting,
  kIdle,      // open and free
  kSending,   // a part of a request is with the kernel
  kAwaiting,  // a whole request is; its response is awaited
};

// A connection and its request. Some 70 bytes, for there may be very many.
struct Connection {
  ResponseParser parser;
  // Of the request it carries.
  MonotonicTime due;
  MonotonicTime sent_at;
  // Neighbours in the list of idle or of closed connections; -1 at the ends.
  int32_t previous = -1;
  int32_t next = -1;
  uint16_t address = 0;
  // In the current attempt.
  uint16_t addresses_tried = 0;
  // Attempts that failed in a row.
  uint8_t failures = 0;
  ConnectionState state = ConnectionState::kClosed;
  // It has carried a request.
  bool used = false;
};

// Owned by the loop thread; not thread-safe. Allocates only in the constructor.
class ConnectionPool {
 public:
  struct Options {
    int capacity = 0;
    int addresses = 1;
    int64_t connect_timeout_ns = 0;
  };

  ConnectionPool(Options options, Transport& transport);

  Connection& operator[](int connection) { return connections_[connection]; }
  int capacity() const { return static_cast<int>(connections_.size()); }
  int count(ConnectionState state) const { return counts_[static_cast<size_t>(state)]; }

  // The connection that has been idle for longest, so that all of them carry load; -1: none.
  int FirstIdle() const { return idle_.first; }

  // Moves a connection on: kIdle, kSending or kAwaiting.
  void SetState(int connection, ConnectionState state);

  // The connection that was closed last; -1: none. Not one that was never tried, or each attempt
  // against a target that refuses would be by a connection that has not learnt to back off.
  int FirstClosed() const { return closed_.first; }

  // Begins to open a closed connection. 0, or the errno value of an attempt that failed at once;
  // the connection backs off then.
  int Open(int connection, MonotonicTime now);

  // The transport could not connect. 0: another address of the target is being tried. Otherwise the
  // whole attempt failed, and the connection backs off: with what was just reported (kAsReported),
  // or with this errno value of an address tried after it.
  static constexpr int kAsReported = -1;
  int ConnectFailed(int connection, MonotonicTime now);

  // A connecting connection reached its deadline. It is closed, and backs off.
  void ConnectTimedOut(int connection, MonotonicTime now);

  // The transport has closed an open connection. It may be opened again at once, unless it never
  // carried a request: a peer that accepts and closes would have us turn in circles.
  void Closed(int connection, MonotonicTime now);

  // Closes an open connection, then as Closed.
  void Close(int connection, MonotonicTime now);

  // The deadline of a connection that backs off has come.
  void EndBackOff(int connection) { SetState(connection, ConnectionState::kClosed); }
  // All that back off may be tried at once.
  void EndAllBackOffs();

  // Of a state that can last too long: connecting, backing off, a request.
  DeadlineHeap& deadlines() { return deadlines_; }
  const DeadlineHeap& deadlines() const { return deadlines_; }

 private:
  // A list through Connection::previous and ::next.
  struct List {
    int32_t first = -1;
    int32_t last = -1;
  };

  void LinkFirst(List& list, int connection);
  void LinkLast(List& list, int connection);
  void Unlink(List& list, int connection);
  int TryAddresses(int connection, int error, MonotonicTime now);
  void BackOff(int connection, MonotonicTime now);

  const Options options_;
  Transport& transport_;
  std::vector<Connection> connections_;
  DeadlineHeap deadlines_;
  std::array<int, 6> counts_{};
  List idle_;
  List closed_;
};

}  // namespace loadtest
