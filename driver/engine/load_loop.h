// The engine: sends the requests of a plan, takes their responses, counts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "driver/engine/connection_pool.h"
#include "driver/engine/cpu_time.h"
#include "driver/engine/interval_channel.h"
#include "driver/engine/load_plan.h"
#include "driver/engine/run_control.h"
#include "driver/engine/transport.h"

namespace loadtest {

// One run of one plan on one thread. A turn sends what is due, looks after deadlines and the end of
// the interval, then waits in the transport, whose callbacks take responses and send the next
// request straight away. It waits for nothing but its transport, and while it runs it allocates
// nothing, but for the text of errors.
//
// Requests are numbered as in SendPlan. Those before next_ were taken up by a connection or
// dropped; those from next_ to due_ are waiting: a range, which needs no memory whatever its
// length.
//
// load_loop.cc has the course of a run, load_loop_requests.cc what happens to requests and
// connections.
class LoadLoop final : private TransportEvents {
 public:
  // All references must outlive the loop. `plan` has its addresses and its start.
  LoadLoop(LoadPlan plan, Clock& clock, Transport& transport, RunControl& control,
           IntervalChannel& intervals);

  // From the first connection to the final interval. Call once, on the thread that owns the
  // transport.
  void Run();

 private:
  // The course of a run.
  void Turn();
  void ApplyStopOrder(MonotonicTime now);
  void StartWhenTime(MonotonicTime now);
  void AdvanceDue(MonotonicTime now);
  void DrainWhenPlanIsDone(MonotonicTime now);
  void SetPhase(RunPhase phase);
  void BeginDraining(MonotonicTime from, int64_t drain_ns);
  bool IsOver(MonotonicTime now) const;
  void End(MonotonicTime now);
  MonotonicTime NextWake() const;
  void CutInterval(MonotonicTime now);
  void FillInterval(int64_t end_offset_ns);

  // Requests.
  void SendOnIdleConnections();
  // False when there is none to be sent now. The connection must be open and free.
  bool SendNext(int connection);
  void Send(int connection, MonotonicTime due, MonotonicTime now);
  void CountSent(const Connection& connection);
  void CountCompleted(const Connection& connection, MonotonicTime received_at);
  void Fail(int connection, v1::ErrorKind kind, std::string_view what);
  // Closed loop: whether a connection may take a request up.
  bool MayTakeUp(MonotonicTime now) const;
  // Requests that are due and that no connection has taken up; always 0 in a closed loop.
  int64_t waiting() const { return due_ - next_; }
  void DropWaiting(int64_t requests, v1::ErrorKind kind, std::string_view what);
  // Drops a request of which only a part was sent.
  void DropPartlySent(int connection, v1::ErrorKind kind, std::string_view what);
  // Counts whatever has no outcome yet as abandoned or dropped.
  void AbandonAll();

  // Connections.
  void OpenNeededConnections(MonotonicTime now);
  void OpenOne(MonotonicTime now);
  void ConnectAttemptFailed(int error, std::string_view address, MonotonicTime now);
  void ConnectAttemptFailed(const ConnectFailure& failure, std::string_view address,
                            MonotonicTime now);
  bool IsUnreachableForTooLong(MonotonicTime now);
  void TakeExpired(MonotonicTime now);
  const std::string& AddressOf(int connection) {
    return plan_.addresses[pool_[connection].address];
  }
  // The address tried before the one that is next.
  const std::string& LastAddressOf(int connection);

  // TransportEvents.
  void OnConnected(int connection, const ConnectedEvent& event) override;
  void OnConnectFailed(int connection, const ConnectFailure& failure) override;
  void OnSent(int connection) override;
  void OnRead(int connection, const ReadEvent& event) override;
  void OnClosed(int connection, int error) override;

  int64_t OffsetOf(MonotonicTime time) const { return time.ns - plan_.start.ns; }
  MonotonicTime TimeAt(int64_t offset_ns) const { return {plan_.start.ns + offset_ns}; }

  const LoadPlan plan_;
  const std::string timeout_text_;
  Clock& clock_;
  Transport& transport_;
  RunControl& control_;
  IntervalChannel& intervals_;
  ConnectionPool pool_;

  RunPhase phase_ = RunPhase::kArming;
  v1::MetricsReport::EndReason stop_ = v1::MetricsReport::END_REASON_UNSPECIFIED;
  MonotonicTime drain_deadline_;
  // When the transport last returned, and the latest reading of the clock since.
  MonotonicTime turn_began_;
  MonotonicTime last_now_;

  int64_t next_ = 0;
  int64_t due_ = 0;
  int64_t in_flight_ = 0;

  // The latest attempt to connect, if it failed: why waiting requests are not sent.
  v1::ErrorKind connect_error_ = v1::ERROR_KIND_UNSPECIFIED;
  std::string connect_error_text_;
  // Since when no connection is open and none can be made.
  MonotonicTime unreachable_since_ = DeadlineHeap::kNever;

  std::unique_ptr<IntervalStats> stats_;
  MonotonicTime next_cut_;
  CpuTime cpu_;
  bool has_sent_ = false;
  int64_t first_send_offset_ns_ = 0;
  int64_t last_send_offset_ns_ = 0;
};

}  // namespace loadtest
