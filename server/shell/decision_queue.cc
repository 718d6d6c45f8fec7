#include "server/shell/decision_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

constexpr size_t kMostWaiting = 1'000;
constexpr int64_t kAnswerWithinNs = 5 * kNanosPerSecond;
// A decision that was not read back by then is not waited for any longer. Should it come after all,
// Apply takes or refuses it as the state then is.
constexpr int64_t kGiveUpAfterNs = 60 * kNanosPerSecond;
// librdkafka says for up to half a second that all brokers are down while it makes a connection
// anew.
constexpr int64_t kAwayAfterNs = kNanosPerSecond;

absl::Status BrokerAway(const MessageBus& bus) {
  return absl::UnavailableError(absl::StrFormat(
      "the broker (%s) cannot be reached; try again with the same request_id", bus.description()));
}

bool Same(const v1::Trigger& a, const v1::Trigger& b) {
  return a.test_id() == b.test_id() && a.event_case() == b.event_case() &&
         a.decide_time_ns() == b.decide_time_ns();
}

}  // namespace

void DecisionQueue::LookAtBus(MonotonicTime now) {
  if (bus_.connected()) {
    away_since_.reset();
  } else if (!away_since_) {
    away_since_ = now;
  }
}

bool DecisionQueue::IsHindered(MonotonicTime now) const {
  return !hindrance_.ok() || (away_since_ && now.ns - away_since_->ns >= kAwayAfterNs);
}

absl::Status DecisionQueue::Hindrance() const {
  return hindrance_.ok() ? BrokerAway(bus_) : hindrance_;
}

void DecisionQueue::Submit(Moment now, CoreRequest request, Done done) {
  if (!fenced_.ok()) return done(fenced_);
  LookAtBus(now.mono);
  if (IsHindered(now.mono)) return done(Hindrance());
  if (queue_.size() >= kMostWaiting)
    return done(absl::ResourceExhaustedError("too many requests at once; try again"));
  queue_.push_back({std::move(request), std::move(done), now.mono.ns + kAnswerWithinNs});
  is_due_ = true;
}

void DecisionQueue::Fence(const absl::Status& why) {
  fenced_ = why;
  awaited_.clear();
  Cancel(why);
}

void DecisionQueue::PumpIfDue(Moment now) {
  if (is_due_) Pump(now);
}

void DecisionQueue::Pump(Moment now) {
  is_due_ = false;
  if (!fenced_.ok()) return;
  LookAtBus(now.mono);
  AnswerLate(now.mono);
  if (!awaited_.empty() && now.mono.ns - awaited_since_ns_ >= kGiveUpAfterNs) awaited_.clear();
  // While the broker is out of reach nothing is published: what was refused must not happen later.
  if (away_since_) return;
  while (!queue_.empty() && awaited_.empty()) {
    Waiting next = std::move(queue_.front());
    queue_.pop_front();
    DecideAndPublish(now, std::move(next));
  }
  if (awaited_.empty()) DecideAndPublish(now, {Tick{}, nullptr, 0});
}

void DecisionQueue::AnswerLate(MonotonicTime now) {
  const bool all = IsHindered(now);
  if (current_.done != nullptr && (all || now.ns > current_.deadline_ns)) {
    Answer(std::exchange(current_, {Tick{}, nullptr, 0}), Hindrance());
  }
  while (!queue_.empty() && (all || now.ns > queue_.front().deadline_ns)) {
    Waiting late = std::move(queue_.front());
    queue_.pop_front();
    Answer(std::move(late), Hindrance());
  }
}

void DecisionQueue::DecideAndPublish(Moment now, Waiting waiting) {
  const absl::StatusOr<std::vector<v1::Trigger>> decisions = core_.Decide(now, waiting.request);
  if (!decisions.ok() || decisions->empty()) return Answer(std::move(waiting), decisions.status());
  absl::Status error;
  if (!Publish(*decisions, error)) return Answer(std::move(waiting), error);
  awaited_ = *decisions;
  awaited_since_ns_ = now.mono.ns;
  current_ = std::move(waiting);
}

bool DecisionQueue::Publish(const std::vector<v1::Trigger>& decisions, absl::Status& error) {
  for (const v1::Trigger& decision : decisions) {
    error =
        bus_.Publish(Topic::kTrigger, decision.test_id(), "Trigger", decision.SerializeAsString());
    if (!error.ok()) return false;
  }
  return true;
}

void DecisionQueue::OnApplied(const v1::Trigger& trigger) {
  const auto it = std::find_if(awaited_.begin(), awaited_.end(),
                               [&](const v1::Trigger& t) { return Same(t, trigger); });
  if (it == awaited_.end()) return;
  awaited_.erase(it);
  if (!awaited_.empty()) return;
  Answer(std::exchange(current_, {Tick{}, nullptr, 0}), absl::OkStatus());
  is_due_ = true;
}

void DecisionQueue::Cancel(const absl::Status& status) {
  Answer(std::exchange(current_, {Tick{}, nullptr, 0}), status);
  std::deque<Waiting> waiting;
  waiting.swap(queue_);
  for (Waiting& w : waiting) Answer(std::move(w), status);
}

void DecisionQueue::Answer(Waiting waiting, const absl::Status& status) {
  if (waiting.done != nullptr) waiting.done(status);
}

}  // namespace loadtest
