#include "target/target_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/base/time.h"
#include "target/refused_connections.h"
#include "target/socket_stream.h"

namespace loadtest {
namespace {

// Address space, not memory: only touched pages count, some 26 KB a connection. httplib matches
// Range headers, which may be 8 KB long, by std::regex, which recurses once a character and then
// needs between 2 and 4 MB.
constexpr size_t kStackBytes = size_t{8} << 20;

// When no descriptor is left, new connections wait in the listening queue and are tried again after
// so long.
constexpr int kNoDescriptorPauseMs = 20;

}  // namespace

struct TargetServer::ConnectionThread {
  TargetServer* server;
  int fd;
};

absl::StatusOr<std::unique_ptr<TargetServer>> TargetServer::Start(const Options& options) {
  ASSIGN_OR_RETURN(Listeners listeners, Listen(options.host, options.port));
  const int stop_fd = eventfd(0, EFD_CLOEXEC);
  if (stop_fd < 0) return absl::ResourceExhaustedError("eventfd: no descriptor left");
  std::unique_ptr<TargetServer> server(
      new TargetServer(std::move(listeners), options.max_connections, stop_fd));
  server->acceptor_ = std::thread(&TargetServer::AcceptLoop, server.get());
  return server;
}

TargetServer::TargetServer(Listeners listeners, int max_connections, int stop_fd)
    : listeners_(std::move(listeners)),
      max_connections_(max_connections),
      stop_fd_(stop_fd),
      endpoints_([this](int64_t ns) { return Wait(ns); }),
      exchange_(endpoints_, counters_) {}

TargetServer::~TargetServer() {
  eventfd_write(stop_fd_, 1);
  acceptor_.join();
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    for (int fd : open_) shutdown(fd, SHUT_RDWR);
    all_closed_.wait(lock, [this] { return open_.empty(); });
  }
  close(stop_fd_);
}

std::vector<std::string> TargetServer::addresses() const {
  std::vector<std::string> addresses;
  for (const Listener& listener : listeners_.all) addresses.push_back(listener.address());
  return addresses;
}

void TargetServer::AcceptLoop() {
  SystemClock clock;
  RefusedConnections refused;
  while (true) {
    std::vector<pollfd> wanted = {{.fd = stop_fd_, .events = POLLIN, .revents = 0}};
    for (const Listener& listener : listeners_.all) {
      wanted.push_back({.fd = listener.fd(), .events = POLLIN, .revents = 0});
    }
    refused.AppendTo(wanted);
    if (poll(wanted.data(), wanted.size(), refused.TimeoutMs(clock.Now())) < 0) continue;
    if (wanted[0].revents != 0) return;
    const size_t first_refused = 1 + listeners_.all.size();
    refused.Turn(wanted.data() + first_refused, clock.Now());
    for (size_t i = 0; i < listeners_.all.size(); ++i) {
      if (wanted[1 + i].revents != 0) AcceptFrom(listeners_.all[i], refused);
    }
  }
}

void TargetServer::AcceptFrom(const Listener& listener, RefusedConnections& refused) {
  SystemClock clock;
  while (true) {
    const int fd = accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EMFILE || errno == ENFILE) poll(nullptr, 0, kNoDescriptorPauseMs);
      return;
    }
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (StartConnection(fd)) continue;
    counters_.ConnectionRefused();
    refused.Add(fd, clock.Now());
  }
}

bool TargetServer::StartConnection(int fd) {
  {
    std::lock_guard lock(mutex_);
    if (open_.size() >= static_cast<size_t>(max_connections_)) return false;
    open_.insert(fd);
  }
  // std::thread cannot choose the size of its stack.
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  auto start = std::make_unique<ConnectionThread>(ConnectionThread{this, fd});
  const auto run = [](void* argument) -> void* {
    const std::unique_ptr<ConnectionThread> self(static_cast<ConnectionThread*>(argument));
    self->server->ServeConnection(self->fd);
    return nullptr;
  };
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, run, start.get());
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    std::lock_guard lock(mutex_);
    open_.erase(fd);
    return false;
  }
  start.release();
  return true;
}

void TargetServer::ServeConnection(int fd) {
  counters_.ConnectionOpened();
  {
    SocketStream stream(fd);
    while (exchange_.ServeOne(stream)) {
    }
  }
  counters_.ConnectionClosed();
  // Closed under the lock: else the destructor could shut down a new connection with the same
  // number. Notified under it too, since the server may be gone right after.
  std::lock_guard lock(mutex_);
  close(fd);
  open_.erase(fd);
  if (open_.empty()) all_closed_.notify_all();
}

bool TargetServer::Wait(int64_t ns) const {
  pollfd wanted{.fd = stop_fd_, .events = POLLIN, .revents = 0};
  const timespec timeout{.tv_sec = ns / kNanosPerSecond, .tv_nsec = ns % kNanosPerSecond};
  return ppoll(&wanted, 1, &timeout, nullptr) == 0;
}

}  // namespace loadtest
