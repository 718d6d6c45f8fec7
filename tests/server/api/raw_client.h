// A TCP client that sends just the bytes it is told, for what no HTTP library would send.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace loadtest {

// Connects to 127.0.0.1 when made; aborts the test program when it cannot.
class RawClient {
 public:
  explicit RawClient(int port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // Gives up silently when the server has closed.
  void Send(std::string_view bytes);
  // All bytes so far once `text` is among them, the server has closed, or `timeout` is over.
  std::string ReadUntil(std::string_view text,
                        std::chrono::milliseconds timeout = std::chrono::seconds(10));
  std::string ReadToEnd(std::chrono::milliseconds timeout = std::chrono::seconds(10));
  // True once a read has seen the server's end of the connection.
  bool closed() const { return closed_; }

 private:
  int fd_;
  std::string received_;
  bool closed_ = false;
};

}  // namespace loadtest
