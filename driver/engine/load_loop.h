// The engine: sends the requests of a plan, takes their responses, counts.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "driver/engine/cpu_time.h"
#include "driver/engine/http_client.h"
#include "driver/engine/interval_channel.h"
#include "driver/engine/lane_pool.h"
#include "driver/engine/load_plan.h"
#include "driver/engine/run_control.h"

namespace loadtest {

// One run of one plan on one thread. A turn sends what is due, looks after deadlines and the end of
// the interval, then waits in the HTTP client, whose callbacks take responses and send the next
// request straight away; or it sleeps until the next request is due, and takes responses then,
// since the kernel has noted when they came. It waits for nothing else, and while it runs it
// allocates nothing, but for the text of errors and the rare order to go on with other shares.
//
// Requests are numbered as in SendPlan. Those before next_ were taken up by a lane or
// dropped; those from next_ to due_ are waiting: a range, which needs no memory whatever its
// length.
//
// load_loop.cc has the course of a run, load_loop_requests.cc what happens to requests and lanes.
class LoadLoop final : private HttpEvents {
 public:
  // All references must outlive the loop. `plan` has its addresses and its start.
  LoadLoop(LoadPlan plan, Clock& clock, HttpClient& http, RunControl& control,
           IntervalChannel& intervals);

  // From the first connection to the final interval. Call once, on the thread that owns the
  // HTTP client.
  void Run();

 private:
  // The course of a run.
  void Turn();
  void ApplyStopOrder(MonotonicTime now);
  void TakeShares(MonotonicTime now);
  void StartWhenTime(MonotonicTime now);
  void AdvanceDue(MonotonicTime now);
  void CountDueTo(MonotonicTime now, IntervalStats::Part part);
  void DrainWhenPlanIsDone(MonotonicTime now);
  void SetPhase(RunPhase phase);
  void BeginDraining(MonotonicTime from, int64_t drain_ns);
  bool IsOver(MonotonicTime now) const;
  void End(MonotonicTime now);
  void Wait();
  // Whether nothing is lost when responses are taken only at the next wake-up.
  bool MaySleep() const;
  MonotonicTime NextWake() const;
  void CutInterval(MonotonicTime now);
  void FillInterval(int64_t end_offset_ns);

  // Requests.
  void SendOnIdleLanes();
  // False when there is none to be sent now. The lane must be open and free.
  bool SendNext(int lane);
  void Send(int lane, MonotonicTime due, MonotonicTime now);
  void CountSent(const Lane& lane);
  void CountCompleted(const Lane& lane, const Response& response);
  // The request of a lane that is closed already, or will be, has failed.
  void Fail(int lane, v1::ErrorKind kind, std::string_view what);
  // Closed loop: whether a lane may take a request up.
  bool MayTakeUp(MonotonicTime now) const;
  // Whether the last request of the plan was taken up or dropped.
  bool AllTakenUp() const;
  // Requests that are due and that no lane has taken up; always 0 in a closed loop.
  int64_t waiting() const { return due_ - next_; }
  void DropWaiting(int64_t requests, v1::ErrorKind kind, std::string_view what);
  // Drops a request of which only a part was sent.
  void DropPartlySent(int lane, v1::ErrorKind kind, std::string_view what);
  // Counts whatever has no outcome yet as abandoned or dropped.
  void AbandonAll();
  IntervalStats::Part PartOf(MonotonicTime due) const {
    return due < measured_from_ ? IntervalStats::kWarmup : IntervalStats::kMeasured;
  }

  // Lanes.
  void OpenNeededLanes(MonotonicTime now);
  void OpenOne(MonotonicTime now);
  void ConnectAttemptFailed(int error, std::string_view address, MonotonicTime now);
  void ConnectAttemptFailed(const ConnectFailure& failure, std::string_view address,
                            MonotonicTime now);
  bool IsUnreachableForTooLong(MonotonicTime now);
  void TakeExpired(MonotonicTime now);
  const std::string& AddressOf(int lane) { return plan_.addresses[pool_[lane].address]; }
  // The address tried before the one that is next.
  const std::string& LastAddressOf(int lane);

  // HttpEvents.
  void OnOpened(int lane, const ConnectedEvent* connection) override;
  void OnOpenFailed(int lane, const ConnectFailure& failure) override;
  void OnSent(int lane) override;
  void OnResponse(int lane, const Response& response) override;
  void OnRequestFailed(int lane, v1::ErrorKind kind, std::string_view what) override;
  void OnClosed(int lane) override;

  int64_t OffsetOf(MonotonicTime time) const { return time.ns - plan_.start.ns; }
  MonotonicTime TimeAt(int64_t offset_ns) const { return {plan_.start.ns + offset_ns}; }

  const LoadPlan plan_;
  const std::string timeout_text_;
  // The end of the warm-up.
  const MonotonicTime measured_from_;
  Clock& clock_;
  HttpClient& http_;
  RunControl& control_;
  IntervalChannel& intervals_;
  LanePool pool_;

  RunPhase phase_ = RunPhase::kArming;
  v1::MetricsReport::EndReason stop_ = v1::MetricsReport::END_REASON_UNSPECIFIED;
  MonotonicTime drain_deadline_;
  // The last wait was a sleep.
  bool slept_ = false;
  // When the last wait was over, and the latest reading of the clock since.
  MonotonicTime turn_began_;
  MonotonicTime last_now_;

  int64_t next_ = 0;
  int64_t due_ = 0;
  // Open loop: stand at next_ and at due_.
  DueCursor next_due_;
  DueCursor coming_;
  SendShares shares_;
  // Open loop: how many of those that wait belong to the warm-up. They are the first of them.
  int64_t warmup_waiting_ = 0;
  // Closed loop: how many requests were taken up or dropped in the warm-up; and no request is taken
  // up from this offset on.
  int64_t warmup_taken_ = 0;
  int64_t closed_end_ns_ = 0;
  // By IntervalStats::Part: whole requests, and those of which only a part was sent.
  std::array<int64_t, 2> in_flight_{};
  std::array<int64_t, 2> sending_{};

  // The latest attempt to connect, if it failed: why waiting requests are not sent.
  v1::ErrorKind connect_error_ = v1::ERROR_KIND_UNSPECIFIED;
  std::string connect_error_text_;
  // Since when no connection is open and none can be made.
  MonotonicTime unreachable_since_ = DeadlineHeap::kNever;

  std::unique_ptr<IntervalStats> stats_;
  MonotonicTime next_cut_;
  CpuTime cpu_;
  CoreWait core_wait_;
  int64_t core_waited_ns_ = 0;
  bool has_sent_ = false;
  int64_t first_send_offset_ns_ = 0;
  int64_t last_send_offset_ns_ = 0;
};

}  // namespace loadtest
