// The way of a decision: decided, published on `trigger`, read back, applied; one request after the
// other.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "common/bus/message_bus.h"
#include "loadtest/v1/bus.pb.h"
#include "server/core/orchestrator_core.h"

namespace loadtest {

// Since Decide looks at applied state only, the next request is decided when the decisions before
// it have come back. Owned by the core thread; not thread-safe.
class DecisionQueue {
 public:
  DecisionQueue(const OrchestratorCore& core, MessageBus& bus) : core_(core), bus_(bus) {}

  // OK once the decisions of the request are applied; else the error the API documents, Unavailable
  // when the broker is away or does not take them within 5 s. A broker counts as away when it has
  // been out of reach for a second: until then requests wait for it, so that a connection that is
  // made anew is noticed by nobody.
  using Done = std::function<void(const absl::Status&)>;
  void Submit(Moment now, CoreRequest request, Done done);

  // Decides what can be decided now. To be called every few milliseconds, and PumpIfDue whenever
  // all that has been read so far is applied: then, and not before, since what was read together
  // with the last decision may say that another orchestrator has taken over.
  void Pump(Moment now);
  // The same if something was asked for, or a decision came back, since the last time.
  void PumpIfDue(Moment now);

  // Another orchestrator has taken over: from now on nothing is published, and every request is
  // answered with `why`.
  void Fence(const absl::Status& why);
  // Why nothing can be read back now, though the broker is there; OK when it can. Until then
  // requests are answered with it.
  void SetHindrance(absl::Status hindrance) { hindrance_ = std::move(hindrance); }

  // Answers everything that still waits with `status`.
  void Cancel(const absl::Status& status);

  // A trigger record was read back and applied.
  void OnApplied(const v1::Trigger& trigger);

 private:
  struct Waiting {
    CoreRequest request;
    Done done;
    int64_t deadline_ns;
  };
  void LookAtBus(MonotonicTime now);
  // Whether requests cannot be served now, and then why.
  bool IsHindered(MonotonicTime now) const;
  absl::Status Hindrance() const;
  void AnswerLate(MonotonicTime now);
  void Answer(Waiting waiting, const absl::Status& status);
  void DecideAndPublish(Moment now, Waiting waiting);
  bool Publish(const std::vector<v1::Trigger>& decisions, absl::Status& error);

  const OrchestratorCore& core_;
  MessageBus& bus_;
  absl::Status fenced_ = absl::OkStatus();
  absl::Status hindrance_ = absl::OkStatus();
  // Since when the broker has been out of reach.
  std::optional<MonotonicTime> away_since_;
  std::deque<Waiting> queue_;
  bool is_due_ = false;
  // Published and not read back yet.
  std::vector<v1::Trigger> awaited_;
  int64_t awaited_since_ns_ = 0;
  Waiting current_{Tick{}, nullptr, 0};
};

}  // namespace loadtest
