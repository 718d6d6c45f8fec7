// Serves requests of one connection after the other: httplib speaks HTTP, this decides what
// happens.
#pragma once

#include <httplib.h>

#include "target/counters.h"
#include "target/endpoints.h"
#include "target/socket_stream.h"

namespace loadtest {

// An httplib server without sockets and threads of its own: those of httplib serve 1,024
// connections at most, and accept new ones through a queue of five. Shared by all connections;
// thread-safe once constructed.
class HttpExchange final : private httplib::Server {
 public:
  // Both must outlive this.
  HttpExchange(Endpoints& endpoints, Counters& counters);

  // Reads one request and answers it. False when the connection is to be closed. Blocks for as long
  // as that takes.
  bool ServeOne(SocketStream& stream);

 private:
  void AnswerMetrics(const httplib::Request& request, httplib::Response& response) const;

  Endpoints& endpoints_;
  Counters& counters_;
};

}  // namespace loadtest
