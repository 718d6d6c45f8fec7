// Transport over non-blocking TCP sockets and epoll.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/engine/socket_address.h"
#include "driver/engine/transport.h"

struct epoll_event;

namespace loadtest {

// Each connected socket is registered once, for reading and level-triggered; writing goes straight
// to the socket, and is registered only while the kernel's buffer is full. So a request on an open
// connection costs two system calls and a share of an epoll_pwait2. All connections share one read
// buffer.
//
// ReadEvent::received_at is the kernel's stamp of the last packet read (SO_TIMESTAMPNS), so it does
// not depend on when this thread gets to read it.
class EpollTransport final : public Transport {
 public:
  // Addresses are those of Connect, by position; connections are 0 .. max_connections - 1. Asks the
  // kernel for exact timers for the calling thread, which must be the one that polls.
  // ResourceExhausted when the kernel has no descriptor left.
  // Connections come from `sources` in turn, as far as they are of the target's family; from where
  // the system chooses when there are none.
  static absl::StatusOr<std::unique_ptr<EpollTransport>> Create(
      std::vector<SocketAddress> addresses, int max_connections, Clock& clock,
      std::vector<SocketAddress> sources = {});
  ~EpollTransport() override;

  int Connect(int connection, int address) override;
  SendState Send(int connection, std::string_view bytes) override;
  void Close(int connection) override;
  MonotonicTime Poll(MonotonicTime until, TransportEvents& events) override;
  void Wake() override;

 private:
  enum class State : uint8_t { kClosed, kConnecting, kConnected, kSending };
  struct Socket {
    int fd = -1;
    // Counts the sockets that this connection has had, so that an event of an earlier one is known
    // as such.
    uint32_t life : 30 = 0;
    State state : 2 = State::kClosed;
    std::string_view unsent;
  };

  EpollTransport(std::vector<SocketAddress> addresses, int max_connections, Clock& clock,
                 std::vector<SocketAddress> sources, int epoll_fd, int wake_fd);

  // Waits for events as epoll_pwait2 does.
  int Wait(epoll_event* ready, int most, int64_t wait_ns);
  void Dispatch(const epoll_event& event, MonotonicTime now, TransportEvents& events);
  void FinishConnect(int connection, uint32_t flags, MonotonicTime now, TransportEvents& events);
  void ContinueSend(int connection, TransportEvents& events);
  void Read(int connection, uint32_t flags, MonotonicTime now, TransportEvents& events);
  // 0 or an errno value.
  int BindToSource(int fd, int connection, int family);
  // `stamp` is by the wall clock, and not after `now`.
  MonotonicTime FromKernelStamp(WallTime stamp, MonotonicTime now) const;
  void CompareClocks(MonotonicTime now);
  // Registers a socket (`operation` is EPOLL_CTL_ADD or _MOD) for the events `flags`. 0 or an errno
  // value.
  int Register(int connection, int operation, uint32_t flags);

  const std::vector<SocketAddress> addresses_;
  const std::vector<SocketAddress> sources_;
  Clock& clock_;
  const int epoll_fd_;
  const int wake_fd_;
  std::vector<Socket> sockets_;
  const std::unique_ptr<char[]> read_buffer_;
  bool has_pwait2_ = true;
  // Wall clock - monotonic clock, and when they were compared.
  int64_t clock_difference_ns_ = 0;
  MonotonicTime compared_at_;
};

}  // namespace loadtest
