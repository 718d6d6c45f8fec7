#include "driver/engine/http_stack.h"

#include <utility>

#include "common/base/status_macros.h"
#include "driver/engine/epoll_transport.h"
#include "driver/engine/http1_client.h"
#include "driver/engine/http2_client.h"
#include "driver/engine/tls_transport.h"

namespace loadtest {

absl::StatusOr<std::unique_ptr<HttpStack>> HttpStack::Create(
    LoadPlan& plan, const std::vector<SocketAddress>& addresses,
    const std::vector<SocketAddress>& sources, Clock& clock) {
  std::unique_ptr<HttpStack> stack(new HttpStack);
  ASSIGN_OR_RETURN(stack->transport_,
                   EpollTransport::Create(addresses, plan.max_connections, clock, sources));
  if (plan.is_tls) {
    ASSIGN_OR_RETURN(std::unique_ptr<TlsContext> tls,
                     TlsContext::Create(plan.tls, plan.host, plan.is_http2 ? "h2" : "http/1.1"));
    stack->tls_ = tls.get();
    stack->transport_ = std::make_unique<TlsTransport>(std::move(stack->transport_), std::move(tls),
                                                       plan.max_connections);
  }
  if (plan.is_http2) {
    stack->client_ = std::make_unique<Http2Client>(
        std::move(plan.http2_request), plan.max_connections, plan.streams, *stack->transport_);
  } else {
    stack->client_ = std::make_unique<Http1Client>(
        Http1Client::Request{.bytes = std::move(plan.request_bytes), .is_head = plan.is_head},
        plan.max_connections, *stack->transport_);
  }
  return stack;
}

}  // namespace loadtest
