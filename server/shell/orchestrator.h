// The shell around the core: threads, the bus, the store, and answers to the doors.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/bounded_queue.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/bus/message_bus.h"
#include "server/api/control_plane.h"
#include "server/core/orchestrator_core.h"
#include "server/core/record_decoder.h"
#include "server/core/report_slice.h"
#include "server/shell/bus_echo.h"
#include "server/shell/cost_limit.h"
#include "server/shell/decision_queue.h"
#include "server/shell/incumbent.h"
#include "server/shell/late_reports.h"
#include "server/shell/read_lag.h"
#include "server/shell/reader_thread.h"
#include "server/shell/store_writer.h"
#include "server/shell/watchers.h"

namespace loadtest {

// The bus thread polls the bus and hands records on. The core thread owns core, store and
// decisions: it applies records, answers the doors, tells the watchers, and writes to the store
// some times a second. Two readers fetch from the store what may take long: one reports, one what
// parts of a test are made of. What is told before it is stored cannot be lost: it came from the
// topics, and is read from there again, as its offset was not stored either.
class Orchestrator final : public ControlPlane {
 public:
  struct Options {
    CoreOptions core;
    // The bus begins empty with each process, so offsets of the store mean nothing.
    bool bus_is_new = false;
    // Which process this is, and how to see that another one has ended; for tests to say otherwise.
    v1::OrchestratorAlive process = ThisProcess();
    std::function<bool(const v1::OrchestratorAlive&)> is_gone = IsProvablyGone;
    // How long an orchestrator that may be there has to answer.
    int64_t claim_wait_ns = 1'500 * kNanosPerMilli;
  };

  // Reads the store, catches up with `trigger`, takes over from an orchestrator that is gone, and
  // starts the threads. Blocks up to 30 s. References must outlive it. Errors: of the store,
  // Unavailable when the bus does not answer, and FailedPrecondition when another orchestrator is
  // there.
  static absl::StatusOr<std::unique_ptr<Orchestrator>> Start(Options options, MessageBus& bus,
                                                             std::unique_ptr<Store> store,
                                                             Clock& clock, const Logger& log);
  // Ends the watches, answers what was asked, writes what was read, and ends the threads.
  ~Orchestrator() override;

  void CreateLoadTest(v1::CreateLoadTestRequest request, Reply<v1::LoadTest> reply) override;
  void GetLoadTest(v1::GetLoadTestRequest request, Reply<v1::LoadTest> reply) override;
  void ListLoadTests(v1::ListLoadTestsRequest request,
                     Reply<v1::ListLoadTestsResponse> reply) override;
  void StopLoadTest(v1::StopLoadTestRequest request, Reply<v1::LoadTest> reply) override;
  void DeleteLoadTest(v1::DeleteLoadTestRequest request,
                      Reply<google::protobuf::Empty> reply) override;
  void UpdateLoadTest(v1::UpdateLoadTestRequest request, Reply<v1::LoadTest> reply) override;
  void GetReport(v1::GetReportRequest request, Reply<v1::Report> reply) override;
  void ListDrivers(v1::ListDriversRequest request, Reply<v1::ListDriversResponse> reply) override;
  void GetStats(Reply<ControlPlaneStats> reply) override;
  uint64_t Watch(v1::WatchLoadTestRequest request, WatchSink sink) override;
  void Unwatch(uint64_t watch) override;

  // Drivers that are there and not lost. Any thread.
  int live_drivers() const { return live_drivers_; }

  // Whether another orchestrator has taken over: this one decides nothing more and is to be ended,
  // without its drivers. Any thread.
  bool fenced() const { return fenced_; }

  // Ids of drivers that ran tests when this process began. Any thread.
  const std::set<std::string>& busy_drivers_at_start() const { return busy_drivers_at_start_; }

 private:
  using Call = std::function<void()>;
  // What one look at the bus gave, decoded by the thread that looked.
  struct BusInput {
    BusEvents events;
    std::vector<absl::StatusOr<BusMessage>> messages;  // one for each of events.records
    size_t bytes = 0;                                  // of the records' values
  };
  static BusInput Decode(BusEvents events);
  using Input = std::variant<BusInput, Call>;

