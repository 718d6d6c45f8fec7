// Connections that were handed to a library which does not say when it closes them.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <deque>

namespace loadtest {

// Owned by the thread that accepts; not thread-safe.
class OpenConnections {
 public:
  // `fd` is a connected TCP socket. From now on another thread may close it at any time.
  void Add(int fd);

  // Whether so many are still open, which asks the system only when it may be.
  bool HasAsManyAs(size_t count);

  // Ends the oldest of those from which nothing has come yet, not even the beginning of HTTP/2; its
  // owner then sees that it is closed, and closes it. False when there is none.
  bool EndASilentOne();

 private:
  struct Connection {
    int fd;
    // Of the socket: tells whether the descriptor still is that of this connection.
    ino_t inode;
  };
  static bool IsOpen(const Connection& connection);

  std::deque<Connection> connections_;  // by age
};

}  // namespace loadtest
