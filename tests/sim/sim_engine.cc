#include "tests/sim/sim_engine.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace loadtest::sim {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max() / 2;
// As the load loop's: a driver that is told to end does not wait for slow responses.
constexpr int64_t kDrainOfStoppedDriverNs = 500 * kNanosPerMilli;

}  // namespace

std::unique_ptr<IntervalChannel> ChannelPool::Take() {
  if (free_.empty()) return std::make_unique<IntervalChannel>();
  std::unique_ptr<IntervalChannel> channel = std::move(free_.back());
  free_.pop_back();
  return channel;
}

void ChannelPool::GiveBack(std::unique_ptr<IntervalChannel> channel,
                           std::unique_ptr<IntervalStats> current) {
  if (current != nullptr) channel->GiveBack(std::move(current));
  while (std::unique_ptr<IntervalStats> stats = channel->Take())
    channel->GiveBack(std::move(stats));
  free_.push_back(std::move(channel));
}

SimEngine::SimEngine(ArmRun order, const EngineHabits& habits, Random random, int64_t now_ns,
                     int64_t start_ns, ChannelPool& pool, RunRecord& record)
    : order_(std::move(order)),
      habits_(habits),
      random_(random),
      start_ns_(start_ns),
      armed_at_ns_(now_ns + habits.arm_ns - start_ns),
      pool_(pool),
      record_(record),
      channel_(pool.Take()),
      now_ns_(now_ns - start_ns) {
  absl::StatusOr<LoadPlan> plan =
      MakeLoadPlan(order_.spec, order_.assignment, order_.metrics_interval_ns);
  if (!plan.ok()) {
    arm_error_ = std::string(plan.status().message());
    return;
  }
  plan_ = *std::move(plan);
  if (order_.shares)
    plan_.sends = plan_.sends.WithShares(SharesOf(order_.spec, order_.assignment, *order_.shares));
  coming_ = std::make_unique<DueCursor>(plan_.sends);
  shares_ = std::make_unique<SendShares>(plan_.sends.shares_kind(), plan_.sends.shares());
  closed_end_ns_ = plan_.sends.duration_ns();
  stats_ = channel_->Begin();
  const int64_t begin_ns = plan_.sends.begin_ns();
  stats_->start_offset_ns = begin_ns;
  next_cut_ns_ = (begin_ns / plan_.metrics_interval_ns + 1) * plan_.metrics_interval_ns;
}

SimEngine::~SimEngine() { pool_.GiveBack(std::move(channel_), std::move(stats_)); }

void SimEngine::Advance(int64_t now_ns) {
  const int64_t until_ns = now_ns - start_ns_;
  while (progress_ != Progress::kEnded && progress_ != Progress::kArmFailed) {
    const int64_t at_ns = std::max(NextNs(), stalled_until_ns_);
    if (at_ns > until_ns) break;
    now_ns_ = std::max(now_ns_, at_ns);
    Do(now_ns_);
  }
  now_ns_ = until_ns;
}

int64_t SimEngine::NextNs() const {
  if (progress_ == Progress::kArming) return armed_at_ns_;
  if (progress_ == Progress::kArmed) return plan_.sends.begin_ns();
  int64_t next = next_cut_ns_;
  if (!in_flight_.empty()) next = std::min(next, in_flight_.front().over_ns);
  if (progress_ == Progress::kDraining) return std::min(next, drain_deadline_ns_);
  if (plan_.sends.is_open_loop()) return std::min(next, coming_->due_ns());
  return std::min(next, closed_end_ns_);
}

int64_t SimEngine::NextNewsNs() const {
  int64_t next = kNever;
  if (progress_ == Progress::kArming) next = armed_at_ns_;
  if (progress_ == Progress::kArmed) next = plan_.sends.begin_ns();
  if (progress_ == Progress::kRunning) next = next_cut_ns_;
  if (progress_ == Progress::kDraining) next = NextNs();
  if (next == kNever) return kNever;
  return std::max(next, stalled_until_ns_) + start_ns_;
}

void SimEngine::Stall(int64_t until_ns) {
  stalled_until_ns_ = std::max(stalled_until_ns_, until_ns - start_ns_);
}

