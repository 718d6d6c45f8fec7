// A TCP connection to the target, byte by byte: what a test wrote is what is sent.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

namespace loadtest {

// Reads give up after ten seconds, so that a test fails instead of hanging.
class RawClient {
 public:
  explicit RawClient(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~RawClient() {
    if (fd_ >= 0) close(fd_);
  }

  void Send(const std::string& bytes) const {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  void Get(const std::string& target) const {
    Send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }

  // Everything up to and with `end`, or less when the connection ends or nothing comes.
  std::string ReadThrough(const std::string& end) const {
    std::string text;
    char byte = 0;
    while (text.find(end) == std::string::npos && recv(fd_, &byte, 1, 0) == 1) text += byte;
    return text;
  }

  std::string ReadToEnd() const {
    std::string text;
    std::array<char, 4'096> block;
    for (ssize_t n = 0; (n = recv(fd_, block.data(), block.size(), 0)) > 0;) {
      text.append(block.data(), static_cast<size_t>(n));
    }
    return text;
  }

 private:
  int fd_;
};

}  // namespace loadtest
