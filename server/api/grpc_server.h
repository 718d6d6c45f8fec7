// The gRPC door: LoadTestService with reflection and health on one port.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/api/control_plane.h"
#include "server/api/door_security.h"

namespace grpc {
class Server;
}  // namespace grpc

namespace loadtest {

class GrpcListener;
class GrpcService;

// What clients may take. Tests make it less.
struct GrpcLimits {
  // When there are so many, one that has said nothing yet gives way to a new one; else the new one
  // is closed.
  size_t max_connections = 1'024;
  // Until a new connection has said that it speaks HTTP/2.
  std::chrono::milliseconds handshake = std::chrono::seconds(10);
};

// Owned by main. The control plane must outlive it.
class GrpcServer {
 public:
  // Serves from here on. `address` is a numeric HOST:PORT, port 0 a free one. Errors name
  // orchestrator.grpc_address: a wrong address, or one that other hosts can reach without the
  // security it needs, is InvalidArgument, a taken port Unavailable.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(std::string_view address,
                                                           ControlPlane& control_plane,
                                                           const DoorSecurity& security = {},
                                                           const GrpcLimits& limits = {});
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  int port() const;

  // Refuses new calls, ends watches with UNAVAILABLE, lets other calls finish for as long as
  // `drain`, then cancels them. Returns when none is left. A second call does nothing.
  void Stop(std::chrono::milliseconds drain = std::chrono::seconds(2));

 private:
  GrpcServer(std::unique_ptr<GrpcService> service, std::unique_ptr<grpc::Server> server,
             std::unique_ptr<GrpcListener> listener);

  const std::unique_ptr<GrpcService> service_;
  std::unique_ptr<grpc::Server> server_;
  const std::unique_ptr<GrpcListener> listener_;
};

}  // namespace loadtest
