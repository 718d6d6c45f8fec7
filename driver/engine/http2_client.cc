#include "driver/engine/http2_client.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "driver/engine/error_kinds.h"

namespace loadtest {
namespace {

// Responses are thrown away as they come, so nothing is gained by holding a server back.
constexpr int32_t kWindowBytes = 16 << 20;
// Handed to the transport at once, about.
constexpr size_t kPieceBytes = 64 << 10;

// nghttp2 wants bytes that it could change, and does not change them.
uint8_t* Bytes(const std::string& text) {
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
}

}  // namespace

// nghttp2 calls these with the connection as user data; `reading_` tells which it is.
struct Http2Client::Callbacks {
  static Http2Client& Client(void* user_data) { return *static_cast<Http2Client*>(user_data); }
  // A stream's user data is its lane + 1; null for a stream that nobody waits for any more.
  static int LaneOf(nghttp2_session* session, int32_t stream) {
    void* const data = nghttp2_session_get_stream_user_data(session, stream);
    return static_cast<int>(reinterpret_cast<intptr_t>(data)) - 1;
  }

  static int OnBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    Http2Client& client = Client(user_data);
    const int lane = LaneOf(session, frame->hd.stream_id);
    if (lane < 0) return 0;
    Lane& l = client.lanes_[lane];
    if (l.first_byte_at.ns == 0) l.first_byte_at = client.received_at_;
    return 0;
  }

  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* user_data) {
    constexpr std::string_view kStatus = ":status";
    if (std::string_view(reinterpret_cast<const char*>(name), name_size) != kStatus) return 0;
    const int lane = LaneOf(session, frame->hd.stream_id);
    if (lane < 0) return 0;
    const char* const text = reinterpret_cast<const char*>(value);
    std::from_chars(text, text + value_size, Client(user_data).lanes_[lane].status);
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    Http2Client& client = Client(user_data);
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      client.OnSettings(client.reading_);
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
      client.OnGoAway(client.reading_);
    }
    return 0;
  }

  static int OnStreamClose(nghttp2_session* session, int32_t stream, uint32_t error,
                           void* user_data) {
    Http2Client& client = Client(user_data);
    const int lane = LaneOf(session, stream);
    if (lane >= 0) client.OnStreamClosed(client.ConnectionOf(lane), lane, stream, error);
    return 0;
  }

  static ssize_t ReadBody(nghttp2_session*, int32_t, uint8_t* to, size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void* user_data) {
    Http2Client& client = Client(user_data);
    Lane& l = client.lanes_[source->fd];
    const std::string& body = client.request_.body;
    const size_t taken = std::min(size, body.size() - l.body_sent);
    std::memcpy(to, body.data() + l.body_sent, taken);
    l.body_sent += taken;
    if (l.body_sent == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(taken);
  }
};

struct Http2Client::Headers : std::vector<nghttp2_nv> {};

void Http2Client::DeleteSession::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

Http2Client::Http2Client(Http2Request request, int max_connections, int streams,
                         Transport& transport)
    : request_(std::move(request)),
      streams_(streams),
      transport_(transport),
      lanes_(static_cast<size_t>(max_connections) * static_cast<size_t>(streams)),
      connections_(max_connections),
      headers_(std::make_unique<Headers>()) {
  for (const auto& [name, value] : request_.headers) {
    headers_->push_back({.name = Bytes(name),
                         .value = Bytes(value),
                         .namelen = name.size(),
                         .valuelen = value.size(),
                         .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE});
  }
  outgoing_.reserve(2 * kPieceBytes);
  nghttp2_session_callbacks_new(&callbacks_);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks_, &Callbacks::OnBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback(callbacks_, &Callbacks::OnHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks_, &Callbacks::OnFrame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks_, &Callbacks::OnStreamClose);
}

Http2Client::~Http2Client() {
  connections_.clear();
  nghttp2_session_callbacks_del(callbacks_);
}

HttpClient::Traffic Http2Client::TakeTraffic() { return std::exchange(traffic_, Traffic()); }

int Http2Client::Open(int lane, int address) {
  Lane& l = lanes_[lane];
  Connection& c = connections_[ConnectionOf(lane)];
  if (c.state == State::kClosed) {
    const int error = transport_.Connect(ConnectionOf(lane), address);
    if (error != 0) return error;
    c.state = State::kConnecting;
    c.address = address;
  } else if (c.state == State::kOpen) {
    opened_.push_back(lane);
  }
  // One that waits for its connection, or for the next one, is told when that is there.
  l.state = LaneState::kOpening;
  return 0;
}

