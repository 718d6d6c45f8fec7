#include "driver/engine/load_loop.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/units.h"

namespace loadtest {
namespace {

// A driver that is told to end does not wait for slow responses.
constexpr int64_t kDrainOfStoppedDriverNs = 500 * kNanosPerMilli;
// The longest sleep that nothing can end early: bounds what an order to stop has to wait. It is
// also the part of a wait that is exact: the kernel lets an epoll wait end late by a thousandth of
// its length.
constexpr int64_t kLongestSleepNs = 10 * kNanosPerMilli;

}  // namespace

LoadLoop::LoadLoop(LoadPlan plan, Clock& clock, HttpClient& http, RunControl& control,
                   IntervalChannel& intervals)
    : plan_(std::move(plan)),
      timeout_text_(
          absl::StrFormat("no whole response within %s", FormatDuration(plan_.request_timeout_ns))),
      measured_from_(TimeAt(plan_.sends.warmup_ns())),
      clock_(clock),
      http_(http),
      control_(control),
      intervals_(intervals),
      pool_({.capacity = plan_.max_connections * plan_.streams,
             .addresses = static_cast<int>(plan_.addresses.size()),
             .lanes_per_connection = plan_.streams,
             .connect_timeout_ns = plan_.connect_timeout_ns},
            http),
      next_due_(plan_.sends),
      coming_(plan_.sends),
      shares_(plan_.sends.shares_kind(), plan_.sends.shares()),
      closed_end_ns_(plan_.sends.duration_ns()),
      stats_(intervals.Begin()) {
  const int64_t begin_ns = plan_.sends.begin_ns();
  stats_->start_offset_ns = begin_ns;
  next_cut_ = TimeAt((begin_ns / plan_.metrics_interval_ns + 1) * plan_.metrics_interval_ns);
}

void LoadLoop::Run() {
  cpu_ = ReadCpuTime();
  core_waited_ns_ = core_wait_.Read();
  turn_began_ = clock_.Now();
  stats_->CountResolved(plan_.resolve_ns);
  OpenNeededLanes(turn_began_);
  while (phase_ != RunPhase::kEnded) Turn();
}

void LoadLoop::Turn() {
  const MonotonicTime now = clock_.Now();
  last_now_ = now;
  ApplyStopOrder(now);
  if (control_.HasShares()) TakeShares(now);
  StartWhenTime(now);
  if (phase_ >= RunPhase::kRunning) AdvanceDue(now);
  SendOnIdleLanes();
  if (slept_) {
    // Responses came while the loop slept, and requests may wait for their lanes.
    http_.Poll(now, *this);
    SendOnIdleLanes();
  }
  TakeExpired(now);
  OpenNeededLanes(now);
  DrainWhenPlanIsDone(now);
  if (IsOver(now)) {
    End(now);
    return;
  }
  if (phase_ >= RunPhase::kRunning && now >= next_cut_) CutInterval(now);
  control_.NoteTurn(last_now_.ns - turn_began_.ns);
  Wait();
}

void LoadLoop::Wait() {
  MonotonicTime wake = NextWake();
  const bool may_sleep = MaySleep();
  slept_ = may_sleep && wake.ns - last_now_.ns <= kLongestSleepNs;
  if (slept_) {
    clock_.SleepUntil(wake, plan_.spin_ns);
    turn_began_ = clock_.Now();
    return;
  }
  if (may_sleep) wake.ns -= kLongestSleepNs / 2;
  turn_began_ = http_.Poll(wake, *this);
}

bool LoadLoop::MaySleep() const {
  if (pool_.count(LaneState::kOpening) + pool_.count(LaneState::kSending) + waiting() > 0) {
    return false;
  }
  if (phase_ == RunPhase::kArmed) return true;
  return phase_ == RunPhase::kRunning && plan_.sends.is_open_loop();
}

void LoadLoop::ApplyStopOrder(MonotonicTime now) {
  const v1::MetricsReport::EndReason reason = control_.stop_reason();
  if (reason == stop_) return;
  if (phase_ < RunPhase::kRunning) {
    stop_ = reason;
    BeginDraining(now, 0);
    return;
  }
  AdvanceDue(now);
  stop_ = reason;
  DropWaiting(waiting(), v1::NOT_SENT_BEFORE_END, "the test was stopped before it was sent");
  const bool hurry = reason == v1::MetricsReport::DRIVER_STOPPED;
  BeginDraining(now, hurry ? std::min(plan_.drain_timeout_ns, kDrainOfStoppedDriverNs)
                           : plan_.drain_timeout_ns);
}

void LoadLoop::TakeShares(MonotonicTime now) {
  for (const std::vector<Share>& shares : control_.TakeShares()) {
    if (stop_ != v1::MetricsReport::END_REASON_UNSPECIFIED) return;
    if (!plan_.sends.is_open_loop()) {
      closed_end_ns_ = std::max(plan_.sends.WithShares(shares).duration_ns(), OffsetOf(now));
      continue;
    }
    if (phase_ >= RunPhase::kRunning) AdvanceDue(now);
    shares_.Replace(shares, phase_ >= RunPhase::kRunning ? OffsetOf(now) + 1 : 0);
    next_due_.Follow(shares_);
    coming_.Follow(shares_);
    // It had nothing left to send, and has now.
    if (phase_ == RunPhase::kDraining && !coming_.at_end()) SetPhase(RunPhase::kRunning);
  }
}

void LoadLoop::StartWhenTime(MonotonicTime now) {
  if (phase_ == RunPhase::kArming && pool_.count(LaneState::kOpening) == 0) {
    SetPhase(RunPhase::kArmed);
  }
  if (phase_ >= RunPhase::kRunning || now < TimeAt(plan_.sends.begin_ns())) return;
  // Who joins in mid-test is late anyway, and begins when its connections are there.
  if (phase_ == RunPhase::kArming && plan_.sends.begin_ns() > 0) return;
  cpu_ = ReadCpuTime();
  core_waited_ns_ = core_wait_.Read();
  // A target that could not be reached while arming gets its first request now, not after a
  // back-off.
  pool_.EndAllBackOffs();
  SetPhase(RunPhase::kRunning);
}

void LoadLoop::DrainWhenPlanIsDone(MonotonicTime now) {
  if (phase_ != RunPhase::kRunning) return;
  if (plan_.sends.is_open_loop()) {
    if (coming_.at_end()) BeginDraining(now, plan_.drain_timeout_ns);
  } else if (OffsetOf(now) >= closed_end_ns_) {
    BeginDraining(TimeAt(closed_end_ns_), plan_.drain_timeout_ns);
  } else if (AllTakenUp()) {
    BeginDraining(now, plan_.drain_timeout_ns);
  }
}

void LoadLoop::SetPhase(RunPhase phase) {
  phase_ = phase;
  control_.SetPhase(phase);
}

void LoadLoop::AdvanceDue(MonotonicTime now) {
  if (!plan_.sends.is_open_loop() || stop_ != v1::MetricsReport::END_REASON_UNSPECIFIED) return;
  if (coming_.due_ns() < plan_.sends.warmup_ns()) {
    CountDueTo({std::min(now.ns, measured_from_.ns - 1)}, IntervalStats::kWarmup);
  }
  if (now >= measured_from_) CountDueTo(now, IntervalStats::kMeasured);
}

void LoadLoop::CountDueTo(MonotonicTime now, IntervalStats::Part part) {
  coming_.SkipDue(OffsetOf(now));
  stats_->counts(part).due += coming_.n() - due_;
  if (part == IntervalStats::kWarmup) warmup_waiting_ += coming_.n() - due_;
  due_ = coming_.n();
}

void LoadLoop::BeginDraining(MonotonicTime from, int64_t drain_ns) {
  const MonotonicTime deadline = {from.ns + drain_ns};
  // A stop while draining may bring the end nearer, never put it off.
  drain_deadline_ = phase_ == RunPhase::kDraining ? std::min(drain_deadline_, deadline) : deadline;
  SetPhase(RunPhase::kDraining);
}

bool LoadLoop::IsOver(MonotonicTime now) const {
  if (phase_ != RunPhase::kDraining) return false;
  if (now >= drain_deadline_) return true;
  return in_flight_[0] + in_flight_[1] == 0 && waiting() == 0 &&
         pool_.count(LaneState::kSending) == 0;
}

void LoadLoop::End(MonotonicTime now) {
  AbandonAll();
  FillInterval(std::max(stats_->start_offset_ns, OffsetOf(now)));
  stats_->final = true;
  stats_->end_reason =
      stop_ == v1::MetricsReport::END_REASON_UNSPECIFIED ? v1::MetricsReport::PLAN_DONE : stop_;
  if (stop_ == v1::MetricsReport::DRIVER_FAILED || stop_ == v1::MetricsReport::LEASE_EXPIRED) {
    stats_->error = control_.error();
  }
  intervals_.Finish(std::move(stats_));
  SetPhase(RunPhase::kEnded);
}

MonotonicTime LoadLoop::NextWake() const {
  const MonotonicTime check = pool_.deadlines().NextCheck();
  if (phase_ < RunPhase::kRunning) {
    const MonotonicTime begin = TimeAt(plan_.sends.begin_ns());
    // What it has to wait for beyond that is its connections.
    return phase_ == RunPhase::kArming && last_now_ >= begin ? check : std::min(check, begin);
  }
  const MonotonicTime wake = std::min(check, next_cut_);
  if (phase_ == RunPhase::kDraining) return std::min(wake, drain_deadline_);
  if (plan_.sends.is_open_loop()) return std::min(wake, TimeAt(coming_.due_ns()));
  if (closed_end_ns_ == SendPlan::kNoLimit) return wake;
  return std::min(wake, TimeAt(closed_end_ns_));
}

void LoadLoop::CutInterval(MonotonicTime now) {
  const int64_t end_offset_ns =
      OffsetOf(now) / plan_.metrics_interval_ns * plan_.metrics_interval_ns;
  next_cut_ = TimeAt(end_offset_ns + plan_.metrics_interval_ns);
  FillInterval(end_offset_ns);
  if (intervals_.Exchange(stats_)) stats_->start_offset_ns = end_offset_ns;
}

void LoadLoop::FillInterval(int64_t end_offset_ns) {
  const CpuTime cpu = ReadCpuTime();
  stats_->cpu_ns += cpu.process - cpu_.process;
  stats_->loop_cpu_ns += cpu.thread - cpu_.thread;
  cpu_ = cpu;
  const int64_t core_waited_ns = core_wait_.Read();
  stats_->loop_wait_ns += core_waited_ns - core_waited_ns_;
  core_waited_ns_ = core_waited_ns;
  const HttpClient::Traffic traffic = http_.TakeTraffic();
  stats_->bytes_sent += traffic.sent;
  stats_->bytes_received += traffic.received;
  stats_->end_offset_ns = end_offset_ns;
  for (const auto part : {IntervalStats::kMeasured, IntervalStats::kWarmup}) {
    IntervalStats::Counts& counts = stats_->counts(part);
    counts.in_flight = in_flight_[part];
    counts.waiting =
        sending_[part] +
        (part == IntervalStats::kWarmup ? warmup_waiting_ : waiting() - warmup_waiting_);
  }
  stats_->has_sent = has_sent_;
  stats_->first_send_offset_ns = first_send_offset_ns_;
  stats_->last_send_offset_ns = last_send_offset_ns_;
}

}  // namespace loadtest
