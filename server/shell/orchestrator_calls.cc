// The answers to the doors: each call is posted to the core thread and replies from there, or from
// the thread that reads the store for it.
#include <random>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/spec/load_test_spec.h"
#include "server/core/shown.h"
#include "server/shell/orchestrator.h"

namespace loadtest {
namespace {

// "t261123-093000-k3f9": sorts by time, can be typed, and two in a second do not meet.
std::string FreshId(WallTime now) {
  const time_t seconds = now.ns / kNanosPerSecond;
  tm utc;
  gmtime_r(&seconds, &utc);
  std::random_device random;
  constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";
  std::string tail;
  for (int i = 0; i < 4; ++i) tail += kLetters[random() % kLetters.size()];
  return absl::StrFormat("t%02d%02d%02d-%02d%02d%02d-%s", utc.tm_year % 100, utc.tm_mon + 1,
                         utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, tail);
}

}  // namespace

template <typename T>
void Orchestrator::Post(Reply<T> reply, std::function<void(Reply<T>)> call) {
  Input input = Call([reply, call = std::move(call)] { call(reply); });
  if (!inputs_.TryPush(std::move(input)))
    reply(absl::UnavailableError("the orchestrator is stopping, or has too much to do; try again"));
}

void Orchestrator::CreateLoadTest(v1::CreateLoadTestRequest request, Reply<v1::LoadTest> reply) {
  Post<v1::LoadTest>(
      std::move(reply), [this, request = std::move(request)](const Reply<v1::LoadTest>& answer) {
        const Moment now = Now();
        CreateRequest create{request, FreshId(now.wall)};
        const std::string id =
            request.load_test_id().empty() ? create.fresh_id : request.load_test_id();
        if (request.validate_only()) {
          const auto decisions = core_.Decide(now, create);
          if (!decisions.ok()) return answer(decisions.status());
          v1::LoadTest checked;
          *checked.mutable_spec() = *ValidateSpec(request.spec());
          HideSecrets(*checked.mutable_spec());
          return answer(std::move(checked));
        }
        // Stopping and deleting go on: they are how to mend it.
        if (!store_.status().ok()) return answer(store_.status());
        decisions_.Submit(
            now, std::move(create),
            [this, id, request_id = request.request_id(), answer](const absl::Status& status) {
              if (!status.ok()) return answer(status);
              const v1::LoadTest* test =
                  request_id.empty() ? core_.FindTest(id) : core_.FindByRequestId(request_id);
              if (test == nullptr)
                return answer(absl::AbortedError("the load test was deleted as it was made"));
              answer(Shown(*test));
            });
      });
}

void Orchestrator::GetLoadTest(v1::GetLoadTestRequest request, Reply<v1::LoadTest> reply) {
  Post<v1::LoadTest>(
      std::move(reply), [this, request = std::move(request)](const Reply<v1::LoadTest>& answer) {
        const absl::StatusOr<std::string> id = LoadTestIdOfName(request.name(), "name");
        if (!id.ok()) return answer(id.status());
        const v1::LoadTest* test = core_.FindTest(*id);
        if (test == nullptr) return answer(LoadTestNotFound(*id));
        answer(Shown(*test));
      });
}

void Orchestrator::ListLoadTests(v1::ListLoadTestsRequest request,
                                 Reply<v1::ListLoadTestsResponse> reply) {
  Post<v1::ListLoadTestsResponse>(
      std::move(reply),
      [this, request = std::move(request)](const Reply<v1::ListLoadTestsResponse>& answer) {
        answer(core_.List(request));
      });
}

void Orchestrator::StopLoadTest(v1::StopLoadTestRequest request, Reply<v1::LoadTest> reply) {
  Post<v1::LoadTest>(
      std::move(reply), [this, request = std::move(request)](const Reply<v1::LoadTest>& answer) {
        const absl::StatusOr<std::string> id = LoadTestIdOfName(request.name(), "name");
        if (!id.ok()) return answer(id.status());
        decisions_.Submit(Now(), StopRequest{*id, request.reason()},
                          [this, id = *id, answer](const absl::Status& status) {
                            if (!status.ok()) return answer(status);
                            const v1::LoadTest* test = core_.FindTest(id);
                            if (test == nullptr) return answer(LoadTestNotFound(id));
                            answer(Shown(*test));
                          });
      });
}

void Orchestrator::DeleteLoadTest(v1::DeleteLoadTestRequest request,
                                  Reply<google::protobuf::Empty> reply) {
  Post<google::protobuf::Empty>(
      std::move(reply),
      [this, request = std::move(request)](const Reply<google::protobuf::Empty>& answer) {
        const absl::StatusOr<std::string> id = LoadTestIdOfName(request.name(), "name");
        if (!id.ok()) return answer(id.status());
        decisions_.Submit(Now(), DeleteRequest{*id}, [answer](const absl::Status& status) {
          if (!status.ok()) return answer(status);
          answer(google::protobuf::Empty());
        });
      });
}

void Orchestrator::UpdateLoadTest(v1::UpdateLoadTestRequest request, Reply<v1::LoadTest> reply) {
  Post<v1::LoadTest>(
      std::move(reply), [this, request = std::move(request)](const Reply<v1::LoadTest>& answer) {
        const absl::StatusOr<std::string> id =
            LoadTestIdOfName(request.load_test().name(), "load_test.name");
        if (!id.ok()) return answer(id.status());
        for (const std::string& path : request.update_mask().paths()) {
          if (path == "note") continue;
          return answer(absl::InvalidArgumentError(absl::StrFormat(
              "update_mask: got \"%.80s\", want note: nothing else of a load test can be changed",
              path)));
        }
        decisions_.Submit(Now(), NoteRequest{*id, request.load_test().note()},
                          [this, id = *id, answer](const absl::Status& status) {
                            if (!status.ok()) return answer(status);
                            const v1::LoadTest* test = core_.FindTest(id);
                            if (test == nullptr) return answer(LoadTestNotFound(id));
                            answer(Shown(*test));
                          });
      });
}

void Orchestrator::GetReport(v1::GetReportRequest request, Reply<v1::Report> reply) {
  Post<v1::Report>(
      std::move(reply), [this, request = std::move(request)](const Reply<v1::Report>& answer) {
        const absl::StatusOr<std::string> id = LoadTestIdOfName(request.name(), "name");
        if (!id.ok()) return answer(id.status());
        absl::StatusOr<SliceRequest> slice = ParseSlice(request);
        if (!slice.ok()) return answer(slice.status());
        AnswerReport(*id, *std::move(slice), answer);
      });
}

void Orchestrator::ListDrivers(v1::ListDriversRequest request,
                               Reply<v1::ListDriversResponse> reply) {
  Post<v1::ListDriversResponse>(
      std::move(reply),
      [this, request = std::move(request)](const Reply<v1::ListDriversResponse>& answer) {
        answer(core_.ListDrivers(Now(), request));
      });
}

void Orchestrator::GetStats(Reply<ControlPlaneStats> reply) {
  Post<ControlPlaneStats>(std::move(reply),
                          [this](const Reply<ControlPlaneStats>& answer) { answer(Stats()); });
}

ControlPlaneStats Orchestrator::Stats() {
  ControlPlaneStats stats = stats_;
  stats.bus = bus_.description();
  stats.bus_connected = bus_.connected();
  stats.store_writable = store_.status().ok();
  const Moment now = Now();
  for (const KnownDriver* driver : core_.drivers().Listed(now)) {
    ++(core_.drivers().IsLost(now, *driver) ? stats.drivers_lost : stats.drivers_live);
  }
  for (const auto& [id, state] : core_.States()) ++stats.tests_by_state[state];
  const v1::RequestCounts& counts = core_.counted();
  stats.requests_sent = counts.sent();
  stats.requests_completed = counts.completed();
  stats.requests_failed = counts.failed();
  stats.requests_dropped = counts.dropped();
  stats.response_time = core_.counted_response_time();
  stats.service_time = core_.counted_service_time();
  stats.send_delay = core_.counted_send_delay();
  stats.reports_held = static_cast<int64_t>(core_.held().count());
  stats.held_reports_dropped = core_.held().dropped();
  stats.start_ns = start_ns_;
  stats.own_drivers = options_.core.expected_drivers;
  return stats;
}

}  // namespace loadtest
