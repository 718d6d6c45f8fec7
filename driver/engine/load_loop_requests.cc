// What happens to requests and lanes; load_loop.cc has the course of a run.
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
// Connections that are being made at once: as many as a small listen queue (nginx's has 511 places)
// holds even when another driver does the same. What is planned has time; what is due has less.
constexpr int kPlannedOpeningsAtOnce = 128;
constexpr int kOpeningsAtOnce = 256;

}  // namespace

void LoadLoop::SendOnIdleLanes() {
  while (pool_.FirstIdle() >= 0 && SendNext(pool_.FirstIdle())) {
  }
}

bool LoadLoop::MayTakeUp(MonotonicTime now) const {
  if (phase_ != RunPhase::kRunning) return false;
  return now < measured_from_ || (!AllTakenUp() && OffsetOf(now) < closed_end_ns_);
}

bool LoadLoop::AllTakenUp() const {
  if (plan_.sends.is_open_loop()) return next_due_.at_end();
  return next_ - warmup_taken_ >= plan_.sends.requests();
}

bool LoadLoop::SendNext(int lane) {
  if (plan_.sends.is_open_loop()) {
    if (waiting() == 0) return false;
    last_now_ = clock_.Now();
    Send(lane, TimeAt(next_due_.due_ns()), last_now_);
    return true;
  }
  last_now_ = clock_.Now();
  if (!MayTakeUp(last_now_)) return false;
  Send(lane, last_now_, last_now_);
  return true;
}

void LoadLoop::Send(int lane, MonotonicTime due, MonotonicTime now) {
  Lane& l = pool_[lane];
  l.due = due;
  l.sent_at = now;
  const SendState state = http_.Send(lane);
  if (state == SendState::kFailed) {
    // The peer had closed it, and not a byte of the request was taken: it stays the next in line.
    pool_.Closed(lane, now);
    return;
  }
  const IntervalStats::Part part = PartOf(due);
  ++next_;
  if (plan_.sends.is_open_loop()) {
    next_due_.Advance();
    if (part == IntervalStats::kWarmup) --warmup_waiting_;
  } else {
    ++due_;
    ++stats_->counts(part).due;
    if (part == IntervalStats::kWarmup) ++warmup_taken_;
  }
  l.used = true;
  pool_.deadlines().Set(lane, {now.ns + plan_.request_timeout_ns});
  if (state == SendState::kPending) {
    ++sending_[part];
    pool_.SetState(lane, LaneState::kSending);
    return;
  }
  pool_.SetState(lane, LaneState::kAwaiting);
  CountSent(l);
}

void LoadLoop::CountSent(const Lane& lane) {
  const IntervalStats::Part part = PartOf(lane.due);
  ++in_flight_[part];
  stats_->CountSent(part, lane.sent_at.ns - lane.due.ns);
  last_send_offset_ns_ = OffsetOf(lane.sent_at);
  if (has_sent_) return;
  has_sent_ = true;
  first_send_offset_ns_ = last_send_offset_ns_;
}

void LoadLoop::CountCompleted(const Lane& lane, const Response& response) {
  const IntervalStats::Part part = PartOf(lane.due);
  --in_flight_[part];
  stats_->CountCompleted(part, {.status = response.status,
                                .response_time_ns = response.received_at.ns - lane.due.ns,
                                .service_time_ns = response.received_at.ns - lane.sent_at.ns,
                                .first_byte_ns = response.first_byte_at.ns - lane.sent_at.ns,
                                .in_drain = phase_ == RunPhase::kDraining});
}

void LoadLoop::Fail(int lane, v1::ErrorKind kind, std::string_view what) {
  const IntervalStats::Part part = PartOf(pool_[lane].due);
  --in_flight_[part];
  stats_->CountFailed(part, kind, phase_ == RunPhase::kDraining,
                      [&] { return absl::StrFormat("%s: %s", AddressOf(lane), what); });
}

void LoadLoop::DropWaiting(int64_t requests, v1::ErrorKind kind, std::string_view what) {
  if (requests == 0) return;
  const int64_t of_warmup = std::min(warmup_waiting_, requests);
  warmup_waiting_ -= of_warmup;
  next_ += requests;
  if (next_ == due_) {
    next_due_ = coming_;
  } else {
    next_due_.Skip(requests);
  }
  const auto describe = [&] { return std::string(what); };
  stats_->CountDropped(IntervalStats::kWarmup, kind, of_warmup, describe);
  stats_->CountDropped(IntervalStats::kMeasured, kind, requests - of_warmup, describe);
}

void LoadLoop::DropPartlySent(int lane, v1::ErrorKind kind, std::string_view what) {
  const IntervalStats::Part part = PartOf(pool_[lane].due);
  --sending_[part];
  stats_->CountDropped(part, kind, 1, [&] {
    return absl::StrFormat("%s: only a part of the request was sent: %s", AddressOf(lane), what);
  });
}