bool Http2Client::Submit(int lane) {
  Lane& l = lanes_[lane];
  l.status = 0;
  l.body_sent = 0;
  l.first_byte_at = {};
  nghttp2_data_provider body = {};
  body.source.fd = lane;
  body.read_callback = &Callbacks::ReadBody;
  nghttp2_session* const session = connections_[ConnectionOf(lane)].session.get();
  l.stream = nghttp2_submit_request(session, nullptr, headers_->data(), headers_->size(),
                                    request_.body.empty() ? nullptr : &body,
                                    reinterpret_cast<void*>(static_cast<intptr_t>(lane) + 1));
  return l.stream > 0;
}

SendState Http2Client::Send(int lane) {
  const int connection = ConnectionOf(lane);
  Connection& c = connections_[connection];
  Lane& l = lanes_[lane];
  if (c.state != State::kOpen || !Submit(lane)) {
    // It is ending; the lane goes on when there is a new one.
    l.state = LaneState::kClosed;
    return SendState::kFailed;
  }
  l.state = LaneState::kSending;
  if (c.is_reading) {
    // Leaves at the end of the read, with the others.
    if (!request_.body.empty()) return SendState::kPending;
    l.state = LaneState::kAwaiting;
    return SendState::kSent;
  }
  if (!Flush(connection)) {
    Drop(connection);
    return SendState::kPending;
  }
  if (c.is_busy || l.body_sent < request_.body.size()) return SendState::kPending;
  l.state = LaneState::kAwaiting;
  return SendState::kSent;
}

bool Http2Client::Flush(int connection) {
  Connection& c = connections_[connection];
  if (c.is_busy || c.session == nullptr) return true;
  const uint8_t* bytes = nullptr;
  ssize_t size = 0;
  while ((size = nghttp2_session_mem_send(c.session.get(), &bytes)) > 0) {
    outgoing_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    if (outgoing_.size() >= kPieceBytes) break;
  }
  if (outgoing_.empty()) return true;
  traffic_.sent += static_cast<int64_t>(outgoing_.size());
  switch (transport_.Send(connection, outgoing_)) {
    case SendState::kSent:
      outgoing_.clear();
      // Goes on with what did not fit into one piece.
      return size <= 0 || Flush(connection);
    case SendState::kPending:
      // The transport looks at these bytes until it has sent them. Swapped strings keep their
      // places in memory, being longer than what fits into the objects themselves.
      c.in_kernel.swap(outgoing_);
      outgoing_.clear();
      outgoing_.reserve(kPieceBytes);
      c.is_busy = true;
      return true;
    case SendState::kFailed:
      break;
  }
  outgoing_.clear();
  return false;
}

void Http2Client::Close(int lane) {
  const int connection = ConnectionOf(lane);
  Connection& c = connections_[connection];
  Lane& l = lanes_[lane];
  const LaneState state = std::exchange(l.state, LaneState::kClosed);
  std::erase(opened_, lane);
  if (c.session == nullptr) return;
  if (state == LaneState::kSending || state == LaneState::kAwaiting) {
    if (!std::exchange(c.has_heard, false)) {
      // Nothing has come on it since the last time: it is dead.
      transport_.Close(connection);
      return Drop(connection);
    }
    nghttp2_session_set_stream_user_data(c.session.get(), l.stream, nullptr);
    nghttp2_submit_rst_stream(c.session.get(), NGHTTP2_FLAG_NONE, l.stream, NGHTTP2_CANCEL);
    if (!Flush(connection)) return Drop(connection);
  }
  LeaveWhenUnused(connection);
}

void Http2Client::Drop(int connection) {
  connections_[connection].session.reset();
  broken_.push_back(connection);
}

void Http2Client::LeaveWhenUnused(int connection) {
  Connection& c = connections_[connection];
  const Lane* const first = &lanes_[static_cast<size_t>(connection) * streams_];
  bool again = false;
  for (const Lane* l = first; l != first + streams_; ++l) {
    if (l->state == LaneState::kSending || l->state == LaneState::kAwaiting) return;
    if (c.state != State::kLeaving && l->state != LaneState::kClosed) return;
    again = again || l->state != LaneState::kClosed;
  }
  transport_.Close(connection);
  c.session.reset();
  c.state = State::kClosed;
  c.is_busy = false;
  if (again) Reconnect(connection);
}

