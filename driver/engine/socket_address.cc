#include "driver/engine/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <cstring>
#include <memory>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

SocketAddress MakeAddress(const addrinfo& info, int port) {
  SocketAddress address;
  address.v6 = {};
  std::memcpy(&address.any, info.ai_addr, info.ai_addrlen);
  address.size = info.ai_addrlen;
  char ip[INET6_ADDRSTRLEN] = "";
  if (info.ai_family == AF_INET) {
    inet_ntop(AF_INET, &address.v4.sin_addr, ip, sizeof(ip));
    address.text = absl::StrFormat("%s:%d", ip, port);
  } else {
    inet_ntop(AF_INET6, &address.v6.sin6_addr, ip, sizeof(ip));
    address.text = absl::StrFormat("[%s]:%d", ip, port);
  }
  address.ip = ip;
  return address;
}

}  // namespace

absl::StatusOr<std::vector<SocketAddress>> Resolve(const std::string& host, int port) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // else each address comes once per kind of socket
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (error != 0) {
    const std::string message = absl::StrFormat("resolve \"%s\": %s", host, gai_strerror(error));
    return error == EAI_AGAIN ? absl::UnavailableError(message) : absl::NotFoundError(message);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    if (info->ai_family != AF_INET && info->ai_family != AF_INET6) continue;
    addresses.push_back(MakeAddress(*info, port));
  }
  if (addresses.empty()) {
    return absl::NotFoundError(absl::StrFormat("resolve \"%s\": no IPv4 or IPv6 address", host));
  }
  return addresses;
}

}  // namespace loadtest
