#include "tests/driver/loopback_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <utility>
#include <vector>

namespace loadtest {
namespace {

struct Listener {
  int fd;
  int port;
};

Listener Listen() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(fd, 1024), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return {fd, ntohs(address.sin_port)};
}

}  // namespace

LoopbackServer::LoopbackServer(Answer answer) : answer_(std::move(answer)) {
  const Listener listener = Listen();
  listen_fd_ = listener.fd;
  port_ = listener.port;
  thread_ = std::thread([this] { Serve(); });
}

LoopbackServer::~LoopbackServer() {
  stop_ = true;
  thread_.join();
  close(listen_fd_);
}

void LoopbackServer::Serve() {
  std::map<int, std::string> received;  // of each open connection, what no answer was given to yet
  while (!stop_) {
    std::vector<pollfd> fds = {{.fd = listen_fd_, .events = POLLIN, .revents = 0}};
    for (const auto& [fd, bytes] : received)
      fds.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    poll(fds.data(), fds.size(), 10);
    for (size_t i = 1; i < fds.size(); ++i) {
      if (fds[i].revents == 0 || ServeConnection(fds[i].fd, received[fds[i].fd])) continue;
      received.erase(fds[i].fd);
      close(fds[i].fd);
    }
    if (fds[0].revents == 0) continue;
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connections_;
    received[fd];
  }
  for (const auto& [fd, bytes] : received) close(fd);
}

bool LoopbackServer::ServeConnection(int fd, std::string& received) {
  char buffer[4096];
  const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
  if (size <= 0) return false;
  received.append(buffer, static_cast<size_t>(size));
  for (size_t end; (end = received.find("\r\n\r\n")) != std::string::npos;) {
    received.erase(0, end + 4);
    const Reply reply = answer_(requests_++);
    if (send(fd, reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL) < 0) return false;
    if (reply.close) return false;
  }
  return true;
}

int UnusedPort() {
  const Listener listener = Listen();
  close(listener.fd);
  return listener.port;
}

}  // namespace loadtest
