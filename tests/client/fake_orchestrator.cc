#include "client/fake_orchestrator.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/spec/load_test_spec.h"
#include "loadtest/v1/service.grpc.pb.h"

namespace loadtest {

class FakeOrchestrator::Service final : public v1::LoadTestService::Service {
 public:
  grpc::Status CreateLoadTest(grpc::ServerContext*, const v1::CreateLoadTestRequest* request,
                              v1::LoadTest* response) override {
    std::lock_guard lock(mutex);
    if (!error.ok()) return Error(error);
    created.push_back(*request);
    const auto spec = ValidateSpec(request->spec());
    if (!spec.ok()) return Error(spec.status());
    *response->mutable_spec() = *spec;
    if (request->validate_only()) return grpc::Status::OK;
    const std::string id = request->load_test_id().empty()
                               ? absl::StrFormat("t%d", tests.size() + 1)
                               : request->load_test_id();
    response->set_name("loadTests/" + id);
    response->set_state(v1::LoadTest::PENDING);
    tests[response->name()] = *response;
    return grpc::Status::OK;
  }

  grpc::Status GetLoadTest(grpc::ServerContext*, const v1::GetLoadTestRequest* request,
                           v1::LoadTest* response) override {
    std::lock_guard lock(mutex);
    if (const grpc::Status found = Find(request->name()); !found.ok()) return found;
    *response = tests[request->name()];
    return grpc::Status::OK;
  }

  grpc::Status ListLoadTests(grpc::ServerContext*, const v1::ListLoadTestsRequest* request,
                             v1::ListLoadTestsResponse* response) override {
    std::lock_guard lock(mutex);
    if (!error.ok()) return Error(error);
    listed.push_back(*request);
    for (auto test = tests.rbegin(); test != tests.rend(); ++test) {
      if (response->load_tests_size() == request->page_size()) {
        response->set_next_page_token("more");
        break;
      }
      *response->add_load_tests() = test->second;
    }
    return grpc::Status::OK;
  }

  grpc::Status StopLoadTest(grpc::ServerContext*, const v1::StopLoadTestRequest* request,
                            v1::LoadTest* response) override {
    std::lock_guard lock(mutex);
    if (const grpc::Status found = Find(request->name()); !found.ok()) return found;
    stopped.push_back(*request);
    v1::LoadTest& test = tests[request->name()];
    if (ignore_stops) {
      *response = test;
      return grpc::Status::OK;
    }
    test.set_state(v1::LoadTest::STOPPED);
    test.mutable_end_time()->set_seconds(std::time(nullptr) - 1);
    *response = test;
    changed.notify_all();
    return grpc::Status::OK;
  }

  grpc::Status UpdateLoadTest(grpc::ServerContext*, const v1::UpdateLoadTestRequest* request,
                              v1::LoadTest* response) override {
    std::lock_guard lock(mutex);
    if (const grpc::Status found = Find(request->load_test().name()); !found.ok()) return found;
    updated.push_back(*request);
    v1::LoadTest& test = tests[request->load_test().name()];
    test.set_note(request->load_test().note());
    *response = test;
    return grpc::Status::OK;
  }

  grpc::Status DeleteLoadTest(grpc::ServerContext*, const v1::DeleteLoadTestRequest* request,
                              google::protobuf::Empty*) override {
    std::lock_guard lock(mutex);
    if (const grpc::Status found = Find(request->name()); !found.ok()) return found;
    deleted.push_back(request->name());
    tests.erase(request->name());
    return grpc::Status::OK;
  }

  grpc::Status WatchLoadTest(grpc::ServerContext* context, const v1::WatchLoadTestRequest* request,
                             grpc::ServerWriter<v1::LoadTestUpdate>* writer) override {
    std::unique_lock lock(mutex);
    if (const grpc::Status found = Find(request->name()); !found.ok()) return found;
    for (v1::LoadTestUpdate update : updates) {
      update.mutable_load_test()->set_name(request->name());
      writer->Write(update);
    }
    while (hold && (stopped.empty() || ignore_stops) && !ending && !context->IsCancelled()) {
      changed.wait_for(lock, std::chrono::milliseconds(10));
    }
    if (ending) return {grpc::StatusCode::UNAVAILABLE, "orchestrator is stopping"};
    return grpc::Status::OK;
  }

