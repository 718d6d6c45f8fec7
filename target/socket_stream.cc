#include "target/socket_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace loadtest {

bool SocketStream::FillInput() {
  // A client that waits for "100 Continue" sends nothing before it has it.
  if (!Flush()) return false;
  ssize_t received = 0;
  do {
    received = recv(fd_, input_.data(), input_.size(), 0);
  } while (received < 0 && errno == EINTR);
  if (received <= 0) {
    broken_ = true;
    return false;
  }
  input_begin_ = 0;
  input_end_ = static_cast<size_t>(received);
  return true;
}

bool SocketStream::WaitReadable() {
  if (broken_) return false;
  return input_begin_ < input_end_ || FillInput();
}

bool SocketStream::Discard(size_t bytes) {
  while (bytes > 0) {
    if (!WaitReadable()) return false;
    const size_t taken = std::min(bytes, input_end_ - input_begin_);
    input_begin_ += taken;
    bytes -= taken;
  }
  return true;
}

void SocketStream::WaitForEnd(int timeout_ms) {
  // POLLRDHUP: the client has closed; POLLHUP, POLLERR: reset, or the server stops.
  pollfd wanted{.fd = fd_, .events = POLLRDHUP, .revents = 0};
  while (poll(&wanted, 1, timeout_ms) < 0 && errno == EINTR) {
  }
}

void SocketStream::BeginExchange(std::function<void()> on_first_write) {
  has_written_ = false;
  on_first_write_ = std::move(on_first_write);
}

ssize_t SocketStream::read(char* data, size_t size) {
  if (!WaitReadable()) return broken_ ? 0 : -1;
  const size_t taken = std::min(size, input_end_ - input_begin_);
  std::memcpy(data, input_.data() + input_begin_, taken);
  input_begin_ += taken;
  return static_cast<ssize_t>(taken);
}

ssize_t SocketStream::write(const char* data, size_t size) {
  if (broken_) return -1;
  if (!has_written_) {
    has_written_ = true;
    on_first_write_();
    held_.assign(data, size);
    return static_cast<ssize_t>(size);
  }
  std::array<iovec, 2> parts = {{{held_.data(), held_.size()}, {const_cast<char*>(data), size}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  while (parts[0].iov_len + parts[1].iov_len > 0) {
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      broken_ = true;
      return -1;
    }
    size_t left = static_cast<size_t>(sent);
    for (iovec& part : parts) {
      const size_t taken = std::min(left, part.iov_len);
      part.iov_base = static_cast<char*>(part.iov_base) + taken;
      part.iov_len -= taken;
      left -= taken;
    }
  }
  held_.clear();
  return static_cast<ssize_t>(size);
}

bool SocketStream::Flush() {
  if (held_.empty()) return !broken_;
  return write("", 0) == 0;
}

void SocketStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  // Nobody here wants them, and asking the kernel on each request is not free.
  ip.clear();
  port = 0;
}

void SocketStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace loadtest
