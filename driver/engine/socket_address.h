// Internet addresses, and how names become them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace loadtest {

// An IPv4 or IPv6 address with a port.
struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t size = 0;
  // Without the port: "127.0.0.1", "::1".
  std::string ip;
  // With the port: "127.0.0.1:80", "[::1]:80".
  std::string text;
};

// All addresses of `host` (a name or an address), in the order the system prefers them. Blocks
// while a name server is asked. NotFound or Unavailable: `resolve "nowhere.example": Name or
// service not known`.
absl::StatusOr<std::vector<SocketAddress>> Resolve(const std::string& host, int port);

}  // namespace loadtest
