// The target: a web server with known behaviour, to try load tests against.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"
#include "target/counters.h"
#include "target/endpoints.h"
#include "target/http_exchange.h"
#include "target/listeners.h"

namespace loadtest {

// One thread accepts; each connection has a thread of its own, so that a slow request holds up
// nobody else. Thread-safe.
class TargetServer {
 public:
  struct Options {
    std::string host = "localhost";
    int port = 8081;
    // Further connections are answered with status 503.
    int max_connections = 4'096;
  };
  // Listens and serves from now on. Errors: those of Listen.
  static absl::StatusOr<std::unique_ptr<TargetServer>> Start(const Options& options);

  // Closes all connections, also those that wait for an answer, and waits for their threads.
  ~TargetServer();

  int port() const { return listeners_.all.front().port(); }
  // "127.0.0.1:8081", "[::1]:8081".
  std::vector<std::string> addresses() const;
  // Why one of the addresses of localhost is not served; empty when both are.
  const std::string& missing() const { return listeners_.missing; }

 private:
  struct ConnectionThread;

  TargetServer(Listeners listeners, int max_connections, int stop_fd);
  void AcceptLoop();
  // Takes all that wait in `listener`.
  void AcceptFrom(const Listener& listener, class RefusedConnections& refused);
  // False when there are max_connections or no thread can be made.
  bool StartConnection(int fd);
  void ServeConnection(int fd);
  // Sleeps; false when the server stops.
  bool Wait(int64_t ns) const;

  const Listeners listeners_;
  const int max_connections_;
  // An eventfd that becomes readable when the server stops.
  const int stop_fd_;
  Counters counters_;
  Endpoints endpoints_;
  HttpExchange exchange_;

  std::mutex mutex_;
  bool stopping_ = false;
  std::unordered_set<int> open_;
  std::condition_variable all_closed_;

  std::thread acceptor_;
};

}  // namespace loadtest