void Http2Client::Reconnect(int connection) {
  Connection& c = connections_[connection];
  const int error = transport_.Connect(connection, c.address);
  c.state = State::kConnecting;
  if (error != 0) broken_.push_back(connection);
}

MonotonicTime Http2Client::Poll(MonotonicTime until, HttpEvents& events) {
  events_ = &events;
  bool told = false;
  for (const int connection : std::exchange(broken_, {})) {
    told = true;
    Lose(connection, v1::CONNECTION_RESET, "the connection broke");
  }
  for (const int lane : std::exchange(opened_, {})) {
    if (lanes_[lane].state != LaneState::kOpening) continue;
    if (connections_[ConnectionOf(lane)].state != State::kOpen) continue;  // told with the next one
    told = true;
    TellOpened(lane, nullptr);
  }
  return transport_.Poll(told ? MonotonicTime() : until, *this);
}

void Http2Client::OnConnected(int connection, const ConnectedEvent& event) {
  Connection& c = connections_[connection];
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new(&session, callbacks_, this);
  c.session.reset(session);
  c.connected = event;
  c.state = State::kSettling;
  c.has_heard = true;
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindowBytes}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kWindowBytes);
  if (!Flush(connection)) Lose(connection, v1::CONNECTION_RESET, "the connection broke");
}

void Http2Client::OnConnectFailed(int connection, const ConnectFailure& failure) {
  connections_[connection].state = State::kClosed;
  for (int lane = connection * streams_; lane < (connection + 1) * streams_; ++lane) {
    Lane& l = lanes_[lane];
    const LaneState state = l.state;
    if (state == LaneState::kClosed) continue;
    l.state = LaneState::kClosed;
    if (state == LaneState::kAgain) {
      events_->OnRequestFailed(lane, v1::STREAM_RESET, "refused, and no new connection was made");
    } else {
      events_->OnOpenFailed(lane, failure);
    }
  }
}

