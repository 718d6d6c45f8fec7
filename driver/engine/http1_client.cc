#include "driver/engine/http1_client.h"

#include <errno.h>

#include "driver/engine/error_kinds.h"

namespace loadtest {

SendState Http1Client::Send(int lane) {
  Exchange& exchange = exchanges_[lane];
  exchange.parser.Reset(request_.is_head);
  const SendState state = transport_.Send(lane, request_.bytes);
  if (state == SendState::kFailed) return state;
  exchange.state = state == SendState::kSent ? State::kAwaiting : State::kSending;
  traffic_.sent += static_cast<int64_t>(request_.bytes.size());
  return state;
}

void Http1Client::Close(int lane) {
  exchanges_[lane].state = State::kNone;
  transport_.Close(lane);
}

MonotonicTime Http1Client::Poll(MonotonicTime until, HttpEvents& events) {
  events_ = &events;
  return transport_.Poll(until, *this);
}

void Http1Client::OnConnected(int connection, const ConnectedEvent& event) {
  events_->OnOpened(connection, &event);
}

void Http1Client::OnConnectFailed(int connection, const ConnectFailure& failure) {
  events_->OnOpenFailed(connection, failure);
}

void Http1Client::OnSent(int connection) {
  exchanges_[connection].state = State::kAwaiting;
  events_->OnSent(connection);
}

void Http1Client::OnRead(int connection, const ReadEvent& event) {
  Exchange& exchange = exchanges_[connection];
  traffic_.received += static_cast<int64_t>(event.bytes.size());
  if (exchange.state == State::kNone) {
    // Nothing was asked, so what comes is no answer; a server says goodbye like this.
    transport_.Close(connection);
    events_->OnClosed(connection);
    return;
  }
  if (!exchange.parser.started()) exchange.first_byte_at = event.received_at;
  const ResponseParser::Progress progress = exchange.parser.Feed(event.bytes, &memo_);
  switch (progress.outcome) {
    case ResponseParser::Outcome::kNeedMore:
      exchange.last_byte_at = event.received_at;
      return;
    case ResponseParser::Outcome::kDone: {
      // Bytes after the response would be taken for the start of the next one. And a server that
      // answers before it has all of the request has no use for the rest.
      const bool reusable = exchange.parser.keep_alive() && !event.peer_closed &&
                            progress.consumed == event.bytes.size() &&
                            exchange.state == State::kAwaiting;
      if (!reusable) transport_.Close(connection);
      Finish(connection, event.received_at, reusable);
      return;
    }
    case ResponseParser::Outcome::kMalformed:
      Refuse(connection, v1::MALFORMED_RESPONSE);
      return;
    case ResponseParser::Outcome::kTooLarge:
      Refuse(connection, v1::HEADER_TOO_LARGE);
      return;
  }
}

void Http1Client::Finish(int connection, MonotonicTime received_at, bool reusable) {
  Exchange& exchange = exchanges_[connection];
  exchange.state = State::kNone;
  events_->OnResponse(connection, {.status = exchange.parser.status(),
                                   .first_byte_at = exchange.first_byte_at,
                                   .received_at = received_at,
                                   .reusable = reusable});
}

void Http1Client::Refuse(int connection, v1::ErrorKind kind) {
  Close(connection);
  events_->OnRequestFailed(connection, kind, exchanges_[connection].parser.error());
}

void Http1Client::OnClosed(int connection, const ClosedEvent& event) {
  Exchange& exchange = exchanges_[connection];
  if (exchange.state == State::kNone) {
    events_->OnClosed(connection);
    return;
  }
  if (event.error == 0 && exchange.state == State::kAwaiting &&
      exchange.parser.FeedEnd() == ResponseParser::Outcome::kDone) {
    // The body went on to the end of the connection.
    Finish(connection, exchange.last_byte_at, /*reusable=*/false);
    return;
  }
  exchange.state = State::kNone;
  if (event.error == EPROTO) {
    events_->OnRequestFailed(connection, event.kind, event.text);
  } else if (event.error != 0) {
    events_->OnRequestFailed(connection, v1::CONNECTION_RESET, ErrnoText(event.error));
  } else if (exchange.parser.started()) {
    events_->OnRequestFailed(connection, v1::CLOSED_IN_RESPONSE,
                             "closed in the middle of the response");
  } else {
    events_->OnRequestFailed(connection, v1::CLOSED_BEFORE_RESPONSE,
                             "closed before the first byte of the response");
  }
}

}  // namespace loadtest
