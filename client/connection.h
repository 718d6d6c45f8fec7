// The way to the orchestrator: its gRPC service, without gRPC in sight.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/server_access.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {

// Thread-safe. Every call blocks until its answer is there, for some seconds at most. Errors are
// those of the orchestrator; Unavailable, naming its address, also when it went away.
class Connection {
 public:
  // Unavailable within three seconds when nothing answers at `address` (HOST:PORT).
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& address,
                                                          const ServerAccess& access = {});
  ~Connection();

  const std::string& address() const { return address_; }

  absl::StatusOr<v1::LoadTest> CreateLoadTest(const v1::CreateLoadTestRequest& request);
  absl::StatusOr<v1::LoadTest> GetLoadTest(const std::string& name);
  absl::StatusOr<v1::ListLoadTestsResponse> ListLoadTests(const v1::ListLoadTestsRequest& request);
  absl::StatusOr<v1::LoadTest> StopLoadTest(const std::string& name, const std::string& reason);
  absl::Status DeleteLoadTest(const std::string& name);
  absl::StatusOr<v1::LoadTest> WriteNote(const std::string& name, const std::string& note);
  absl::StatusOr<v1::Report> GetReport(const std::string& name);
  // Of a part of a test, or judged by other thresholds.
  absl::StatusOr<v1::Report> GetReport(const v1::GetReportRequest& request);
  absl::StatusOr<v1::ListDriversResponse> ListDrivers();
  // FailedPrecondition from an orchestrator that is too old to know the call.
  absl::StatusOr<v1::ServerInfo> GetServerInfo();

  // Calls `on_update` until the test has ended.
  absl::Status Watch(const std::string& name,
                     const std::function<void(const v1::LoadTestUpdate&)>& on_update);

 private:
  struct Stub;

  Connection(std::string address, std::unique_ptr<Stub> stub);

  const std::string address_;
  const std::unique_ptr<Stub> stub_;
};

}  // namespace loadtest
