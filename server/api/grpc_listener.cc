#include "server/api/grpc_listener.h"

#include <grpcpp/server_builder.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/base/status_macros.h"

namespace loadtest {
namespace {

// How long to wait for a descriptor that somebody gives back.
constexpr int kPauseMs = 50;

bool HasNoRoom(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcListener>> GrpcListener::Listen(const ListenAddress& address,
                                                                   std::string_view setting,
                                                                   size_t max_connections) {
  int port = 0;
  ASSIGN_OR_RETURN(const int fd, OpenListener(address, setting, port));
  // Inherited by the connections.
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  return std::unique_ptr<GrpcListener>(new GrpcListener(fd, port, max_connections));
}

GrpcListener::GrpcListener(int fd, int port, size_t max_connections)
    : fd_(fd),
      stop_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      port_(port),
      max_connections_(max_connections) {}

GrpcListener::~GrpcListener() {
  Stop();
  close(stop_fd_);
}

void GrpcListener::Start(std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor) {
  acceptor_ = std::move(acceptor);
  thread_ = std::thread([this] { Run(); });
}

void GrpcListener::Stop() {
  if (thread_.joinable()) {
    eventfd_write(stop_fd_, 1);
    thread_.join();
  }
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

void GrpcListener::Run() {
  while (AwaitConnection()) Accept();
}

bool GrpcListener::AwaitConnection() {
  pollfd watched[] = {{.fd = stop_fd_, .events = POLLIN, .revents = 0},
                      {.fd = fd_, .events = POLLIN, .revents = 0}};
  while (poll(watched, 2, -1) < 0) {
  }
  return watched[0].revents == 0;
}

void GrpcListener::Accept() {
  const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    // The connection waits until there is room; without it the listener would be ready at once
    // again.
    if (HasNoRoom(errno) && !connections_.EndASilentOne()) poll(nullptr, 0, kPauseMs);
    return;
  }
  if (!MakeRoom()) {
    close(fd);
    return;
  }
  connections_.Add(fd);
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.listener_fd = fd_;
  connection.fd = fd;
  acceptor_->HandleNewConnection(&connection);
}

bool GrpcListener::MakeRoom() {
  return !connections_.HasAsManyAs(max_connections_) || connections_.EndASilentOne();
}

}  // namespace loadtest