void SimEngine::Do(int64_t at_ns) {
  if (progress_ == Progress::kArming) {
    if (arm_error_.empty() && habits_.fails_to_arm) arm_error_ = "no route to the target";
    progress_ = arm_error_.empty() ? Progress::kArmed : Progress::kArmFailed;
    record_.armed = arm_error_.empty();
    if (progress_ == Progress::kArmed && stop_ != v1::MetricsReport::END_REASON_UNSPECIFIED) {
      BeginDraining(at_ns, 0);
      EndIfOver(at_ns);
    }
    return;
  }
  if (progress_ == Progress::kArmed) progress_ = Progress::kRunning;
  if (progress_ == Progress::kRunning) AdvanceDue(at_ns);
  while (!in_flight_.empty() && in_flight_.front().over_ns <= at_ns) {
    std::pop_heap(in_flight_.begin(), in_flight_.end());
    const Request request = in_flight_.back();
    in_flight_.pop_back();
    Finish(request);
  }
  SendWhatMay(at_ns);
  if (progress_ == Progress::kRunning) {
    const SendPlan& sends = plan_.sends;
    if (sends.is_open_loop() ? coming_->at_end() : !MayTakeUp(at_ns))
      BeginDraining(at_ns, plan_.drain_timeout_ns);
  }
  EndIfOver(at_ns);
  if (progress_ != Progress::kEnded && at_ns >= next_cut_ns_) {
    const int64_t end_ns = at_ns / plan_.metrics_interval_ns * plan_.metrics_interval_ns;
    next_cut_ns_ = end_ns + plan_.metrics_interval_ns;
    Fill(end_ns);
    if (channel_->Exchange(stats_)) {
      ++full_;
      stats_->start_offset_ns = end_ns;
    }
  }
}

void SimEngine::AdvanceDue(int64_t at_ns) {
  if (!plan_.sends.is_open_loop()) return;
  while (!coming_->at_end() && coming_->due_ns() <= at_ns) {
    const IntervalStats::Part part = PartOf(coming_->due_ns());
    ++stats_->counts(part).due;
    ++record_.tally[part].due;
    waiting_due_.push_back(coming_->due_ns());
    coming_->Advance();
  }
}

bool SimEngine::MayTakeUp(int64_t at_ns) const {
  if (progress_ != Progress::kRunning) return false;
  return at_ns < plan_.sends.warmup_ns() ||
         (measured_taken_up_ < plan_.sends.requests() && at_ns < plan_.sends.duration_ns());
}

void SimEngine::SendWhatMay(int64_t at_ns) {
  if (plan_.sends.is_open_loop()) {
    while (!waiting_due_.empty() && static_cast<int>(in_flight_.size()) < habits_.most_in_flight) {
      if (random_.Chance(habits_.refused_per_mille)) {
        DropWaiting(1, v1::CONNECT_REFUSED);
        continue;
      }
      SendOne(waiting_due_.front(), at_ns);
      waiting_due_.pop_front();
    }
    return;
  }
  while (static_cast<int>(in_flight_.size()) < plan_.connections && MayTakeUp(at_ns)) {
    const IntervalStats::Part part = PartOf(at_ns);
    ++stats_->counts(part).due;
    ++record_.tally[part].due;
    if (part == IntervalStats::kMeasured) ++measured_taken_up_;
    SendOne(at_ns, at_ns);
  }
}

void SimEngine::SendOne(int64_t due_ns, int64_t at_ns) {
  const IntervalStats::Part part = PartOf(due_ns);
  stats_->CountSent(part, at_ns - due_ns);
  ++record_.tally[part].sent;
  record_.sent.push_back(due_ns);
  last_send_ns_ = at_ns;
  if (!has_sent_) first_send_ns_ = at_ns;
  has_sent_ = true;
  Request request = {.due_ns = due_ns, .sent_ns = at_ns, .over_ns = 0, .fate = Fate::kAnswered};
  request.over_ns = at_ns + random_.Between(habits_.fastest_answer_ns, habits_.slowest_answer_ns);
  if (random_.Chance(habits_.silent_per_mille) ||
      request.over_ns > at_ns + plan_.request_timeout_ns) {
    request.over_ns = at_ns + plan_.request_timeout_ns;
    request.fate = Fate::kTimedOut;
  } else if (random_.Chance(habits_.reset_per_mille)) {
    request.fate = Fate::kReset;
  }
  ++in_flight_of_[part];
  in_flight_.push_back(request);
  std::push_heap(in_flight_.begin(), in_flight_.end());
}

void SimEngine::Finish(const Request& request) {
  const IntervalStats::Part part = PartOf(request.due_ns);
  const bool in_drain = progress_ == Progress::kDraining;
  --in_flight_of_[part];
  if (request.fate == Fate::kAnswered) {
    ++record_.tally[part].completed;
    const int64_t service_ns = request.over_ns - request.sent_ns;
    stats_->CountCompleted(part,
                           {.status = random_.Chance(habits_.error_status_per_mille) ? 503 : 200,
                            .response_time_ns = request.over_ns - request.due_ns,
                            .service_time_ns = service_ns,
                            .first_byte_ns = service_ns,
                            .in_drain = in_drain});
    return;
  }
  ++record_.tally[part].failed;
  stats_->CountFailed(part,
                      request.fate == Fate::kReset ? v1::CONNECTION_RESET : v1::REQUEST_TIMEOUT,
                      in_drain, [] { return std::string("simulated"); });
}

