// TLS on any transport.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "driver/engine/tls_context.h"
#include "driver/engine/transport.h"

struct bio_method_st;
struct bio_st;

namespace loadtest {

// Encrypts what is sent on the transport below and decrypts what it receives. A connection counts
// as connecting until its handshake is done. OpenSSL works on memory: it reads from the bytes the
// transport below has just received, and writes into one buffer for all connections, so a request
// costs no copy beyond the encryption itself. What is received keeps the time stamp of the packet
// that completed it.
//
// A server that closes without close_notify (RFC 8446, section 6.1) counts as one that closes:
// whether a response was whole is for HTTP to say.
class TlsTransport final : public Transport, private TransportEvents {
 public:
  TlsTransport(std::unique_ptr<Transport> below, std::unique_ptr<TlsContext> context,
               int max_connections);
  ~TlsTransport() override;

  int Connect(int connection, int address) override;
  SendState Send(int connection, std::string_view bytes) override;
  void Close(int connection) override;
  MonotonicTime Poll(MonotonicTime until, TransportEvents& events) override;
  void Wake() override { below_->Wake(); }

  const TlsContext& context() const { return *context_; }

 private:
  enum class State : uint8_t {
    kClosed,
    kConnecting,
    kHandshaking,
    kOpen,
    kBroken,  // the transport below has closed it, and nobody was told yet
  };
  struct Connection {
    SslPointer ssl;
    State state = State::kClosed;
    // The transport below still has bytes of in_kernel to send.
    bool is_busy = false;
    // OnSent is owed for the caller's last Send.
    bool is_sending = false;
    // Counts openings, so that a callback that closed or reopened it is noticed.
    uint32_t life = 0;
    MonotonicTime connected_at;
    // Of the caller's bytes.
    std::string_view unsent;
    std::string in_kernel;
    std::string queued;
  };
  enum class Flushed { kSent, kPending, kFailed };

  void OnConnected(int connection, const ConnectedEvent& event) override;
  void OnConnectFailed(int connection, const ConnectFailure& failure) override;
  void OnSent(int connection) override;
  void OnRead(int connection, const ReadEvent& event) override;
  void OnClosed(int connection, const ClosedEvent& event) override;

  void Handshake(int connection, MonotonicTime now);
  void FailHandshake(int connection, const ConnectFailure& failure);
  void Read(int connection, const ReadEvent& event);
  // Decrypts into plain_ what fits; the result is that of SSL_read_ex for the first byte that was
  // not there.
  int Decrypt(Connection& connection, size_t& size);
  // Closes the connection and says so.
  void Break(int connection, const ClosedEvent& event);
  // Encrypts and sends as much of `unsent` as is taken. kFailed: the connection is kBroken.
  Flushed Pump(int connection);
  // Hands what OpenSSL has written to the transport below. kFailed: the connection is kBroken.
  Flushed Flush(int connection);
  // Closes the connection of the transport below unless it has done so itself.
  void CloseBelow(int connection);
  void Reset(Connection& connection);

  static int ReadBio(bio_st* bio, char* to, int size);
  static int WriteBio(bio_st* bio, const char* from, int size);
  static long ControlBio(bio_st* bio, int command, long number, void* pointer);

  const std::unique_ptr<Transport> below_;
  const std::unique_ptr<TlsContext> context_;
  bio_method_st* const bio_method_;
  std::vector<Connection> connections_;
  TransportEvents* events_ = nullptr;
  // What was received and OpenSSL has not taken yet; what it has written and nobody has sent yet.
  std::string_view incoming_;
  std::string outgoing_;
  const std::unique_ptr<char[]> plain_;
  // Connections that broke within a call of Send: reported by the next Poll if they still are
  // kBroken then, and have not been closed or opened anew.
  std::vector<int> broken_;
};

}  // namespace loadtest
