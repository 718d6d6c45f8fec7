// Where a door listens.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace loadtest {

// A numeric address of this host, or of all its interfaces, and a port.
struct ListenAddress {
  std::string host;  // "127.0.0.1", "::1", "0.0.0.0"
  int port = 0;      // 0: any free one

  // As a client writes it: "127.0.0.1:8080", "[::1]:8080".
  std::string ToString() const;
};

// Reads "127.0.0.1:8080", "localhost:8080" (which is 127.0.0.1), "[::1]:8080" or "0.0.0.0:8080".
// Errors are InvalidArgument and begin with `setting`: `orchestrator.http_address: got "web:80",
// want a numeric address and a port such as 127.0.0.1:8080`.
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text, std::string_view setting);

// True for what names this machine only: localhost, names below it, 127.0.0.0/8 and ::1, without
// port and brackets.
bool IsLoopbackHost(std::string_view host);

// A "host:port", "[v6]:port" or "host" taken apart; the host without brackets, the port empty when
// there is none.
struct HostAndPort {
  std::string_view host;
  std::string_view port;
};
HostAndPort SplitHostAndPort(std::string_view text);

// Whether `host` is an IPv4 or IPv6 address in the usual notation, without brackets.
bool IsNumericHost(std::string_view host);

// A socket that listens there, not blocking; `port` becomes its port. Unavailable, with the
// system's reason: `orchestrator.grpc_address: cannot listen on 127.0.0.1:50051: Address already in
// use`.
absl::StatusOr<int> OpenListener(const ListenAddress& address, std::string_view setting, int& port);

}  // namespace loadtest
