// The seam between the load loop and sockets.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/time.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {

// Connections are numbered 0 .. capacity - 1 by the caller, and so are the addresses they go to.

struct ConnectedEvent {
  // When the connection was made, and when TLS was agreed on it; the same without TLS.
  MonotonicTime connected_at;
  MonotonicTime secured_at;
  // TLS took up an earlier session, which spares a part of the handshake.
  bool tls_resumed = false;
};

// Why a connection could not be made.
struct ConnectFailure {
  v1::ErrorKind kind = v1::CONNECT_UNREACHABLE;
  // In words; valid until the call returns.
  std::string_view text;
};

struct ClosedEvent {
  // 0: closed by its peer. Else an errno value; EPROTO: what the peer sent could not be understood
  // or was a refusal, `kind` is what that counts as and `text` says why.
  int error = 0;
  v1::ErrorKind kind = v1::ERROR_KIND_UNSPECIFIED;
  // Valid until the call returns.
  std::string_view text = {};
};

struct ReadEvent {
  // Valid until the call returns.
  std::string_view bytes;
  // When the bytes were there.
  MonotonicTime received_at;
  // The peer will send nothing after what it has sent already: the connection cannot be used again.
  bool peer_closed = false;
};

// What happens to connections. Called from within Transport::Poll only. A callback may call
// Connect, Send and Close for any connection.
class TransportEvents {
 public:
  virtual void OnConnected(int connection, const ConnectedEvent& event) = 0;
  // The attempt failed; the connection is closed.
  virtual void OnConnectFailed(int connection, const ConnectFailure& failure) = 0;
  // The bytes of a Send that was kPending are all with the kernel now.
  virtual void OnSent(int connection) = 0;
  virtual void OnRead(int connection, const ReadEvent& event) = 0;
  // The connection is closed.
  virtual void OnClosed(int connection, const ClosedEvent& event) = 0;

 protected:
  ~TransportEvents() = default;
};

enum class SendState {
  kSent,     // all bytes are with the kernel
  kPending,  // a part is; OnSent or OnClosed follows
  kFailed,   // none is, and the connection is closed
};

// Owned and called by the loop thread, but for Wake.
class Transport {
 public:
  virtual ~Transport() = default;

  // Begins to connect a closed connection. 0, and OnConnected or OnConnectFailed follows; or an
  // errno value, and nothing follows.
  virtual int Connect(int connection, int address) = 0;

  // Sends on a connected connection with nothing pending. `bytes` must stay valid until all of it
  // was sent or the connection is closed.
  virtual SendState Send(int connection, std::string_view bytes) = 0;

  // Closes a connecting or connected connection; no event of it follows.
  virtual void Close(int connection) = 0;

  // Waits until something happened or until `until`, whichever is first, and reports what happened.
  // Does not wait at all when `until` has passed. Returns when the wait was over, before the
  // reports.
  virtual MonotonicTime Poll(MonotonicTime until, TransportEvents& events) = 0;

  // Makes a running or the next Poll return at once. Thread-safe.
  virtual void Wake() = 0;
};

}  // namespace loadtest