  Orchestrator(Options options, MessageBus& bus, std::unique_ptr<Store> store, Clock& clock,
               const Logger& log);
  // orchestrator_recovery.cc: before the threads.
  absl::Status Recover();
  // Whether the offsets of the store are those of this bus; if not, the store forgets them.
  absl::Status CheckBus(Store::Contents& contents);
  absl::StatusOr<Offsets> StartOffsets(const Offsets& stored);
  absl::Status CatchUp(Offsets& offsets);
  absl::Status TakeOver(Offsets& offsets);
  absl::Status AwaitAnswer(Offsets& offsets, const v1::OrchestratorAlive& incumbent);
  absl::Status PollUntil(Offsets& offsets, int64_t deadline_ns, const std::function<bool()>& done);
  absl::Status PublishSign(v1::OrchestratorAlive::Kind kind);
  void RunBus();
  void RunCore();
  Moment Now() { return {clock_.Now(), clock_.WallNow()}; }

  // Runs `call` on the core thread, or `refuse` here when it has no room or has ended.
  template <typename T>
  void Post(Reply<T> reply, std::function<void(Reply<T>)> call);

  // The rest: core thread only.
  void OnRecords(BusInput input);
  // The record may have been given to the store afterwards.
  void OnRecord(Record& record, const absl::StatusOr<BusMessage>& message);
  void OnNotices(const std::vector<Notice>& notices, Record* record);
  void BuildReports();
  void WriteStore(bool all);
  void ApplyRecord(Moment now, Record& record, const absl::StatusOr<BusMessage>& message);
  // Late reports count once a reader has made again what the core has forgotten of their tests.
  void WakeTests();
  void OnAwake(const std::string& id, std::optional<WokenTest> woken);
  // Whether the silence of drivers means something; tells the log when it does not for a while.
  bool Hears(Moment now);
  // Tells drivers and successors that this process is there.
  void GiveSigns(Moment now);
  // All before `next` is applied.
  void NoteRead(Moment now, TopicPartition partition, int64_t next);
  void TellWatchers();
  void Tell(Watchers::Watcher& watcher, v1::LoadTestUpdate update);
  void StartWatch(uint64_t watch, const v1::WatchLoadTestRequest& request);
  void BeginWatch(uint64_t watch, const v1::LoadTestUpdate& update);
  void AnswerReport(const std::string& id, SliceRequest slice, const Reply<v1::Report>& answer);
  ControlPlaneStats Stats();

  const Options options_;
  MessageBus& bus_;
  Clock& clock_;
  const int64_t start_ns_ = clock_.WallNow().ns;
  const Logger& log_;
  StoreWriter store_;
  OrchestratorCore core_;
  DecisionQueue decisions_;
  Watchers watchers_;
  BoundedQueue<Input> inputs_;
  std::atomic<size_t> input_bytes_ = 0;  // of the records in inputs_
  // After what their jobs use.
  ReaderThread report_reader_;
  ReaderThread slice_reader_;
  std::thread bus_thread_;
  std::thread core_thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> live_drivers_ = 0;
  std::atomic<bool> fenced_ = false;
  std::set<std::string> busy_drivers_at_start_;
  // The store has been unwritable for so long that reading the bus has to wait; or so many late
  // reports wait.
  std::atomic<bool> store_is_full_ = false;

  // Both look at every driver of every running test.
  CostLimit tick_cost_{20};
  CostLimit tell_cost_{4};
  std::set<std::string> changed_tests_;
  std::set<std::string> finished_tests_;
  std::set<std::string> tests_to_tell_;
  MonotonicTime last_sign_{INT64_MIN / 2};
  BusEcho echo_;
  bool lags_ = false;  // as read_lag_ said since the last tick
  std::optional<MonotonicTime> deaf_since_;
  bool told_of_deafness_ = false;
  ReadLag read_lag_;
  bool in_office_ = false;  // between TAKEOVER and RETIRED
  Offsets polled_to_;       // of `trigger`, before the threads
  LateReports late_reports_;
  // Where `metrics` ended when this process began, as far as it has not been read.
  Offsets catch_up_to_;
  bool told_of_forgotten_ = false;
  ControlPlaneStats stats_;
};

}  // namespace loadtest
