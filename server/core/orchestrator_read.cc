// Reading: resources, pages, reports and updates as they stand.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/spec/load_test_spec.h"
#include "server/core/orchestrator_core.h"
#include "server/core/report_builder.h"
#include "server/core/shown.h"
#include "server/core/timestamp.h"

namespace loadtest {
namespace {

constexpr int kDefaultPage = 50;
constexpr int kLargestPage = 1'000;

v1::Driver::State ToDriverState(v1::DriverHeartbeat::State state) {
  switch (state) {
    case v1::DriverHeartbeat::ARMED:
      return v1::Driver::ARMED;
    case v1::DriverHeartbeat::RUNNING:
      return v1::Driver::RUNNING;
    case v1::DriverHeartbeat::DRAINING:
      return v1::Driver::DRAINING;
    default:
      return v1::Driver::IDLE;
  }
}

absl::StatusOr<int> PageSize(int32_t wanted, int default_size) {
  if (wanted < 0 || wanted > kLargestPage) {
    return absl::InvalidArgumentError(
        absl::StrFormat("page_size: got %d, want 0 to %d", wanted, kLargestPage));
  }
  return wanted == 0 ? default_size : wanted;
}

// Whether a list that was asked for has the test.
bool IsWanted(const v1::ListLoadTestsRequest& request, const v1::LoadTest& test) {
  if (!request.states().empty() &&
      std::find(request.states().begin(), request.states().end(), test.state()) ==
          request.states().end()) {
    return false;
  }
  return std::all_of(request.labels().begin(), request.labels().end(), [&](const auto& wanted) {
    const auto it = test.spec().labels().find(wanted.first);
    return it != test.spec().labels().end() && it->second == wanted.second;
  });
}

}  // namespace

absl::Status LoadTestNotFound(const std::string& id) {
  return absl::NotFoundError(
      absl::StrFormat("name: got \"loadTests/%s\", want a load test that exists", id));
}

const v1::LoadTest* OrchestratorCore::FindTest(std::string_view id) const {
  const auto it = tests_.find(id);
  return it == tests_.end() ? nullptr : &it->second.resource;
}

const v1::LoadTest* OrchestratorCore::FindByRequestId(std::string_view request_id) const {
  const auto it = request_ids_.find(request_id);
  return it == request_ids_.end() ? nullptr : FindTest(it->second);
}

std::string OrchestratorCore::RequestIdOf(std::string_view id) const {
  const auto it = tests_.find(id);
  return it == tests_.end() ? "" : it->second.request_id;
}

absl::StatusOr<v1::ListLoadTestsResponse> OrchestratorCore::List(
    const v1::ListLoadTestsRequest& request) const {
  ASSIGN_OR_RETURN(const int size, PageSize(request.page_size(), kDefaultPage));
  for (const int state : request.states()) {
    if (state > 0 && v1::LoadTest::State_IsValid(state)) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("states: got %d, want a state such as RUNNING", state));
  }
  std::vector<std::pair<int64_t, const Test*>> order;
  for (const auto& [id, test] : tests_) {
    if (IsWanted(request, test.resource)) order.emplace_back(test.created_ns, &test);
  }
  const auto newer = [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first
                              : a.second->resource.name() > b.second->resource.name();
  };
  std::sort(order.begin(), order.end(), newer);
  auto from = order.begin();
  if (!request.page_token().empty()) {
    // The token is the name of the last test of the page before.
    const absl::StatusOr<std::string> last = LoadTestIdOfName(request.page_token(), "page_token");
    const auto it = last.ok() ? tests_.find(*last) : tests_.end();
    if (it == tests_.end()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("page_token: got \"%.80s\", want the next_page_token of the page before",
                          request.page_token()));
    }
    from = std::upper_bound(order.begin(), order.end(),
                            std::pair(it->second.created_ns, &it->second), newer);
  }
  v1::ListLoadTestsResponse response;
  for (; from != order.end() && response.load_tests_size() < size; ++from) {
    v1::LoadTest& test = *response.add_load_tests();
    test = Shown(from->second->resource);
    // A page of large bodies would be larger than what gRPC clients take.
    test.mutable_spec()->mutable_request()->clear_body();
  }
  if (from != order.end())
    response.set_next_page_token(response.load_tests(response.load_tests_size() - 1).name());
  return response;
}