void Http2Client::OnSettings(int connection) {
  Connection& c = connections_[connection];
  if (c.state != State::kSettling) return;
  c.state = State::kOpen;
  c.allowed =
      nghttp2_session_get_remote_settings(c.session.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  bool first = true;
  for (int lane = connection * streams_; lane < (connection + 1) * streams_; ++lane) {
    Lane& l = lanes_[lane];
    if (l.state == LaneState::kAgain) {
      l.state = Submit(lane) ? LaneState::kAwaiting : LaneState::kAgain;
    } else if (l.state == LaneState::kOpening) {
      TellOpened(lane, std::exchange(first, false) ? &c.connected : nullptr);
    }
  }
}

void Http2Client::TellOpened(int lane, const ConnectedEvent* event) {
  const uint32_t allowed = connections_[ConnectionOf(lane)].allowed;
  if (static_cast<uint32_t>(lane % streams_) < allowed) {
    lanes_[lane].state = LaneState::kFree;
    events_->OnOpened(lane, event);
    return;
  }
  lanes_[lane].state = LaneState::kClosed;
  const std::string text = absl::StrFormat(
      "the server allows %d streams a connection; want at most so many (--streams)", allowed);
  events_->OnOpenFailed(lane, {.kind = v1::HTTP2_NOT_OFFERED, .text = text});
}

void Http2Client::OnGoAway(int connection) {
  Connection& c = connections_[connection];
  if (c.state != State::kOpen) return;
  c.state = State::kLeaving;
  for (int lane = connection * streams_; lane < (connection + 1) * streams_; ++lane) {
    if (lanes_[lane].state != LaneState::kFree) continue;
    lanes_[lane].state = LaneState::kClosed;
    events_->OnClosed(lane);
  }
}

void Http2Client::OnStreamClosed(int connection, int lane, int32_t stream, uint32_t error) {
  Lane& l = lanes_[lane];
  if (l.stream != stream) return;
  Connection& c = connections_[connection];
  if (error == NGHTTP2_NO_ERROR && l.status != 0) {
    const bool whole = l.body_sent == request_.body.size();
    l.state = c.state == State::kOpen ? LaneState::kFree : LaneState::kClosed;
    if (!whole) l.state = LaneState::kClosed;
    events_->OnResponse(lane, {.status = l.status,
                               .first_byte_at = l.first_byte_at,
                               .received_at = received_at_,
                               .reusable = l.state != LaneState::kClosed});
  } else if (error == NGHTTP2_REFUSED_STREAM && c.state == State::kLeaving) {
    l.state = LaneState::kAgain;
  } else {
    l.state = LaneState::kClosed;
    const std::string text =
        absl::StrFormat("the server reset the stream: %s", nghttp2_http2_strerror(error));
    events_->OnRequestFailed(lane, v1::STREAM_RESET, text);
  }
}

void Http2Client::OnSent(int connection) {
  Connection& c = connections_[connection];
  c.is_busy = false;
  c.in_kernel.clear();
  if (!Flush(connection)) return Lose(connection, v1::CONNECTION_RESET, "the connection broke");
  TellSent(connection);
}

void Http2Client::TellSent(int connection) {
  if (connections_[connection].is_busy) return;
  for (int lane = connection * streams_; lane < (connection + 1) * streams_; ++lane) {
    Lane& l = lanes_[lane];
    if (l.state != LaneState::kSending || l.body_sent < request_.body.size()) continue;
    l.state = LaneState::kAwaiting;
    events_->OnSent(lane);
  }
}

void Http2Client::OnRead(int connection, const ReadEvent& event) {
  Connection& c = connections_[connection];
  traffic_.received += static_cast<int64_t>(event.bytes.size());
  c.has_heard = true;
  reading_ = connection;
  received_at_ = event.received_at;
  c.is_reading = true;
  const ssize_t taken = nghttp2_session_mem_recv(
      c.session.get(), reinterpret_cast<const uint8_t*>(event.bytes.data()), event.bytes.size());
  c.is_reading = false;
  reading_ = -1;
  if (taken < 0) {
    const std::string what =
        absl::StrFormat("no HTTP/2: %s", nghttp2_strerror(static_cast<int>(taken)));
    transport_.Close(connection);
    return Lose(connection, v1::HTTP2_ERROR, what);
  }
  if (!Flush(connection)) return Lose(connection, v1::CONNECTION_RESET, "the connection broke");
  const bool over = nghttp2_session_want_read(c.session.get()) == 0 &&
                    nghttp2_session_want_write(c.session.get()) == 0;
  if (over) {
    transport_.Close(connection);
    return Lose(connection, v1::HTTP2_ERROR, "HTTP/2 connection ended by an error");
  }
  if (!request_.body.empty()) TellSent(connection);
  LeaveWhenUnused(connection);
}

void Http2Client::OnClosed(int connection, const ClosedEvent& event) {
  if (event.error == EPROTO) return Lose(connection, event.kind, event.text);
  if (event.error != 0) return Lose(connection, v1::CONNECTION_RESET, ErrnoText(event.error));
  Lose(connection, v1::CLOSED_BEFORE_RESPONSE, "closed by the server");
}

void Http2Client::Lose(int connection, v1::ErrorKind kind, std::string_view what) {
  Connection& c = connections_[connection];
  const bool was_leaving = c.state == State::kLeaving;
  const bool was_open = c.state == State::kOpen || was_leaving;
  c.session.reset();
  c.state = State::kClosed;
  c.is_busy = false;
  c.in_kernel.clear();
  // All are closed before any is told, since those that are told may open again.
  std::vector<std::pair<int, LaneState>> lanes;
  bool again = false;
  for (int lane = connection * streams_; lane < (connection + 1) * streams_; ++lane) {
    LaneState& state = lanes_[lane].state;
    if (was_leaving && (state == LaneState::kAgain || state == LaneState::kOpening)) {
      again = true;  // on the next connection
    } else if (state != LaneState::kClosed) {
      lanes.emplace_back(lane, std::exchange(state, LaneState::kClosed));
    }
  }
  if (again) Reconnect(connection);
  const std::string text =
      was_open ? std::string(what) : absl::StrFormat("no HTTP/2 on the connection: %s", what);
  for (const auto& [lane, state] : lanes) {
    if (state == LaneState::kOpening) {
      events_->OnOpenFailed(
          lane, {.kind = was_open ? v1::CONNECT_RESET : v1::HTTP2_NOT_OFFERED, .text = text});
    } else if (state == LaneState::kFree) {
      events_->OnClosed(lane);
    } else {
      const bool begun = lanes_[lane].status != 0;
      events_->OnRequestFailed(
          lane, begun && kind == v1::CLOSED_BEFORE_RESPONSE ? v1::CLOSED_IN_RESPONSE : kind, text);
    }
  }
}

}  // namespace loadtest
