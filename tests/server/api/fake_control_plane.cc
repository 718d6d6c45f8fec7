#include "tests/server/api/fake_control_plane.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

bool HasEnded(const v1::LoadTest& test) {
  return test.state() == v1::LoadTest::SUCCEEDED || test.state() == v1::LoadTest::STOPPED ||
         test.state() == v1::LoadTest::FAILED;
}

// Page tokens are the number of items already shown.
template <typename Items, typename Add>
std::string Page(const Items& items, const std::string& token, int size, Add add) {
  const size_t begin = token.empty() ? 0 : std::stoul(token);
  const size_t end = std::min(items.size(), begin + (size == 0 ? 50 : size));
  for (size_t i = begin; i < end; ++i) add(items[i]);
  return end < items.size() ? std::to_string(end) : "";
}

}  // namespace

FakeControlPlane::FakeControlPlane() : tasks_(10'000) {
  stats_.bus = "fake";
  stats_.bus_connected = true;
  thread_ = std::thread([this] {
    while (!tasks_.closed()) {
      if (auto task = tasks_.Pop(std::chrono::hours(1))) (*task)();
    }
  });
}

FakeControlPlane::~FakeControlPlane() {
  tasks_.Close();
  thread_.join();
}

void FakeControlPlane::Post(std::function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    if (!replies_) {
      unanswered_.push_back(std::move(task));
      unanswered_came_.notify_all();
      return;
    }
  }
  tasks_.TryPush(std::move(task));
}

void FakeControlPlane::WaitForUnansweredCall() {
  std::unique_lock lock(mutex_);
  unanswered_came_.wait(lock, [this] { return !unanswered_.empty(); });
}

