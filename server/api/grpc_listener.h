// Accepts the connections of the gRPC door.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "server/api/listen_address.h"
#include "server/api/open_connections.h"

namespace grpc::experimental {
class ExternalConnectionAcceptor;
}  // namespace grpc::experimental

namespace loadtest {

// gRPC's own listener takes as many connections as come, and for good takes no more after one that
// failed: when descriptors are used up for a moment, the door stays closed. This one has a bound,
// makes room by ending connections that say nothing, and goes on. It has a thread, which does only
// that.
//
// Owned by the GrpcServer.
class GrpcListener {
 public:
  // Connections wait from here on. Unavailable, naming `setting`, when the address is taken.
  static absl::StatusOr<std::unique_ptr<GrpcListener>> Listen(const ListenAddress& address,
                                                              std::string_view setting,
                                                              size_t max_connections);
  ~GrpcListener();
  GrpcListener(const GrpcListener&) = delete;
  GrpcListener& operator=(const GrpcListener&) = delete;

  int port() const { return port_; }

  // Hands connections to `acceptor`, of a server that has been started.
  void Start(std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor);
  // Closes the port; the connections are the server's. A second call does nothing.
  void Stop();

 private:
  GrpcListener(int fd, int port, size_t max_connections);
  void Run();
  void Accept();
  // False when the connection has to be refused.
  bool MakeRoom();
  // Until the listener or the end wakes it.
  bool AwaitConnection();

  int fd_;
  const int stop_fd_;  // an eventfd
  const int port_;
  const size_t max_connections_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  OpenConnections connections_;
  std::thread thread_;
};

}  // namespace loadtest
