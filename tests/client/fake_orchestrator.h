// An orchestrator that says what a test told it to, over real gRPC on a free port of loopback.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {

// Thread-safe. What it is told must be told before it is asked.
class FakeOrchestrator {
 public:
  FakeOrchestrator();
  // Ends open watches as a dying process would.
  ~FakeOrchestrator();

  // "127.0.0.1:43211"
  const std::string& address() const { return address_; }

  // The next test that is created sends these updates to its watchers, then has this report. Names
  // in them are filled in.
  void Script(std::vector<v1::LoadTestUpdate> updates, v1::Report report);
  // Watches send their updates and then wait: until the test is stopped, or the fake ends.
  void HoldUntilStopped();
  // A stop is noted, but changes nothing: what holds goes on to do so.
  void IgnoreStops();
  void SetDrivers(v1::ListDriversResponse drivers);
  // A test that is there, and its report.
  void AddTest(const v1::LoadTest& test, const v1::Report& report);
  // All calls fail with this.
  void FailWith(absl::Status error);

  // What was asked.
  std::vector<v1::CreateLoadTestRequest> created() const;
  std::vector<v1::StopLoadTestRequest> stopped() const;
  std::vector<std::string> deleted() const;
  std::vector<v1::UpdateLoadTestRequest> updated() const;
  std::vector<v1::ListLoadTestsRequest> listed() const;
  std::vector<v1::GetReportRequest> reported() const;

 private:
  class Service;
  struct Server;

  std::unique_ptr<Service> service_;
  std::unique_ptr<Server> server_;
  std::string address_;
};

}  // namespace loadtest
