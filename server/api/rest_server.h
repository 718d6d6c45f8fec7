// The REST door: JSON over HTTP/1.1, server-sent events, Prometheus metrics and the web page on one
// port.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/api/control_plane.h"
#include "server/api/door_security.h"
#include "server/api/rest_options.h"

namespace loadtest {

// Owned by main. One thread serves all connections; it only ever waits for the network. The control
// plane must outlive it.
class RestServer {
 public:
  // Serves from here on. `address` is a numeric HOST:PORT, port 0 a free one. Errors name
  // orchestrator.http_address: a wrong address, or one that other hosts can reach without the
  // security it needs, is InvalidArgument, a taken port Unavailable.
  static absl::StatusOr<std::unique_ptr<RestServer>> Start(std::string_view address,
                                                           ControlPlane& control_plane,
                                                           const RestOptions& options = {},
                                                           const DoorSecurity& security = {});
  ~RestServer();
  RestServer(const RestServer&) = delete;
  RestServer& operator=(const RestServer&) = delete;

  int port() const;

  // Takes no new connection, ends event streams with UNAVAILABLE, lets requests under way finish
  // for as long as `drain`, then closes what is left. A second call does nothing.
  void Stop(std::chrono::milliseconds drain = std::chrono::seconds(2));

 private:
  class Listener;

  explicit RestServer(std::unique_ptr<Listener> listener);

  const std::unique_ptr<Listener> listener_;
};

}  // namespace loadtest
