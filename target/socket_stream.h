// A blocking socket as httplib wants to read and write it.
#pragma once

#include <httplib.h>

#include <array>
#include <cstddef>
#include <functional>
#include <string>

namespace loadtest {

// httplib's own stream waits with select(), which ends at 1,024 descriptors, and reads the request
// line byte by byte from the kernel. This one has no such limit, reads in blocks and sends headers
// and body together.
//
// Does not own the descriptor. Used by the one thread of its connection.
class SocketStream final : public httplib::Stream {
 public:
  explicit SocketStream(int fd) : fd_(fd) {}

  // Waits for a byte that is not yet read. False at the end of the connection.
  bool WaitReadable();
  // Reads `bytes` and throws them away. False at the end of the connection.
  bool Discard(size_t bytes);
  // Waits until the client or the server ends the connection, or until `timeout_ms` is over.
  void WaitForEnd(int timeout_ms);

  // Sends what is held back. False when the connection does not take it.
  bool Flush();
  // From now on nothing is read or written, as if the client were gone.
  void Break() { broken_ = true; }
  bool broken() const { return broken_; }
  // `on_first_write` is called before the next write, which opens a response.
  void BeginExchange(std::function<void()> on_first_write);
  // Whether anything was written since BeginExchange.
  bool has_written() const { return has_written_; }

  bool is_readable() const override { return !broken_; }
  bool is_writable() const override { return !broken_; }
  ssize_t read(char* data, size_t size) override;
  // The first write of a response, its headers, is held back until the second one or Flush.
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  // Never the true one: httplib refuses descriptors that do not fit into select(), which is not
  // used here.
  socket_t socket() const override { return 0; }

 private:
  bool FillInput();

  const int fd_;
  bool broken_ = false;
  bool has_written_ = false;
  std::function<void()> on_first_write_;
  std::string held_;
  std::array<char, 8'192> input_;
  size_t input_begin_ = 0;
  size_t input_end_ = 0;
};

}  // namespace loadtest
