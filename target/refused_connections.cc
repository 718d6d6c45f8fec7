#include "target/refused_connections.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace loadtest {
namespace {

constexpr int64_t kPatienceNs = kNanosPerSecond;

constexpr std::string_view kAnswer =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Connection: close\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 69\r\n"
    "\r\n"
    "target: as many connections as target.max_connections allows are open";

}  // namespace

RefusedConnections::~RefusedConnections() {
  for (const Connection& connection : connections_) close(connection.fd);
}

void RefusedConnections::Add(int fd, MonotonicTime now) {
  if (connections_.size() >= kMaxWaiting) {
    close(fd);
    return;
  }
  connections_.push_back({.fd = fd, .deadline = {now.ns + kPatienceNs}});
}

void RefusedConnections::AppendTo(std::vector<pollfd>& wanted) const {
  for (const Connection& connection : connections_) {
    wanted.push_back({.fd = connection.fd, .events = POLLIN, .revents = 0});
  }
}

int RefusedConnections::TimeoutMs(MonotonicTime now) const {
  if (connections_.empty()) return -1;
  MonotonicTime first = connections_.front().deadline;
  for (const Connection& connection : connections_) first = std::min(first, connection.deadline);
  return static_cast<int>(std::max<int64_t>(0, (first.ns - now.ns) / kNanosPerMilli + 1));
}

void RefusedConnections::Turn(const pollfd* polled, MonotonicTime now) {
  std::deque<Connection> going_on;
  for (size_t i = 0; i < connections_.size(); ++i) {
    if (TurnOne(connections_[i], polled[i].revents != 0, now)) {
      going_on.push_back(connections_[i]);
    } else {
      close(connections_[i].fd);
    }
  }
  connections_ = std::move(going_on);
}

bool RefusedConnections::TurnOne(Connection& connection, bool readable, MonotonicTime now) {
  if (readable) {
    std::array<char, 4'096> request;
    const ssize_t received = recv(connection.fd, request.data(), request.size(), MSG_DONTWAIT);
    if (received <= 0) return false;
  }
  const bool is_late = connection.deadline <= now;
  if (connection.answered) return !is_late;
  if (!readable && !is_late) return true;
  // It fits into the send buffer of a new connection.
  send(connection.fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  shutdown(connection.fd, SHUT_WR);
  connection.answered = true;
  connection.deadline = {now.ns + kPatienceNs};
  return true;
}

}  // namespace loadtest
