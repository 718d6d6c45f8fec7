#include "driver/engine/epoll_transport.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "driver/engine/error_kinds.h"

namespace loadtest {
namespace {

constexpr size_t kReadBufferBytes = 64 * 1024;
// Events taken at once. Few, so that requests that became due in the meantime do not wait for long.
constexpr int kEventsPerPoll = 128;
// The kernel lets an epoll wait end late by a thousandth of its length, whatever the timer slack.
// So a wait longer than this is made in two: the first ends this part of its length early.
constexpr int64_t kExactWaitNs = 5 * kNanosPerMilli;
constexpr int64_t kEarlyPart = 256;
constexpr uint64_t kWakeTag = ~uint64_t{0};
constexpr uint32_t kReading = EPOLLIN | EPOLLRDHUP;

uint64_t MakeTag(int connection, uint32_t life) {
  return (uint64_t{life} << 32) | static_cast<uint32_t>(connection);
}

}  // namespace

absl::StatusOr<std::unique_ptr<EpollTransport>> EpollTransport::Create(
    std::vector<SocketAddress> addresses, int max_connections, Clock& clock) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = kWakeTag;
  if (epoll_fd < 0 || wake_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) != 0) {
    const int error = errno;
    if (epoll_fd >= 0) close(epoll_fd);
    if (wake_fd >= 0) close(wake_fd);
    return absl::ResourceExhaustedError(absl::StrFormat("epoll: %s", std::strerror(error)));
  }
  // By default the kernel may end a wait 50 us late, to wake less often.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  return std::unique_ptr<EpollTransport>(
      new EpollTransport(std::move(addresses), max_connections, clock, epoll_fd, wake_fd));
}

EpollTransport::EpollTransport(std::vector<SocketAddress> addresses, int max_connections,
                               Clock& clock, int epoll_fd, int wake_fd)
    : addresses_(std::move(addresses)),
      clock_(clock),
      epoll_fd_(epoll_fd),
      wake_fd_(wake_fd),
      sockets_(max_connections),
      read_buffer_(new char[kReadBufferBytes]) {}

EpollTransport::~EpollTransport() {
  for (const Socket& socket : sockets_) {
    if (socket.fd >= 0) close(socket.fd);
  }
  close(wake_fd_);
  close(epoll_fd_);
}

int EpollTransport::Connect(int connection, int address) {
  const SocketAddress& to = addresses_[address];
  const int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  // A request must leave when it is due, not when a segment is full.
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  Socket& socket = sockets_[connection];
  socket.fd = fd;
  socket.life = socket.life + 1;
  socket.state = State::kConnecting;
  int error = 0;
  if (connect(fd, &to.any, to.size) != 0 && errno != EINPROGRESS) error = errno;
  if (error == 0) error = Register(connection, EPOLL_CTL_ADD, EPOLLOUT);
  if (error != 0) Close(connection);
  return error;
}

SendState EpollTransport::Send(int connection, std::string_view bytes) {
  Socket& socket = sockets_[connection];
  const ssize_t sent = send(socket.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(bytes.size())) return SendState::kSent;
  const bool full = sent >= 0 || errno == EAGAIN;
  if (!full || Register(connection, EPOLL_CTL_MOD, kReading | EPOLLOUT) != 0) {
    Close(connection);
    return SendState::kFailed;
  }
  socket.unsent = bytes.substr(sent < 0 ? 0 : static_cast<size_t>(sent));
  socket.state = State::kSending;
  return SendState::kPending;
}

void EpollTransport::Close(int connection) {
  Socket& socket = sockets_[connection];
  close(socket.fd);  // which also ends its registration
  socket.fd = -1;
  socket.state = State::kClosed;
  socket.unsent = {};
}

