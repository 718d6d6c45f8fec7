#include "target/listeners.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

// The kernel cuts it to net.core.somaxconn. With httplib's 5, a thousand clients that connect at
// once would wait for TCP's retries, seconds later.
constexpr int kBacklog = 65'535;

// A port that is free on 127.0.0.1 may be taken on ::1; so many free ones are tried.
constexpr int kFreePortTries = 16;

std::string AddressText(const std::string& host, int port) {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return absl::StrFormat(is_ipv6 ? "[%s]:%d" : "%s:%d", host, port);
}

absl::Status ListenError(const std::string& host, int port, int error) {
  const std::string address = AddressText(host, port);
  if (error == EADDRINUSE) {
    return absl::AlreadyExistsError(
        absl::StrFormat("cannot listen on %s: another program listens there; want a free port "
                        "(--port, or target.port in config.json)",
                        address));
  }
  if (error == EACCES) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "cannot listen on %s: %s; want a port from 1024 up", address, std::strerror(error)));
  }
  return absl::UnavailableError(
      absl::StrFormat("cannot listen on %s: %s", address, std::strerror(error)));
}

int BoundPort(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

absl::StatusOr<Listener> ListenOn(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("target.host: got \"%s\", want localhost or an address of this host: %s",
                        host, gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);

  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return ListenError(host, port, errno);
  const auto fail = [&](int error_number) {
    close(fd);
    return ListenError(host, port, error_number);
  };
  const int yes = 1;
  // Lets the target start again while connections of the one before are in TIME_WAIT.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (found->ai_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
  }
  if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, kBacklog) != 0) {
    return fail(errno);
  }
  const int bound_port = BoundPort(fd);
  return Listener(fd, AddressText(host, bound_port), bound_port);
}

absl::StatusOr<Listeners> ListenOnLocalhost(int port) {
  Listeners listeners;
  ASSIGN_OR_RETURN(Listener ipv4, ListenOn("127.0.0.1", port));
  absl::StatusOr<Listener> ipv6 = ListenOn("::1", ipv4.port());
  listeners.all.push_back(std::move(ipv4));
  if (ipv6.ok()) {
    listeners.all.push_back(*std::move(ipv6));
  } else if (absl::IsAlreadyExists(ipv6.status())) {
    return ipv6.status();
  } else {
    listeners.missing = std::string(ipv6.status().message());
  }
  return listeners;
}

}  // namespace

Listener::Listener(Listener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(std::move(other.address_)), port_(other.port_) {}

Listener::~Listener() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<Listeners> Listen(const std::string& host, int port) {
  if (host != "localhost") {
    ASSIGN_OR_RETURN(Listener listener, ListenOn(host, port));
    Listeners listeners;
    listeners.all.push_back(std::move(listener));
    return listeners;
  }
  absl::StatusOr<Listeners> listeners = ListenOnLocalhost(port);
  for (int tries = 1; port == 0 && !listeners.ok() && tries < kFreePortTries; ++tries) {
    listeners = ListenOnLocalhost(port);
  }
  return listeners;
}

}  // namespace loadtest
