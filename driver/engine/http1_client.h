// HTTP/1.1 (RFC 9112): a lane is a connection.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "driver/engine/http_client.h"
#include "driver/engine/response_parser.h"
#include "driver/engine/transport.h"

namespace loadtest {

// Requests are sent one after the other on a connection, never before the response to the last one
// is there.
class Http1Client final : public HttpClient, private TransportEvents {
 public:
  struct Request {
    std::string bytes;
    // It is a HEAD: its responses have no body, whatever their header says.
    bool is_head = false;
  };

  // `transport` must outlive the client.
  Http1Client(Request request, int max_connections, Transport& transport)
      : request_(std::move(request)), transport_(transport), exchanges_(max_connections) {}

  int Open(int lane, int address) override { return transport_.Connect(lane, address); }
  SendState Send(int lane) override;
  void Close(int lane) override;
  MonotonicTime Poll(MonotonicTime until, HttpEvents& events) override;
  void Wake() override { transport_.Wake(); }
  Traffic TakeTraffic() override { return std::exchange(traffic_, Traffic()); }

 private:
  enum class State : uint8_t { kNone, kSending, kAwaiting };
  // A request and its response, as far as it has come.
  struct Exchange {
    ResponseParser parser;
    // Of the part of the response that has come.
    MonotonicTime first_byte_at;
    MonotonicTime last_byte_at;
    State state = State::kNone;
  };

  void OnConnected(int connection, const ConnectedEvent& event) override;
  void OnConnectFailed(int connection, const ConnectFailure& failure) override;
  void OnSent(int connection) override;
  void OnRead(int connection, const ReadEvent& event) override;
  void OnClosed(int connection, const ClosedEvent& event) override;

  void Finish(int connection, MonotonicTime received_at, bool reusable);
  void Refuse(int connection, v1::ErrorKind kind);

  const Request request_;
  Transport& transport_;
  std::vector<Exchange> exchanges_;
  ResponseParser::HeadMemo memo_;
  HttpEvents* events_ = nullptr;
  Traffic traffic_;
};

}  // namespace loadtest
