// The sockets that the target listens on.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace loadtest {

// A non-blocking listening socket. Movable; closes it in the end.
class Listener {
 public:
  Listener(int fd, std::string address, int port)
      : fd_(fd), address_(std::move(address)), port_(port) {}
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) = delete;
  ~Listener();

  int fd() const { return fd_; }
  int port() const { return port_; }
  // "127.0.0.1:8081", "[::1]:8081".
  const std::string& address() const { return address_; }

 private:
  int fd_;
  std::string address_;
  int port_;
};

struct Listeners {
  std::vector<Listener> all;
  // Why one of the addresses of localhost is not served; empty when both are.
  std::string missing;
};

// Listens on `host`; "localhost" is 127.0.0.1 and ::1, where IPv6 may be missing. Port 0 takes a
// free one, the same for both. The queue of new connections is as long as the system allows. Errors
// name the address, and for a taken port what to do.
absl::StatusOr<Listeners> Listen(const std::string& host, int port);

}  // namespace loadtest