MonotonicTime EpollTransport::Poll(MonotonicTime until, TransportEvents& events) {
  int64_t wait_ns = std::max<int64_t>(0, until.ns - clock_.Now().ns);
  if (wait_ns > kExactWaitNs) wait_ns -= wait_ns / kEarlyPart;
  const timespec timeout = {.tv_sec = wait_ns / kNanosPerSecond,
                            .tv_nsec = wait_ns % kNanosPerSecond};
  std::array<epoll_event, kEventsPerPoll> ready;
  const int count = epoll_pwait2(epoll_fd_, ready.data(), kEventsPerPoll, &timeout, nullptr);
  // What is read below was there by now. One reading of the clock serves all events.
  const MonotonicTime now = clock_.Now();
  for (int i = 0; i < count; ++i) Dispatch(ready[i], now, events);
  return now;
}

void EpollTransport::Wake() {
  const uint64_t one = 1;
  // It can fail only when the counter is full, and then the wake-up is on its way already.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

void EpollTransport::Dispatch(const epoll_event& event, MonotonicTime now,
                              TransportEvents& events) {
  if (event.data.u64 == kWakeTag) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = read(wake_fd_, &count, sizeof(count));
    return;
  }
  const int connection = static_cast<int>(event.data.u64 & 0xffffffff);
  const Socket& socket = sockets_[connection];
  // An earlier callback of this turn may have closed it, and even opened it anew.
  if (socket.fd < 0 || event.data.u64 != MakeTag(connection, socket.life)) return;
  if (socket.state == State::kConnecting) {
    FinishConnect(connection, event.events, now, events);
    return;
  }
  if (event.events & (kReading | EPOLLHUP | EPOLLERR)) {
    const uint32_t life = socket.life;
    Read(connection, event.events, now, events);
    if (socket.fd < 0 || socket.life != life) return;
  }
  if (socket.state == State::kSending && (event.events & EPOLLOUT))
    ContinueSend(connection, events);
}

void EpollTransport::FinishConnect(int connection, uint32_t flags, MonotonicTime now,
                                   TransportEvents& events) {
  int error = 0;
  if (flags & (EPOLLERR | EPOLLHUP)) {
    socklen_t size = sizeof(error);
    getsockopt(sockets_[connection].fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) error = ECONNRESET;  // connected, and reset before we looked
  }
  if (error == 0) error = Register(connection, EPOLL_CTL_MOD, kReading);
  if (error != 0) {
    Close(connection);
    const std::string text = ErrnoText(error);
    events.OnConnectFailed(connection, {.kind = ConnectErrorKind(error), .text = text});
    return;
  }
  sockets_[connection].state = State::kConnected;
  events.OnConnected(connection, {.connected_at = now, .secured_at = now});
}

void EpollTransport::ContinueSend(int connection, TransportEvents& events) {
  Socket& socket = sockets_[connection];
  const ssize_t sent = send(socket.fd, socket.unsent.data(), socket.unsent.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    const int error = errno;
    if (error == EAGAIN) return;
    Close(connection);
    events.OnClosed(connection, error);
    return;
  }
  socket.unsent.remove_prefix(static_cast<size_t>(sent));
  if (!socket.unsent.empty()) return;
  socket.state = State::kConnected;
  Register(connection, EPOLL_CTL_MOD, kReading);
  events.OnSent(connection);
}

void EpollTransport::Read(int connection, uint32_t flags, MonotonicTime now,
                          TransportEvents& events) {
  const ssize_t size = recv(sockets_[connection].fd, read_buffer_.get(), kReadBufferBytes, 0);
  if (size > 0) {
    events.OnRead(connection, {.bytes = {read_buffer_.get(), static_cast<size_t>(size)},
                               .received_at = now,
                               .peer_closed = (flags & EPOLLRDHUP) != 0});
    return;
  }
  const int error = size == 0 ? 0 : errno;
  if (error == EAGAIN || error == EINTR) return;
  Close(connection);
  events.OnClosed(connection, error);
}

int EpollTransport::Register(int connection, int operation, uint32_t flags) {
  epoll_event event = {};
  event.events = flags;
  event.data.u64 = MakeTag(connection, sockets_[connection].life);
  return epoll_ctl(epoll_fd_, operation, sockets_[connection].fd, &event) == 0 ? 0 : errno;
}

}  // namespace loadtest