void LoadLoop::AbandonAll() {
  const bool all_busy =
      pool_.count(LaneState::kSending) + pool_.count(LaneState::kAwaiting) == pool_.capacity();
  for (int i = 0; i < pool_.capacity(); ++i) {
    if (pool_[i].state == LaneState::kAwaiting) {
      Fail(i, v1::ABANDONED, "no whole response before the drain time was over");
    } else if (pool_[i].state == LaneState::kSending) {
      DropPartlySent(i, v1::NOT_SENT_BEFORE_END, "the test ended");
    } else {
      continue;
    }
    http_.Close(i);
    pool_.SetState(i, LaneState::kClosed);
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

void LoadLoop::OpenNeededLanes(MonotonicTime now) {
  using enum LaneState;
  if (stop_ != v1::MetricsReport::END_REASON_UNSPECIFIED) return;
  if (phase_ < RunPhase::kDraining && !AllTakenUp()) {
    // Those that back off count, so that others are not tried in their place.
    const int wanted = plan_.connections * plan_.streams;
    while (pool_.capacity() - pool_.count(kClosed) < wanted &&
           pool_.count(kOpening) < kPlannedOpeningsAtOnce * plan_.streams) {
      OpenOne(now);
    }
  }
  // A request of an open loop never waits for the response of another one: it gets a lane of its
  // own.
  while (waiting() > pool_.count(kOpening) && pool_.count(kClosed) > 0 &&
         pool_.count(kOpening) < kOpeningsAtOnce * plan_.streams) {
    OpenOne(now);
  }
}

void LoadLoop::OpenOne(MonotonicTime now) {
  const int lane = pool_.FirstClosed();
  const int error = pool_.Open(lane, now);
  if (error != 0) ConnectAttemptFailed(error, LastAddressOf(lane), now);
}

const std::string& LoadLoop::LastAddressOf(int lane) {
  const size_t addresses = plan_.addresses.size();
  return plan_.addresses[(pool_[lane].address + addresses - 1) % addresses];
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
  const bool give_up = IsUnreachableForTooLong(now);
  const int64_t dropped = give_up ? plan_.sends.requests() - (next_ - warmup_taken_) : 1;
  const IntervalStats::Part part = PartOf(now);
  due_ += dropped;
  stats_->counts(part).due += dropped;
  if (part == IntervalStats::kWarmup) {
    warmup_taken_ += dropped;
    warmup_waiting_ += dropped;
  }
  DropWaiting(dropped, kind, connect_error_text_);
}

bool LoadLoop::IsUnreachableForTooLong(MonotonicTime now) {
  using enum LaneState;
  if (plan_.sends.duration_ns() != SendPlan::kNoLimit) return false;
  if (pool_.count(kIdle) + pool_.count(kSending) + pool_.count(kAwaiting) > 0) return false;
  unreachable_since_ = std::min(unreachable_since_, now);
  return now.ns - unreachable_since_.ns >= kGiveUpAfterNs;
}

void LoadLoop::TakeExpired(MonotonicTime now) {
  int lane;
  while ((lane = pool_.deadlines().TakeExpired(now)) >= 0) {
    switch (pool_[lane].state) {
      case LaneState::kBackingOff:
        pool_.EndBackOff(lane);
        break;
      case LaneState::kOpening:
        pool_.ConnectTimedOut(lane, now);
        ConnectAttemptFailed(ETIMEDOUT, LastAddressOf(lane), now);
        break;
      case LaneState::kSending:
        DropPartlySent(lane, v1::WRITE_FAILED, timeout_text_);
        pool_.Close(lane, now);
        break;
      case LaneState::kAwaiting:
        Fail(lane, v1::REQUEST_TIMEOUT, timeout_text_);
        pool_.Close(lane, now);
        break;
      case LaneState::kClosed:
      case LaneState::kIdle:
        break;
    }
  }
}

void LoadLoop::OnOpened(int lane, const ConnectedEvent* connection) {
  if (connection != nullptr) {
    stats_->CountConnected(connection->connected_at.ns - pool_[lane].sent_at.ns);
    if (connection->secured_at > connection->connected_at) {
      stats_->CountSecured(connection->secured_at.ns - connection->connected_at.ns,
                           connection->tls_resumed);
    }
  }
  connect_error_ = v1::ERROR_KIND_UNSPECIFIED;
  unreachable_since_ = DeadlineHeap::kNever;
  pool_.SetState(lane, LaneState::kIdle);
  SendNext(lane);
}

void LoadLoop::OnOpenFailed(int lane, const ConnectFailure& failure) {
  const MonotonicTime now = clock_.Now();
  const int error = pool_.ConnectFailed(lane, now);
  if (error == LanePool::kAsReported) {
    ConnectAttemptFailed(failure, LastAddressOf(lane), now);
  } else if (error != 0) {
    ConnectAttemptFailed(error, LastAddressOf(lane), now);
  }
}

void LoadLoop::OnSent(int lane) {
  Lane& l = pool_[lane];
  --sending_[PartOf(l.due)];
  l.sent_at = clock_.Now();
  pool_.deadlines().Set(lane, {l.sent_at.ns + plan_.request_timeout_ns});
  pool_.SetState(lane, LaneState::kAwaiting);
  CountSent(l);
}

void LoadLoop::OnResponse(int lane, const Response& response) {
  const Lane& l = pool_[lane];
  if (l.state == LaneState::kSending) {
    --sending_[PartOf(l.due)];
    CountSent(l);
  }
  CountCompleted(l, response);
  if (!response.reusable) {
    pool_.Closed(lane, response.received_at);
  } else if (!SendNext(lane)) {
    pool_.SetState(lane, LaneState::kIdle);
  }
}

void LoadLoop::OnRequestFailed(int lane, v1::ErrorKind kind, std::string_view what) {
  if (pool_[lane].state == LaneState::kSending) {
    DropPartlySent(lane, v1::WRITE_FAILED, what);
  } else {
    Fail(lane, kind, what);
  }
  pool_.Closed(lane, clock_.Now());
}

void LoadLoop::OnClosed(int lane) { pool_.Closed(lane, clock_.Now()); }

}  // namespace loadtest