void SimEngine::DropWaiting(int64_t requests, v1::ErrorKind kind) {
  for (int64_t i = 0; i < requests; ++i) {
    const int64_t due_ns = waiting_due_.front();
    waiting_due_.pop_front();
    const IntervalStats::Part part = PartOf(due_ns);
    ++record_.tally[part].dropped;
    record_.dropped.push_back(due_ns);
    stats_->CountDropped(part, kind, 1, [] { return std::string("simulated"); });
  }
}

void SimEngine::OrderStop(const StopRun& stop) {
  if (!stop.error.empty() && stop_error_.empty()) stop_error_ = stop.error;
  if (progress_ >= Progress::kEnded || progress_ == Progress::kArmFailed || stop.reason == stop_)
    return;
  if (progress_ == Progress::kArming) {
    // Seen when the connections are there.
    stop_ = stop.reason;
    return;
  }
  const bool began = progress_ >= Progress::kRunning;
  if (began && stop_ == v1::MetricsReport::END_REASON_UNSPECIFIED &&
      progress_ == Progress::kRunning) {
    AdvanceDue(now_ns_);
  }
  stop_ = stop.reason;
  if (plan_.sends.is_open_loop()) DropWaiting(waiting(), v1::NOT_SENT_BEFORE_END);
  const bool hurry = stop.reason == v1::MetricsReport::DRIVER_STOPPED;
  const int64_t drain_ns =
      hurry ? std::min(plan_.drain_timeout_ns, kDrainOfStoppedDriverNs) : plan_.drain_timeout_ns;
  BeginDraining(now_ns_, began ? drain_ns : 0);
  EndIfOver(now_ns_);
}

void SimEngine::OrderShares(const ReplaceShares& order) {
  if (progress_ >= Progress::kEnded) {
    untaken_shares_ = true;
    return;
  }
  if (progress_ == Progress::kArmFailed || !arm_error_.empty() ||
      stop_ != v1::MetricsReport::END_REASON_UNSPECIFIED)
    return;
  const std::vector<Share> shares = SharesOf(order_.spec, order_.assignment, order.shares);
  if (!plan_.sends.is_open_loop()) {
    closed_end_ns_ = std::max(plan_.sends.WithShares(shares).duration_ns(), now_ns_);
    return;
  }
  const bool began = progress_ >= Progress::kRunning;
  if (progress_ == Progress::kRunning) AdvanceDue(now_ns_);
  shares_->Replace(shares, began ? now_ns_ + 1 : 0);
  coming_->Follow(*shares_);
  if (progress_ == Progress::kDraining && !coming_->at_end()) progress_ = Progress::kRunning;
}

void SimEngine::BeginDraining(int64_t from_ns, int64_t drain_ns) {
  const int64_t deadline_ns = from_ns + drain_ns;
  drain_deadline_ns_ =
      progress_ == Progress::kDraining ? std::min(drain_deadline_ns_, deadline_ns) : deadline_ns;
  progress_ = Progress::kDraining;
}

void SimEngine::EndIfOver(int64_t at_ns) {
  if (progress_ != Progress::kDraining) return;
  if (at_ns < drain_deadline_ns_ && (!in_flight_.empty() || waiting() > 0)) return;
  for (const Request& request : in_flight_) {
    const IntervalStats::Part part = PartOf(request.due_ns);
    --in_flight_of_[part];
    ++record_.tally[part].failed;
    stats_->CountFailed(part, v1::ABANDONED, true, [] { return std::string("simulated"); });
  }
  in_flight_.clear();
  DropWaiting(waiting(), v1::NOT_SENT_BEFORE_END);
  Fill(std::max(stats_->start_offset_ns, at_ns));
  stats_->final = true;
  stats_->end_reason =
      stop_ == v1::MetricsReport::END_REASON_UNSPECIFIED ? v1::MetricsReport::PLAN_DONE : stop_;
  stats_->error = stop_error_;
  record_.ended = true;
  record_.end_reason = stats_->end_reason;
  channel_->Finish(std::move(stats_));
  ++full_;
  progress_ = Progress::kEnded;
}

void SimEngine::Fill(int64_t end_offset_ns) {
  stats_->end_offset_ns = end_offset_ns;
  int64_t waiting_of[2] = {0, 0};
  for (const int64_t due_ns : waiting_due_) ++waiting_of[PartOf(due_ns)];
  for (const auto part : {IntervalStats::kMeasured, IntervalStats::kWarmup}) {
    stats_->counts(part).in_flight = in_flight_of_[part];
    stats_->counts(part).waiting = waiting_of[part];
  }
  stats_->has_sent = has_sent_;
  stats_->first_send_offset_ns = first_send_ns_;
  stats_->last_send_offset_ns = last_send_ns_;
}

}  // namespace loadtest::sim