  grpc::Status GetReport(grpc::ServerContext*, const v1::GetReportRequest* request,
                         v1::Report* response) override {
    std::lock_guard lock(mutex);
    if (const grpc::Status found = Find(request->name()); !found.ok()) return found;
    reported.push_back(*request);
    const auto own = reports.find(request->name());
    *response = own == reports.end() ? report : own->second;
    v1::LoadTest& test = *response->mutable_load_test();
    test.set_name(request->name());
    if (!test.has_spec()) *test.mutable_spec() = tests[request->name()].spec();
    if (!stopped.empty()) test.set_state(v1::LoadTest::STOPPED);
    return grpc::Status::OK;
  }

  grpc::Status ListDrivers(grpc::ServerContext*, const v1::ListDriversRequest*,
                           v1::ListDriversResponse* response) override {
    std::lock_guard lock(mutex);
    if (!error.ok()) return Error(error);
    *response = drivers;
    return grpc::Status::OK;
  }

  static grpc::Status Error(const absl::Status& error) {
    return {static_cast<grpc::StatusCode>(error.code()), std::string(error.message())};
  }

  grpc::Status Find(const std::string& name) const {
    if (!error.ok()) return Error(error);
    if (tests.count(name) > 0) return grpc::Status::OK;
    return {grpc::StatusCode::NOT_FOUND, name + ": no such test"};
  }

  mutable std::mutex mutex;
  std::condition_variable changed;
  absl::Status error;
  bool hold = false;
  bool ending = false;
  std::map<std::string, v1::LoadTest> tests;
  std::vector<v1::LoadTestUpdate> updates;
  v1::Report report;
  v1::ListDriversResponse drivers;
  std::vector<v1::CreateLoadTestRequest> created;
  std::vector<v1::StopLoadTestRequest> stopped;
  bool ignore_stops = false;
  std::vector<std::string> deleted;
  std::vector<v1::UpdateLoadTestRequest> updated;
  std::vector<v1::ListLoadTestsRequest> listed;
  std::vector<v1::GetReportRequest> reported;
  std::map<std::string, v1::Report> reports;
};

struct FakeOrchestrator::Server {
  std::unique_ptr<grpc::Server> grpc;
};

FakeOrchestrator::FakeOrchestrator()
    : service_(std::make_unique<Service>()), server_(std::make_unique<Server>()) {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(service_.get());
  server_->grpc = builder.BuildAndStart();
  address_ = absl::StrFormat("127.0.0.1:%d", port);
}

FakeOrchestrator::~FakeOrchestrator() {
  {
    std::lock_guard lock(service_->mutex);
    service_->ending = true;
    service_->changed.notify_all();
  }
  server_->grpc->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
}

void FakeOrchestrator::Script(std::vector<v1::LoadTestUpdate> updates, v1::Report report) {
  std::lock_guard lock(service_->mutex);
  service_->updates = std::move(updates);
  service_->report = std::move(report);
}

void FakeOrchestrator::HoldUntilStopped() {
  std::lock_guard lock(service_->mutex);
  service_->hold = true;
}

void FakeOrchestrator::IgnoreStops() {
  std::lock_guard lock(service_->mutex);
  service_->ignore_stops = true;
}

void FakeOrchestrator::SetDrivers(v1::ListDriversResponse drivers) {
  std::lock_guard lock(service_->mutex);
  service_->drivers = std::move(drivers);
}

void FakeOrchestrator::AddTest(const v1::LoadTest& test, const v1::Report& report) {
  std::lock_guard lock(service_->mutex);
  service_->tests[test.name()] = test;
  service_->reports[test.name()] = report;
}

void FakeOrchestrator::FailWith(absl::Status error) {
  std::lock_guard lock(service_->mutex);
  service_->error = std::move(error);
}

std::vector<v1::CreateLoadTestRequest> FakeOrchestrator::created() const {
  std::lock_guard lock(service_->mutex);
  return service_->created;
}

std::vector<v1::StopLoadTestRequest> FakeOrchestrator::stopped() const {
  std::lock_guard lock(service_->mutex);
  return service_->stopped;
}

std::vector<v1::UpdateLoadTestRequest> FakeOrchestrator::updated() const {
  std::lock_guard lock(service_->mutex);
  return service_->updated;
}

std::vector<v1::ListLoadTestsRequest> FakeOrchestrator::listed() const {
  std::lock_guard lock(service_->mutex);
  return service_->listed;
}

std::vector<v1::GetReportRequest> FakeOrchestrator::reported() const {
  std::lock_guard lock(service_->mutex);
  return service_->reported;
}

std::vector<std::string> FakeOrchestrator::deleted() const {
  std::lock_guard lock(service_->mutex);
  return service_->deleted;
}

}  // namespace loadtest
