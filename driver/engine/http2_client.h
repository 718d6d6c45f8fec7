// HTTP/2 (RFC 9113) by nghttp2: a lane is one of the streams that a connection carries at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "driver/engine/http_client.h"
#include "driver/engine/request_bytes.h"
#include "driver/engine/transport.h"

struct nghttp2_session;
struct nghttp2_session_callbacks;

namespace loadtest {

// Lane l is on connection l / streams. The first lane that is opened makes the connection; the
// others are opened on it. Requests that are sent while a read is being taken apart leave together
// at its end.
//
// A server that ends a connection (GOAWAY) refuses the streams it will not process; their requests
// are sent again on the next connection, as RFC 9113, section 8.7 allows: nothing has happened to
// them. They still count as sent once, and their response times as from the first time.
class Http2Client final : public HttpClient, private TransportEvents {
 public:
  // `transport` must outlive the client.
  Http2Client(Http2Request request, int max_connections, int streams, Transport& transport);
  ~Http2Client() override;

  int Open(int lane, int address) override;
  SendState Send(int lane) override;
  void Close(int lane) override;
  MonotonicTime Poll(MonotonicTime until, HttpEvents& events) override;
  void Wake() override { transport_.Wake(); }
  Traffic TakeTraffic() override;

 private:
  enum class LaneState : uint8_t { kClosed, kOpening, kFree, kSending, kAwaiting, kAgain };
  struct Lane {
    LaneState state = LaneState::kClosed;
    int32_t stream = -1;
    int status = 0;
    size_t body_sent = 0;
    MonotonicTime first_byte_at;
  };
  enum class State : uint8_t { kClosed, kConnecting, kSettling, kOpen, kLeaving };
  struct DeleteSession {
    void operator()(nghttp2_session* session) const;
  };
  struct Connection {
    State state = State::kClosed;
    // The transport still has bytes of in_kernel to send.
    bool is_busy = false;
    // A read is being taken apart.
    bool is_reading = false;
    // Bytes came since the last request of it timed out.
    bool has_heard = false;
    int address = 0;
    // Streams that the server takes at once.
    uint32_t allowed = 0;
    ConnectedEvent connected;
    std::unique_ptr<nghttp2_session, DeleteSession> session;
    std::string in_kernel;
  };
  struct Callbacks;  // of nghttp2
  struct Headers;    // in its form

  void OnConnected(int connection, const ConnectedEvent& event) override;
  void OnConnectFailed(int connection, const ConnectFailure& failure) override;
  void OnSent(int connection) override;
  void OnRead(int connection, const ReadEvent& event) override;
  void OnClosed(int connection, const ClosedEvent& event) override;

  void OnSettings(int connection);
  // Tells a lane that its connection is open. `event` as in HttpEvents::OnOpened.
  void TellOpened(int lane, const ConnectedEvent* event);
  void OnGoAway(int connection);
  void OnStreamClosed(int connection, int lane, int32_t stream, uint32_t error);
  int ConnectionOf(int lane) const { return lane / streams_; }
  bool Submit(int lane);
  // Sends what nghttp2 has to say. False: the connection broke, and everyone was told.
  bool Flush(int connection);
  // Tells lanes whose request has left by now.
  void TellSent(int connection);
  // The transport has closed the connection outside of Poll; its lanes are told by the next one.
  void Drop(int connection);
  void LeaveWhenUnused(int connection);
  // Ends a connection that the transport has closed, and tells its lanes: those with a request
  // `kind` and `what`.
  void Lose(int connection, v1::ErrorKind kind, std::string_view what);
  void Reconnect(int connection);

  const Http2Request request_;
  const int streams_;
  Transport& transport_;
  std::vector<Lane> lanes_;
  std::vector<Connection> connections_;
  std::unique_ptr<Headers> headers_;
  nghttp2_session_callbacks* callbacks_ = nullptr;
  HttpEvents* events_ = nullptr;
  // Lanes on connections that are open: told so by the next Poll.
  std::vector<int> opened_;
  std::vector<int> broken_;
  // The read that is being taken apart.
  int reading_ = -1;
  MonotonicTime received_at_;
  std::string outgoing_;
  Traffic traffic_;
};

}  // namespace loadtest