absl::StatusOr<v1::ListDriversResponse> OrchestratorCore::ListDrivers(
    Moment now, const v1::ListDriversRequest& request) const {
  ASSIGN_OR_RETURN(const int size, PageSize(request.page_size(), kLargestPage));
  v1::ListDriversResponse response;
  for (const KnownDriver* known : registry_.Listed(now)) {
    const std::string& id = known->heartbeat.driver_id();
    if (!request.page_token().empty() && id <= request.page_token()) continue;
    if (response.drivers_size() == size) {
      response.set_next_page_token(
          response.drivers(size - 1).name().substr(std::string_view("drivers/").size()));
      break;
    }
    v1::Driver& driver = *response.add_drivers();
    driver.set_name("drivers/" + id);
    driver.set_incarnation(known->heartbeat.incarnation());
    driver.set_ip_address(known->registration.ip_address());
    driver.set_host_name(known->registration.host_name());
    driver.set_version(known->registration.version());
    driver.set_state(registry_.IsLost(now, *known) ? v1::Driver::LOST
                                                   : ToDriverState(known->heartbeat.state()));
    if (!known->heartbeat.test_id().empty())
      driver.set_load_test("loadTests/" + known->heartbeat.test_id());
    *driver.mutable_register_time() = ToTimestamp(known->registration.incarnation());
    *driver.mutable_last_heartbeat_time() = ToTimestamp(known->last_seen.wall.ns);
    driver.set_cpu_cores(known->heartbeat.cpu_cores());
    *driver.mutable_labels() = known->registration.labels();
    driver.set_reports_waiting(known->heartbeat.reports_waiting());
    if (const std::optional<ClockEstimate::Offset> clock = known->clock.Get()) {
      driver.set_clock_offset_ns(clock->offset_ns);
      driver.set_clock_error_ns(clock->error_ns);
    }
  }
  return response;
}

std::unique_ptr<v1::Report> OrchestratorCore::BuildReport(std::string_view id) const {
  const auto it = tests_.find(id);
  if (it == tests_.end()) return nullptr;
  const Test& test = it->second;
  if (test.merger == nullptr && IsEnded(test.resource.state()) && test.events.empty())
    return nullptr;
  auto report = std::make_unique<v1::Report>();
  FillReport(test.resource, test.merger.get(), test.stop_ordered, *report);
  for (const v1::Event& event : test.events) *report->add_events() = event;
  FillManifest(options_.version, options_.bus, test.registrations, test.manifests, *report);
  return report;
}

v1::LoadTestUpdate OrchestratorCore::BuildUpdate(Moment now, std::string_view id) const {
  v1::LoadTestUpdate update;
  const auto it = tests_.find(id);
  if (it == tests_.end()) return update;
  const Test& test = it->second;
  FillUpdate(now, test.resource, test.merger.get(), test.stop_ordered, registry_, update);
  return update;
}

std::vector<v1::Event> OrchestratorCore::EventsFrom(std::string_view id, size_t from) const {
  const auto it = tests_.find(id);
  if (it == tests_.end() || from >= it->second.events.size()) return {};
  return {it->second.events.begin() + static_cast<int64_t>(from), it->second.events.end()};
}

std::map<std::string, v1::LoadTest::State, std::less<>> OrchestratorCore::States() const {
  std::map<std::string, v1::LoadTest::State, std::less<>> states;
  for (const auto& [id, test] : tests_) states[id] = test.resource.state();
  return states;
}

}  // namespace loadtest
