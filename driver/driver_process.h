// The driver between bus and load: reads triggers, runs tests, writes heartbeats and reports.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/time.h"
#include "common/bus/message_bus.h"
#include "driver/core/driver_agent.h"
#include "driver/driver_metrics.h"
#include "driver/load_run.h"
#include "driver/report_outbox.h"

namespace loadtest {

// The shell around DriverAgent. One thread owns it, the bus and the agent, and waits in the bus;
// the load loop has a thread of its own.
class DriverProcess {
 public:
  struct Options {
    // All but the address, which is known once the broker is.
    v1::DriverRegistration registration;
    DriverPolicy policy;
    // Addresses of this host that connections come from; empty: the system chooses.
    std::vector<SocketAddress> sources = {};
    int64_t heartbeat_interval_ns = kNanosPerSecond;
    // How long after a test its reports keep the process from being done.
    int64_t longest_delivery_ns = 600 * kNanosPerSecond;
    // "Kafka 127.0.0.1:9092", for people.
    std::string broker;
    // Told what was measured; null: nobody asks.
    DriverMetrics* metrics = nullptr;
  };

  // References must outlive it.
  DriverProcess(Options options, MessageBus& bus, Clock& clock, const Logger& log);

  // Until `stop_requested`, then stops what runs, says goodbye and returns. `stop_requested` is
  // called often.
  void Run(const std::function<bool()>& stop_requested);

  // Neither a test nor its reports keep it: they are delivered, or it has tried for long enough.
  bool IsDone() const {
    return run_ == nullptr && (outbox_.empty() || clock_.Now() >= deliver_until_);
  }

  // After Run: a test's thread did not end in time (a name server may hold it). The process must be
  // left by _exit, for the destructor would wait for it.
  bool HasStuckRun() const { return run_ != nullptr; }

 private:
  // Makes the bus read topic trigger from its end on, so that nothing is missed from the
  // registration on; what stands there shortly before is glanced at. False when it was told to stop
  // before the topic was there.
  bool AssignTrigger(const std::function<bool()>& stop_requested);
  void Register();
  void Turn();
  void Leave();

  void TakeRecord(const Record& record);
  void Perform(std::vector<AgentAction> actions);

  // Tells the agent how far its run is: one step, for each has a heartbeat of its own. False:
  // nothing new.
  bool FollowRun();
  void PublishIntervals();
  void Beat();
  DriverAgent::Gauges ReadGauges(MonotonicTime now);

  const Options options_;
  const std::string id_;
  MessageBus& bus_;
  Clock& clock_;
  const Logger& log_;
  DriverAgent agent_;
  ReportOutbox outbox_;
  std::unique_ptr<LoadRun> run_;

  bool leaving_ = false;
  // Up to where records are from before it began.
  Offsets glance_to_;
  int64_t report_sequence_ = 0;
  MonotonicTime deliver_until_;
  int64_t rejected_records_ = 0;
  // When the gauges were read last.
  MonotonicTime gauges_at_;
  int64_t cpu_ns_ = 0;
  // Shared with the bus's callbacks, which may come after this object is gone.
  struct RegistrationState {
    bool failed = false;
    bool done = false;
    bool told = false;
  };
  const std::shared_ptr<RegistrationState> registration_ = std::make_shared<RegistrationState>();
};

}  // namespace loadtest
