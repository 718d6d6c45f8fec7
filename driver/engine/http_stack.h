// All that a plan needs below the load loop: sockets, TLS, HTTP.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/engine/http_client.h"
#include "driver/engine/load_plan.h"
#include "driver/engine/socket_address.h"
#include "driver/engine/tls_context.h"
#include "driver/engine/transport.h"

namespace loadtest {

// Owned by the loop thread.
class HttpStack {
 public:
  // For the target's `addresses`; connections come from `sources` (see EpollTransport). Takes the
  // request's bytes out of `plan`. InvalidArgument: TLS options that cannot be used;
  // ResourceExhausted: no descriptor left.
  static absl::StatusOr<std::unique_ptr<HttpStack>> Create(
      LoadPlan& plan, const std::vector<SocketAddress>& addresses,
      const std::vector<SocketAddress>& sources, Clock& clock);

  HttpClient& client() { return *client_; }

  // For the report: "epoll"; and how TLS was agreed on the first connection, empty without TLS or
  // while there is none.
  std::string transport_name() const { return "epoll"; }
  std::string tls_description() const { return tls_ == nullptr ? "" : tls_->description(); }

 private:
  HttpStack() = default;

  // Owned by the transport.
  const TlsContext* tls_ = nullptr;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace loadtest
