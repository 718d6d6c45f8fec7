#include "driver/engine/epoll_transport.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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
// The wall clock is steered by at most 500 parts in a million, so that in this time the two clocks
// part by 0.5 us; and after a step of it, stamps are wrong for no longer.
constexpr int64_t kCompareClocksNs = kNanosPerMilli;
// Two readings further apart were interrupted, and tell nothing.
constexpr int64_t kLongestReadingNs = kNanosPerMicro;
constexpr int64_t kLongestWaitMs = 60 * 1000;
constexpr uint64_t kWakeTag = ~uint64_t{0};
constexpr uint32_t kReading = EPOLLIN | EPOLLRDHUP;

// When the last packet that was read reached the kernel; 0 when it does not say.
WallTime StampOf(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec t;
    std::memcpy(&t, CMSG_DATA(part), sizeof(t));
    return {t.tv_sec * kNanosPerSecond + t.tv_nsec};
  }
  return {};
}

uint64_t MakeTag(int connection, uint32_t life) {
  return (uint64_t{life} << 32) | static_cast<uint32_t>(connection);
}

}  // namespace

absl::StatusOr<std::unique_ptr<EpollTransport>> EpollTransport::Create(
    std::vector<SocketAddress> addresses, int max_connections, Clock& clock,
    std::vector<SocketAddress> sources) {
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
  return std::unique_ptr<EpollTransport>(new EpollTransport(
      std::move(addresses), max_connections, clock, std::move(sources), epoll_fd, wake_fd));
}

EpollTransport::EpollTransport(std::vector<SocketAddress> addresses, int max_connections,
                               Clock& clock, std::vector<SocketAddress> sources, int epoll_fd,
                               int wake_fd)
    : addresses_(std::move(addresses)),
      sources_(std::move(sources)),
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
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
  Socket& socket = sockets_[connection];
  socket.fd = fd;
  socket.life = socket.life + 1;
  socket.state = State::kConnecting;
  int error = BindToSource(fd, connection, to.any.sa_family);
  if (error == 0 && connect(fd, &to.any, to.size) != 0 && errno != EINPROGRESS) error = errno;
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
  const int64_t wait_ns = std::max<int64_t>(0, until.ns - clock_.Now().ns);
  std::array<epoll_event, kEventsPerPoll> ready;
  const int count = Wait(ready.data(), kEventsPerPoll, wait_ns);
  // One reading of the clock serves all events.
  const MonotonicTime now = clock_.Now();
  if (now.ns - compared_at_.ns >= kCompareClocksNs) CompareClocks(now);
  for (int i = 0; i < count; ++i) Dispatch(ready[i], now, events);
  return now;
}

int EpollTransport::Wait(epoll_event* ready, int most, int64_t wait_ns) {
  if (has_pwait2_) {
    const timespec timeout = {.tv_sec = wait_ns / kNanosPerSecond,
                              .tv_nsec = wait_ns % kNanosPerSecond};
    const int count = epoll_pwait2(epoll_fd_, ready, most, &timeout, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    has_pwait2_ = false;
  }
  // Linux before 5.11, and valgrind. Milliseconds will do: whoever needs exact times sleeps.
  const int64_t wait_ms = (wait_ns + kNanosPerMilli - 1) / kNanosPerMilli;
  return epoll_wait(epoll_fd_, ready, most,
                    static_cast<int>(std::min<int64_t>(wait_ms, kLongestWaitMs)));
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
    events.OnClosed(connection, {.error = error});
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
  iovec buffer = {.iov_base = read_buffer_.get(), .iov_len = kReadBufferBytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
  msghdr message = {};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t size = recvmsg(sockets_[connection].fd, &message, 0);
  if (size > 0) {
    events.OnRead(connection, {.bytes = {read_buffer_.get(), static_cast<size_t>(size)},
                               .received_at = FromKernelStamp(StampOf(message), now),
                               .peer_closed = (flags & EPOLLRDHUP) != 0});
    return;
  }
  const int error = size == 0 ? 0 : errno;
  if (error == EAGAIN || error == EINTR) return;
  Close(connection);
  events.OnClosed(connection, {.error = error});
}

MonotonicTime EpollTransport::FromKernelStamp(WallTime stamp, MonotonicTime now) const {
  if (stamp.ns == 0) return now;
  return {std::min(now.ns, stamp.ns - clock_difference_ns_)};
}

void EpollTransport::CompareClocks(MonotonicTime now) {
  const MonotonicTime before = clock_.Now();
  const WallTime wall = clock_.WallNow();
  const MonotonicTime after = clock_.Now();
  if (after.ns - before.ns > kLongestReadingNs && compared_at_.ns != 0) return;
  clock_difference_ns_ = wall.ns - (before.ns + after.ns) / 2;
  compared_at_ = now;
}

int EpollTransport::BindToSource(int fd, int connection, int family) {
  if (sources_.empty()) return 0;
  const SocketAddress& source = sources_[static_cast<size_t>(connection) % sources_.size()];
  if (source.any.sa_family != family) return 0;
  // The port is chosen when it connects, and so may serve for other targets at the same time.
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  return bind(fd, &source.any, source.size) == 0 ? 0 : errno;
}

int EpollTransport::Register(int connection, int operation, uint32_t flags) {
  epoll_event event = {};
  event.events = flags;
  event.data.u64 = MakeTag(connection, sockets_[connection].life);
  return epoll_ctl(epoll_fd_, operation, sockets_[connection].fd, &event) == 0 ? 0 : errno;
}

}  // namespace loadtest
