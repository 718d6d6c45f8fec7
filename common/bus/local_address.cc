#include "common/bus/local_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

std::string AddressText(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  }
  return text;
}

// Connecting a UDP socket only asks the kernel for the route.
std::string SourceAddressOf(const addrinfo& peer) {
  const int fd = socket(peer.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return "";
  sockaddr_storage local{};
  socklen_t size = sizeof(local);
  const bool found = connect(fd, peer.ai_addr, peer.ai_addrlen) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) == 0;
  close(fd);
  return found ? AddressText(local) : "";
}

}  // namespace

std::string LocalAddressTowards(const std::string& servers) {
  const std::vector<std::string> list = absl::StrSplit(servers, ',');
  for (const std::string& server : list) {
    const absl::StatusOr<HostPort> peer = ParseHostPort(server, "kafka.bootstrap_servers");
    if (!peer.ok()) continue;
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(peer->host.c_str(), std::to_string(peer->port).c_str(), &hints, &found) != 0) {
      continue;
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
    for (const addrinfo* entry = addresses.get(); entry != nullptr; entry = entry->ai_next) {
      if (std::string address = SourceAddressOf(*entry); !address.empty()) return address;
    }
  }
  return "";
}

}  // namespace loadtest
