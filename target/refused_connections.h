// Connections beyond max_connections: each is told so, without a thread of its own.
#pragma once

#include <poll.h>

#include <cstddef>
#include <deque>
#include <vector>

#include "common/base/time.h"

namespace loadtest {

// A refused connection gets status 503 as soon as its request arrives (or after a second without
// one) and is closed when its client has had the time to read that: closing at once would reset the
// connection and could take the answer away. Used by the accepting thread only.
class RefusedConnections {
 public:
  // At most so many wait for their answer; beyond that, new ones are closed without a word.
  static constexpr size_t kMaxWaiting = 1'024;

  ~RefusedConnections();

  // Takes ownership of the non-blocking socket `fd`.
  void Add(int fd, MonotonicTime now);

  // What to wait for, and until when at the latest (-1: for ever).
  void AppendTo(std::vector<pollfd>& wanted) const;
  int TimeoutMs(MonotonicTime now) const;

  // Goes on with what `polled` (the entries that AppendTo made) found, and with those whose time is
  // over.
  void Turn(const pollfd* polled, MonotonicTime now);

 private:
  struct Connection {
    int fd;
    MonotonicTime deadline;
    bool answered = false;
  };
  // False when the connection is done with.
  static bool TurnOne(Connection& connection, bool readable, MonotonicTime now);

  std::deque<Connection> connections_;
};

}  // namespace loadtest
