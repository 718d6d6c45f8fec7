// The shell around the core: threads, the bus, the store, and answers to the doors.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <variant>

#include "absl/status/statusor.h"
#include "common/base/bounded_queue.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/bus/message_bus.h"
#include "server/api/control_plane.h"
#include "server/core/orchestrator_core.h"
#include "server/core/report_slice.h"
#include "server/shell/decision_queue.h"
#include "server/shell/watchers.h"
#include "server/store/store.h"

namespace loadtest {

// Two threads. The bus thread polls the bus and hands records on. The core thread owns core, store
// and decisions: it applies records, writes them to the store, answers the doors and tells the
// watchers, in this order, so that nobody is told what could be lost.
class Orchestrator final : public ControlPlane {
 public:
  struct Options {
    CoreOptions core;
    // The bus begins empty with each process, so offsets of the store mean nothing.
    bool bus_is_new = false;
  };

  // Reads the store, catches up with `trigger`, and starts the threads. Blocks up to 30 s.
  // References must outlive it. Errors: of the store, and Unavailable when the bus does not answer.
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

 private:
  using Call = std::function<void()>;
  using Input = std::variant<BusEvents, Call>;

  Orchestrator(Options options, MessageBus& bus, std::unique_ptr<Store> store, Clock& clock,
               const Logger& log);
  absl::Status Recover();
  absl::StatusOr<Offsets> StartOffsets(const Offsets& stored);
  absl::Status CatchUp(Offsets& offsets);
  void RunBus();
  void RunCore();
  Moment Now() { return {clock_.Now(), clock_.WallNow()}; }

  // Runs `call` on the core thread, or `refuse` here when it has no room or has ended.
  template <typename T>
  void Post(Reply<T> reply, std::function<void(Reply<T>)> call);

  // The rest: core thread only.
  void OnRecords(const BusEvents& events);
  void OnRecord(const Record& record);
  void OnNotices(const std::vector<Notice>& notices, const Record* record);
  void WriteStore(bool all);
  void TellWatchers();
  void Tell(Watchers::Watcher& watcher, const v1::LoadTestUpdate& update);
  void StartWatch(uint64_t watch, const v1::WatchLoadTestRequest& request);
  absl::StatusOr<v1::Report> FindReport(const std::string& id);
  absl::StatusOr<v1::Report> FindSlice(const std::string& id, SliceRequest slice);
  v1::LoadTestUpdate FindUpdate(const std::string& id);
  ControlPlaneStats Stats();

  const Options options_;
  MessageBus& bus_;
  Clock& clock_;
  const int64_t start_ns_ = clock_.WallNow().ns;
  const Logger& log_;
  std::unique_ptr<Store> store_;
  OrchestratorCore core_;
  DecisionQueue decisions_;
  Watchers watchers_;
  BoundedQueue<Input> inputs_;
  std::thread bus_thread_;
  std::thread core_thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> live_drivers_ = 0;

  StoreBatch batch_;
  std::set<std::string> changed_tests_;
  std::set<std::string> finished_tests_;
  std::set<std::string> tests_to_tell_;
  MonotonicTime last_offsets_write_;
  MonotonicTime last_store_error_;
  ControlPlaneStats stats_;
};

}  // namespace loadtest
