#include "server/api/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

bool ParsePort(std::string_view text, int& port) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && rest == end && port >= 0 && port <= 65535;
}

// True for the four-number form of an address in 127.0.0.0/8, and nothing else that some parsers
// take for one.
bool IsLoopbackV4(std::string_view host) {
  in_addr v4;
  return inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 &&
         (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
}

}  // namespace

std::string ListenAddress::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? absl::StrFormat("[%s]:%d", host, port) : absl::StrFormat("%s:%d", host, port);
}

HostAndPort SplitHostAndPort(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return {text, ""};
    const std::string_view host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    return {host, !rest.empty() && rest.front() == ':' ? rest.substr(1) : ""};
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

bool IsNumericHost(std::string_view host) {
  in6_addr unused;
  const std::string text(host);
  return inet_pton(AF_INET, text.c_str(), &unused) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &unused) == 1;
}

bool IsLoopbackHost(std::string_view host) {
  return absl::EqualsIgnoreCase(ToAbsl(host), "localhost") ||
         absl::EndsWithIgnoreCase(ToAbsl(host), ".localhost") || host == "::1" ||
         IsLoopbackV4(host);
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text, std::string_view setting) {
  const HostAndPort parts = SplitHostAndPort(text);
  ListenAddress address;
  // An IPv6 address must stand in brackets: "::1:80" could be read in two ways.
  const bool bare_v6 = parts.host.find(':') != std::string_view::npos && text.front() != '[';
  const bool host_known = parts.host == "localhost" || (IsNumericHost(parts.host) && !bare_v6);
  if (!host_known || !ParsePort(parts.port, address.port)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: got \"%s\", want a numeric address and a port such as 127.0.0.1:8080", setting, text));
  }
  address.host = parts.host == "localhost" ? "127.0.0.1" : std::string(parts.host);
  return address;
}

absl::StatusOr<int> OpenListener(const ListenAddress& address, std::string_view setting,
                                 int& port) {
  sockaddr_storage storage{};
  socklen_t size;
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  if (inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(address.port));
    size = sizeof(*v6);
  } else {
    v4->sin_family = AF_INET;
    inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr);
    v4->sin_port = htons(static_cast<uint16_t>(address.port));
    size = sizeof(*v4);
  }
  const int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // Connections of an orchestrator that has just ended linger on the port; they are no reason to
  // refuse it.
  const int yes = 1;
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  const bool listens = fd >= 0 &&
                       setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
                       bind(fd, generic, size) == 0 && listen(fd, SOMAXCONN) == 0 &&
                       getsockname(fd, generic, &size) == 0;
  if (!listens) {
    const int error = errno;
    if (fd >= 0) close(fd);
    return absl::UnavailableError(absl::StrFormat("%s: cannot listen on %s: %s", setting,
                                                  address.ToString(), std::strerror(error)));
  }
  port = ntohs(storage.ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
  return fd;
}

}  // namespace loadtest
