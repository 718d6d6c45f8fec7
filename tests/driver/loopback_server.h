// A server for tests, on loopback, that does to each request what the test says.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace loadtest {

// One thread serves all connections. A request ends with its header section: bodies are not for it.
class LoopbackServer {
 public:
  struct Reply {
    std::string bytes;
    bool close = false;
  };
  // What to answer to the n-th request, n = 0, 1, 2 ...; called by the server's thread.
  using Answer = std::function<Reply(int request)>;

  explicit LoopbackServer(Answer answer);
  ~LoopbackServer();

  int port() const { return port_; }
  int requests() const { return requests_; }
  int connections() const { return connections_; }

 private:
  void Serve();
  // False when the connection is over.
  bool ServeConnection(int fd, std::string& received);

  const Answer answer_;
  int listen_fd_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<int> requests_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

// A port of 127.0.0.1 on which nobody listens.
int UnusedPort();

}  // namespace loadtest