void FakeControlPlane::PostAndWait(std::function<void()> task) {
  std::promise<void> done;
  tasks_.TryPush([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void FakeControlPlane::AddTest(const v1::LoadTest& test) {
  std::lock_guard lock(mutex_);
  tests_[test.name()] = test;
}

void FakeControlPlane::AddDriver(const v1::Driver& driver) {
  std::lock_guard lock(mutex_);
  drivers_.push_back(driver);
}

void FakeControlPlane::SetReport(const v1::Report& report) {
  std::lock_guard lock(mutex_);
  reports_[report.load_test().name()] = report;
}

void FakeControlPlane::SetStats(const ControlPlaneStats& stats) {
  std::lock_guard lock(mutex_);
  stats_ = stats;
}

void FakeControlPlane::SetBusConnected(bool connected) {
  std::lock_guard lock(mutex_);
  stats_.bus_connected = connected;
}

void FakeControlPlane::StopReplying() {
  std::lock_guard lock(mutex_);
  replies_ = false;
}

void FakeControlPlane::Publish(const std::string& name, const v1::LoadTestUpdate& update) {
  PostAndWait([&] {
    // Sinks are called under the lock, so that none is called after Unwatch.
    std::lock_guard lock(mutex_);
    const auto shared = std::make_shared<const v1::LoadTestUpdate>(update);
    for (const auto& [id, watch] : watches_) {
      if (watch.name == name) watch.sink.on_update(shared);
    }
  });
}

void FakeControlPlane::EndWatches(const std::string& name, const absl::Status& status) {
  PostAndWait([&] {
    std::lock_guard lock(mutex_);
    std::erase_if(watches_, [&](const auto& entry) {
      if (entry.second.name != name) return false;
      entry.second.sink.on_end(status);
      return true;
    });
  });
}

int FakeControlPlane::open_watches() const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(watches_.size());
}

absl::StatusOr<v1::LoadTest> FakeControlPlane::Find(const std::string& name) const {
  const auto found = tests_.find(name);
  if (found == tests_.end()) {
    return absl::NotFoundError(absl::StrFormat("name: got \"%s\", no such load test", name));
  }
  return found->second;
}

absl::StatusOr<v1::LoadTest> FakeControlPlane::Create(const v1::CreateLoadTestRequest& request) {
  if (!stats_.bus_connected) return absl::UnavailableError("the broker cannot be reached");
  if (request.spec().request().url().empty()) {
    return absl::InvalidArgumentError("spec.request.url: got \"\", want http://host[:port]/path");
  }
  v1::LoadTest test;
  *test.mutable_spec() = request.spec();
  test.set_state(v1::LoadTest::PENDING);
  if (request.validate_only()) return test;
  test.set_name("loadTests/" +
                (request.load_test_id().empty() ? "made-by-fake" : request.load_test_id()));
  if (tests_.contains(test.name())) {
    return absl::AlreadyExistsError(
        absl::StrFormat("load_test_id: got \"%s\", which exists", request.load_test_id()));
  }
  tests_[test.name()] = test;
  return test;
}

void FakeControlPlane::CreateLoadTest(v1::CreateLoadTestRequest request,
                                      Reply<v1::LoadTest> reply) {
  Post([this, request = std::move(request), reply = std::move(reply)] {
    absl::StatusOr<v1::LoadTest> result;
    {
      std::lock_guard lock(mutex_);
      result = Create(request);
    }
    reply(std::move(result));
  });
}

void FakeControlPlane::GetLoadTest(v1::GetLoadTestRequest request, Reply<v1::LoadTest> reply) {
  Post([this, request = std::move(request), reply = std::move(reply)] {
    absl::StatusOr<v1::LoadTest> result;
    {
      std::lock_guard lock(mutex_);
      result = Find(request.name());
    }
    reply(std::move(result));
  });
}

void FakeControlPlane::ListLoadTests(v1::ListLoadTestsRequest request,
                                     Reply<v1::ListLoadTestsResponse> reply) {
  Post([this, request = std::move(request), reply = std::move(reply)] {
    v1::ListLoadTestsResponse response;
    {
      std::lock_guard lock(mutex_);
      std::vector<v1::LoadTest> tests;
      for (const auto& [name, test] : tests_) tests.push_back(test);
      response.set_next_page_token(
          Page(tests, request.page_token(), request.page_size(),
               [&](const v1::LoadTest& test) { *response.add_load_tests() = test; }));
    }
    reply(std::move(response));
  });
}

void FakeControlPlane::UpdateLoadTest(v1::UpdateLoadTestRequest request,
                                      Reply<v1::LoadTest> reply) {
  Post([this, request = std::move(request), reply = std::move(reply)] {
    absl::StatusOr<v1::LoadTest> result;
    {
      std::lock_guard lock(mutex_);
      result = Find(request.load_test().name());
      if (result.ok()) {
        result->set_note(request.load_test().note());
        tests_[result->name()] = *result;
      }
    }
    reply(std::move(result));
  });
}

void FakeControlPlane::StopLoadTest(v1::StopLoadTestRequest request, Reply<v1::LoadTest> reply) {
  Post([this, request = std::move(request), reply = std::move(reply)] {
    absl::StatusOr<v1::LoadTest> result;
    {
      std::lock_guard lock(mutex_);
      result = Find(request.name());
      if (result.ok() && !HasEnded(*result)) {
        result->set_state(v1::LoadTest::STOPPING);
        result->set_state_reason(request.reason());
        tests_[request.name()] = *result;
      }
    }
    reply(std::move(result));
  });
}

void FakeControlPlane::DeleteLoadTest(v1::DeleteLoadTestRequest request,
                                      Reply<google::protobuf::Empty> reply) {
  Post([this, request = std::move(request), reply = std::move(reply)] {
    absl::StatusOr<google::protobuf::Empty> result = google::protobuf::Empty();
    {
      std::lock_guard lock(mutex_);
      const absl::StatusOr<v1::LoadTest> test = Find(request.name());
      if (!test.ok()) {
        result = test.status();
      } else if (!HasEnded(*test)) {
        result = absl::FailedPreconditionError(
            absl::StrFormat("name: got \"%s\", which has not ended", request.name()));
      } else {
        tests_.erase(request.name());
      }
    }
    reply(std::move(result));
  });
}

void FakeControlPlane::GetReport(v1::GetReportRequest request, Reply<v1::Report> reply) {
  Post([this, request = std::move(request), reply = std::move(reply)] {
    absl::StatusOr<v1::Report> result;
    {
      std::lock_guard lock(mutex_);
      const auto found = reports_.find(request.name());
      if (found == reports_.end()) {
        result = absl::NotFoundError(
            absl::StrFormat("name: got \"%s\", no such load test", request.name()));
      } else {
        result = found->second;
      }
    }
    reply(std::move(result));
  });
}

void FakeControlPlane::ListDrivers(v1::ListDriversRequest request,
                                   Reply<v1::ListDriversResponse> reply) {
  Post([this, request = std::move(request), reply = std::move(reply)] {
    v1::ListDriversResponse response;
    {
      std::lock_guard lock(mutex_);
      response.set_next_page_token(
          Page(drivers_, request.page_token(), request.page_size(),
               [&](const v1::Driver& driver) { *response.add_drivers() = driver; }));
    }
    reply(std::move(response));
  });
}

void FakeControlPlane::GetStats(Reply<ControlPlaneStats> reply) {
  Post([this, reply = std::move(reply)] {
    ControlPlaneStats stats;
    {
      std::lock_guard lock(mutex_);
      stats = stats_;
    }
    reply(stats);
  });
}

uint64_t FakeControlPlane::Watch(v1::WatchLoadTestRequest request, WatchSink sink) {
  absl::StatusOr<v1::LoadTest> test;
  {
    std::lock_guard lock(mutex_);
    test = Find(request.name());
  }
  if (!test.ok()) {
    // From the caller's own thread and before Watch returns: the hardest case that the contract
    // allows.
    sink.on_end(test.status());
    return 0;
  }
  auto now = std::make_shared<v1::LoadTestUpdate>();
  *now->mutable_load_test() = *test;
  std::lock_guard lock(mutex_);
  sink.on_update(now);
  if (HasEnded(*test)) {
    sink.on_end(absl::OkStatus());
    return 0;
  }
  watches_[++last_watch_] = {request.name(), std::move(sink)};
  return last_watch_;
}

void FakeControlPlane::Unwatch(uint64_t watch) {
  std::lock_guard lock(mutex_);
  watches_.erase(watch);
}

}  // namespace loadtest
