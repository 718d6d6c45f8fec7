// The seam between the load loop and HTTP.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/time.h"
#include "driver/engine/transport.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {

// A lane carries one request at a time: with HTTP/1.1 it is a connection, with HTTP/2 one of the
// streams that a connection may have at once. Lanes are numbered 0 .. capacity - 1 by the caller,
// and so are the addresses of the target.

struct Response {
  int status = 0;
  // When its first and its last byte were there.
  MonotonicTime first_byte_at;
  MonotonicTime received_at;
  // The lane is free for the next request; otherwise it is closed.
  bool reusable = false;
};

// What happens to lanes. Called from within HttpClient::Poll only. A callback may call Open, Send
// and Close for any lane.
class HttpEvents {
 public:
  // The lane is open and free. `connection` is null when it is on a connection that was there.
  virtual void OnOpened(int lane, const ConnectedEvent* connection) = 0;
  // The attempt failed; the lane is closed.
  virtual void OnOpenFailed(int lane, const ConnectFailure& failure) = 0;
  // The request of a Send that was kPending is all with the kernel now.
  virtual void OnSent(int lane) = 0;
  // A whole response; it may come before OnSent, and then OnSent does not follow.
  virtual void OnResponse(int lane, const Response& response) = 0;
  // The request will get no response; the lane is closed. `what` is valid until the call returns.
  virtual void OnRequestFailed(int lane, v1::ErrorKind kind, std::string_view what) = 0;
  // The lane was free and is closed.
  virtual void OnClosed(int lane) = 0;

 protected:
  ~HttpEvents() = default;
};

// Sends one and the same request on many lanes. Owned and called by the loop thread, but for Wake.
class HttpClient {
 public:
  // Bytes since the last call: of requests and responses, headers included, without those of TLS.
  struct Traffic {
    int64_t sent = 0;
    int64_t received = 0;
  };

  virtual ~HttpClient() = default;

  // Begins to open a closed lane. 0, and OnOpened or OnOpenFailed follows; or an errno value, and
  // nothing follows.
  virtual int Open(int lane, int address) = 0;

  // Sends the request on a free lane. kFailed: not a byte of it was sent, and the lane is closed.
  virtual SendState Send(int lane) = 0;

  // Closes a lane, whatever it does; no event of it follows.
  virtual void Close(int lane) = 0;

  // As Transport::Poll.
  virtual MonotonicTime Poll(MonotonicTime until, HttpEvents& events) = 0;

  // Makes a running or the next Poll return at once. Thread-safe.
  virtual void Wake() = 0;

  virtual Traffic TakeTraffic() = 0;
};

}  // namespace loadtest
