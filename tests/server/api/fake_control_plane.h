// A ControlPlane in memory for tests of the doors: it keeps what it is given and decides nothing.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/base/bounded_queue.h"
#include "server/api/control_plane.h"

namespace loadtest {

// Replies come from a thread of its own, as with the real one. Errors that the doors must carry:
//   Create   a spec without URL is INVALID_ARGUMENT, an id that exists ALREADY_EXISTS
//   Delete   a test that has not ended is FAILED_PRECONDITION
//   any      an unknown name is NOT_FOUND; UNAVAILABLE for deciding calls after
//   SetBusConnected(false)
// Thread-safe.
class FakeControlPlane final : public ControlPlane {
 public:
  FakeControlPlane();
  ~FakeControlPlane() override;

  void AddTest(const v1::LoadTest& test);
  void AddDriver(const v1::Driver& driver);
  void SetReport(const v1::Report& report);  // of the test it names
  void SetStats(const ControlPlaneStats& stats);
  void SetBusConnected(bool connected);
  // From now on calls are taken and never answered, until the end.
  void StopReplying();
  // Returns once a call has come after StopReplying.
  void WaitForUnansweredCall();

  // To all who watch `name`, from the fake's thread, as the core does. Returns when they have been
  // called.
  void Publish(const std::string& name, const v1::LoadTestUpdate& update);
  void EndWatches(const std::string& name, const absl::Status& status);
  int open_watches() const;

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

 private:
  struct OpenWatch {
    std::string name;
    WatchSink sink;
  };

  void Post(std::function<void()> task);
  void PostAndWait(std::function<void()> task);
  absl::StatusOr<v1::LoadTest> Create(const v1::CreateLoadTestRequest& request);
  absl::StatusOr<v1::LoadTest> Find(const std::string& name) const;

  mutable std::mutex mutex_;
  std::map<std::string, v1::LoadTest> tests_;  // by name
  std::map<std::string, v1::Report> reports_;  // by name of the test
  std::vector<v1::Driver> drivers_;
  ControlPlaneStats stats_;
  bool replies_ = true;
  std::vector<std::function<void()>> unanswered_;
  std::condition_variable unanswered_came_;
  std::map<uint64_t, OpenWatch> watches_;
  uint64_t last_watch_ = 0;
  BoundedQueue<std::function<void()>> tasks_;
  std::thread thread_;
};

}  // namespace loadtest
