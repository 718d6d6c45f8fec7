// What happens to requests and connections; load_loop.cc has the course of a run.
#include <errno.h>

#include <algorithm>

#include "absl/strings/str_format.h"
#include "driver/engine/error_kinds.h"
#include "driver/engine/load_loop.h"

namespace loadtest {
namespace {

// A closed loop that only a number of requests ends would take nearly for ever against a target
// that is gone: one request a connection and back-off.
constexpr int64_t kGiveUpAfterNs = 10 * kNanosPerSecond;

}  // namespace

void LoadLoop::SendOnIdleConnections() {
  while (pool_.FirstIdle() >= 0 && SendNext(pool_.FirstIdle())) {
  }
}

bool LoadLoop::MayTakeUp(MonotonicTime now) const {
  return phase_ == RunPhase::kRunning && next_ < plan_.sends.requests() &&
         OffsetOf(now) < plan_.sends.duration_ns();
}

bool LoadLoop::SendNext(int connection) {
  if (plan_.sends.is_open_loop()) {
    if (waiting() == 0) return false;
    last_now_ = clock_.Now();
    Send(connection, TimeAt(plan_.sends.Due(next_)), last_now_);
    return true;
  }
  last_now_ = clock_.Now();
  if (!MayTakeUp(last_now_)) return false;
  Send(connection, last_now_, last_now_);
  return true;
}

void LoadLoop::Send(int connection, MonotonicTime due, MonotonicTime now) {
  Connection& c = pool_[connection];
  c.due = due;
  c.sent_at = now;
  c.parser.Reset(plan_.is_head);
  const SendState state = transport_.Send(connection, plan_.request_bytes);
  if (state == SendState::kFailed) {
    // The peer had closed it, and not a byte of the request was taken: it stays the next in line.
    pool_.Closed(connection, now);
    return;
  }
  ++next_;
  if (!plan_.sends.is_open_loop()) {
    ++due_;
    ++stats_->counts().due;
  }
  c.used = true;
  pool_.deadlines().Set(connection, {now.ns + plan_.request_timeout_ns});
  if (state == SendState::kPending) {
    pool_.SetState(connection, ConnectionState::kSending);
    return;
  }
  pool_.SetState(connection, ConnectionState::kAwaiting);
  CountSent(c);
}

void LoadLoop::CountSent(const Connection& connection) {
  ++in_flight_;
  stats_->CountSent(connection.sent_at.ns - connection.due.ns);
  stats_->bytes_sent += static_cast<int64_t>(plan_.request_bytes.size());
  last_send_offset_ns_ = OffsetOf(connection.sent_at);
  if (has_sent_) return;
  has_sent_ = true;
  first_send_offset_ns_ = last_send_offset_ns_;
}

void LoadLoop::CountCompleted(const Connection& connection, MonotonicTime received_at) {
  --in_flight_;
  stats_->CountCompleted({.status = connection.parser.status(),
                          .response_time_ns = received_at.ns - connection.due.ns,
                          .service_time_ns = received_at.ns - connection.sent_at.ns});
}

void LoadLoop::Fail(int connection, v1::ErrorKind kind, std::string_view what) {
  --in_flight_;
  stats_->CountFailed(kind, [&] { return absl::StrFormat("%s: %s", AddressOf(connection), what); });
}

void LoadLoop::DropWaiting(int64_t requests, v1::ErrorKind kind, std::string_view what) {
  if (requests == 0) return;
  next_ += requests;
  stats_->CountDropped(kind, requests, [&] { return std::string(what); });
}

void LoadLoop::DropPartlySent(int connection, v1::ErrorKind kind, std::string_view what) {
  stats_->CountDropped(kind, 1, [&] {
    return absl::StrFormat("%s: only a part of the request was sent: %s", AddressOf(connection),
                           what);
  });
}

void LoadLoop::AbandonAll() {
  const bool all_busy =
      pool_.count(ConnectionState::kSending) + pool_.count(ConnectionState::kAwaiting) ==
      pool_.capacity();
  for (int i = 0; i < pool_.capacity(); ++i) {
    if (pool_[i].state == ConnectionState::kAwaiting) {
      Fail(i, v1::ABANDONED, "no whole response before the drain time was over");
    } else if (pool_[i].state == ConnectionState::kSending) {
      DropPartlySent(i, v1::NOT_SENT_BEFORE_END, "the test ended");
    } else {
      continue;
    }
    transport_.Close(i);
    pool_.SetState(i, ConnectionState::kClosed);
  }
  if (all_busy) {
    DropWaiting(waiting(), v1::OUT_OF_CONNECTIONS,
                absl::StrFormat("all %d connections were busy", plan_.max_connections));
  } else if (connect_error_ != v1::ERROR_KIND_UNSPECIFIED) {
    DropWaiting(waiting(), connect_error_, connect_error_text_);
  } else {
    DropWaiting(waiting(), v1::NOT_SENT_BEFORE_END, "the test ended before it was sent");
  }
}

void LoadLoop::OpenNeededConnections(MonotonicTime now) {
  using enum ConnectionState;
  if (stop_ != v1::MetricsReport::END_REASON_UNSPECIFIED) return;
  if (phase_ < RunPhase::kDraining && next_ < plan_.sends.requests()) {
    // Those that back off count, so that others are not tried in their place.
    while (pool_.capacity() - pool_.count(kClosed) < plan_.connections) OpenOne(now);
  }
  // A request of an open loop never waits for the response of another one: it gets a connection of
  // its own.
  while (waiting() > pool_.count(kConnecting) && pool_.count(kClosed) > 0) OpenOne(now);
}

void LoadLoop::OpenOne(MonotonicTime now) {
  const int connection = pool_.FirstClosed();
  const int error = pool_.Open(connection, now);
  if (error != 0) ConnectAttemptFailed(error, LastAddressOf(connection), now);
}

const std::string& LoadLoop::LastAddressOf(int connection) {
  const size_t addresses = plan_.addresses.size();
  return plan_.addresses[(pool_[connection].address + addresses - 1) % addresses];
}

void LoadLoop::ConnectAttemptFailed(int error, std::string_view address, MonotonicTime now) {
  const std::string text = ErrnoText(error);
  ConnectAttemptFailed({.kind = ConnectErrorKind(error), .text = text}, address, now);
}

void LoadLoop::ConnectAttemptFailed(const ConnectFailure& failure, std::string_view address,
                                    MonotonicTime now) {
  ++stats_->connect_failures;
  const v1::ErrorKind kind = failure.kind;
  if (connect_error_ != kind) {
    connect_error_ = kind;
    connect_error_text_ = absl::StrFormat("connect %s: %s", address, failure.text);
  }
  if (plan_.sends.is_open_loop()) {
    DropWaiting(std::min<int64_t>(1, waiting()), kind, connect_error_text_);
    return;
  }
  if (!MayTakeUp(now)) return;
  const int64_t dropped = IsUnreachableForTooLong(now) ? plan_.sends.requests() - next_ : 1;
  due_ += dropped;
  stats_->counts().due += dropped;
  DropWaiting(dropped, kind, connect_error_text_);
}

bool LoadLoop::IsUnreachableForTooLong(MonotonicTime now) {
  using enum ConnectionState;
  if (plan_.sends.duration_ns() != SendPlan::kNoLimit) return false;
  if (pool_.count(kIdle) + pool_.count(kSending) + pool_.count(kAwaiting) > 0) return false;
  unreachable_since_ = std::min(unreachable_since_, now);
  return now.ns - unreachable_since_.ns >= kGiveUpAfterNs;
}

void LoadLoop::TakeExpired(MonotonicTime now) {
  int connection;
  while ((connection = pool_.deadlines().TakeExpired(now)) >= 0) {
    switch (pool_[connection].state) {
      case ConnectionState::kBackingOff:
        pool_.EndBackOff(connection);
        break;
      case ConnectionState::kConnecting:
        pool_.ConnectTimedOut(connection, now);
        ConnectAttemptFailed(ETIMEDOUT, LastAddressOf(connection), now);
        break;
      case ConnectionState::kSending:
        DropPartlySent(connection, v1::WRITE_FAILED, timeout_text_);
        pool_.Close(connection, now);
        break;
      case ConnectionState::kAwaiting:
        Fail(connection, v1::REQUEST_TIMEOUT, timeout_text_);
        pool_.Close(connection, now);
        break;
      case ConnectionState::kClosed:
      case ConnectionState::kIdle:
        break;
    }
  }
}

void LoadLoop::OnConnected(int connection, const ConnectedEvent&) {
  ++stats_->connects;
  connect_error_ = v1::ERROR_KIND_UNSPECIFIED;
  unreachable_since_ = DeadlineHeap::kNever;
  pool_.SetState(connection, ConnectionState::kIdle);
  SendNext(connection);
}

void LoadLoop::OnConnectFailed(int connection, const ConnectFailure& failure) {
  const MonotonicTime now = clock_.Now();
  const int error = pool_.ConnectFailed(connection, now);
  if (error == ConnectionPool::kAsReported) {
    ConnectAttemptFailed(failure, LastAddressOf(connection), now);
  } else if (error != 0) {
    ConnectAttemptFailed(error, LastAddressOf(connection), now);
  }
}

void LoadLoop::OnSent(int connection) {
  Connection& c = pool_[connection];
  c.sent_at = clock_.Now();
  pool_.deadlines().Set(connection, {c.sent_at.ns + plan_.request_timeout_ns});
  pool_.SetState(connection, ConnectionState::kAwaiting);
  CountSent(c);
}

void LoadLoop::OnRead(int connection, const ReadEvent& event) {
  Connection& c = pool_[connection];
  stats_->bytes_received += static_cast<int64_t>(event.bytes.size());
  if (c.state == ConnectionState::kIdle) {
    // Nothing was asked, so what comes is no answer; a server says goodbye like this.
    pool_.Close(connection, event.received_at);
    return;
  }
  const ResponseParser::Progress progress = c.parser.Feed(event.bytes);
  if (progress.outcome == ResponseParser::Outcome::kNeedMore) return;
  // A response that comes before the kernel has all of the request ends the sending of it.
  const bool early = c.state == ConnectionState::kSending;
  if (early) CountSent(c);
  if (progress.outcome == ResponseParser::Outcome::kDone) {
    CountCompleted(c, event.received_at);
    // Bytes after the response would be taken for the start of the next one.
    const bool reusable = c.parser.keep_alive() && !event.peer_closed && !early &&
                          progress.consumed == event.bytes.size();
    if (!reusable) {
      pool_.Close(connection, event.received_at);
    } else if (!SendNext(connection)) {
      pool_.SetState(connection, ConnectionState::kIdle);
    }
    return;
  }
  const bool too_large = progress.outcome == ResponseParser::Outcome::kTooLarge;
  Fail(connection, too_large ? v1::HEADER_TOO_LARGE : v1::MALFORMED_RESPONSE, c.parser.error());
  pool_.Close(connection, event.received_at);
}

void LoadLoop::OnClosed(int connection, int error) {
  Connection& c = pool_[connection];
  const MonotonicTime now = clock_.Now();
  if (c.state == ConnectionState::kSending) {
    DropPartlySent(connection, v1::WRITE_FAILED,
                   error == 0 ? "the connection was closed" : ErrnoText(error));
  } else if (c.state == ConnectionState::kAwaiting) {
    if (error == 0 && c.parser.FeedEnd() == ResponseParser::Outcome::kDone) {
      CountCompleted(c, now);
    } else if (error != 0) {
      Fail(connection, v1::CONNECTION_RESET, ErrnoText(error));
    } else if (c.parser.started()) {
      Fail(connection, v1::CLOSED_IN_RESPONSE, "closed in the middle of the response");
    } else {
      Fail(connection, v1::CLOSED_BEFORE_RESPONSE, "closed before the first byte of the response");
    }
  }
  pool_.Closed(connection, now);
}

}  // namespace loadtest
