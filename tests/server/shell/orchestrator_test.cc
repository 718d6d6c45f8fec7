// The shell over the bus in memory and a real store: what the doors see, and that a new
// orchestrator goes on where the old one was.
#include "server/shell/orchestrator.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include "common/bus/memory_bus.h"
#include "tests/server/core/fake_measurements.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;

class OrchestratorTest : public testing::Test {
 protected:
  OrchestratorTest()
      : dir_(std::filesystem::path(testing::TempDir()) /
             ("orchestrator_test_" +
              std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    std::filesystem::remove_all(dir_);
    StartOrchestrator();
  }
  ~OrchestratorTest() override {
    orchestrator_.reset();
    std::filesystem::remove_all(dir_);
  }

  void StartOrchestrator() {
    orchestrator_.reset();
    bus_ = std::make_unique<MemoryBus>(broker_);
    auto started = StartOn(*bus_, dir_);
    ASSERT_TRUE(started.ok()) << started.status();
    orchestrator_ = *std::move(started);
    driver_bus_ = std::make_unique<MemoryBus>(broker_);
  }

  absl::StatusOr<std::unique_ptr<Orchestrator>> StartOn(MemoryBus& bus,
                                                        const std::filesystem::path& dir) {
    auto store = Store::Open(dir);
    if (!store.ok()) return store.status();
    Orchestrator::Options options;
    options.core.start_lead_ns = 10 * kNanosPerMilli;
    options.is_gone = [](const v1::OrchestratorAlive&) { return false; };
    options.claim_wait_ns = claim_wait_ns_;
    return Orchestrator::Start(options, bus, *std::move(store), clock_, log_);
  }

  // A sign of life as another process would write it.
  void Sign(int64_t incarnation, v1::OrchestratorAlive::Kind kind) {
    v1::Trigger trigger;
    trigger.set_writer(incarnation);
    trigger.mutable_alive()->set_incarnation(incarnation);
    trigger.mutable_alive()->set_kind(kind);
    trigger.mutable_alive()->set_host_name("elsewhere");
    trigger.mutable_alive()->set_pid(4711);
    ASSERT_TRUE(
        driver_bus_
            ->Publish(Topic::kTrigger, "orchestrator", "Trigger", trigger.SerializeAsString())
            .ok());
  }

  // Waits for the answer of one call.
  template <typename T, typename Request>
  absl::StatusOr<T> Ask(void (Orchestrator::*call)(Request, Reply<T>), Request request) {
    std::promise<absl::StatusOr<T>> promise;
    auto answer = promise.get_future();
    ((*orchestrator_).*call)(std::move(request), [&promise](absl::StatusOr<T> reply) {
      promise.set_value(std::move(reply));
    });
    return answer.get();
  }

  absl::StatusOr<v1::LoadTest> Create(const std::string& id, const std::string& request_id = "") {
    v1::CreateLoadTestRequest request;
    request.set_load_test_id(id);
    request.set_request_id(request_id);
    request.mutable_spec()->mutable_request()->set_url("http://127.0.0.1/");
    request.mutable_spec()->mutable_avalanche();
    request.mutable_spec()->set_requests_per_driver(10);
    return Ask(&Orchestrator::CreateLoadTest, request);
  }

  absl::StatusOr<v1::LoadTest> Get(const std::string& id) {
    v1::GetLoadTestRequest request;
    request.set_name("loadTests/" + id);
    return Ask(&Orchestrator::GetLoadTest, request);
  }

  // Polls until the test is in `state`, at most a minute.
  void AwaitState(const std::string& id, v1::LoadTest::State state) {
    for (int i = 0; i < 6'000; ++i) {
      const auto test = Get(id);
      if (test.ok() && test->state() == state) return;
      std::this_thread::sleep_for(milliseconds(10));
    }
    FAIL() << id << " is not " << v1::LoadTest::State_Name(state);
  }

  void Register(const std::string& id) {
    v1::DriverRegistration m;
    m.set_driver_id(id);
    m.set_incarnation(1);
    m.set_protocol_version(1);
    ASSERT_TRUE(
        driver_bus_->Publish(Topic::kRegister, id, "DriverRegistration", m.SerializeAsString())
            .ok());
    Heartbeat(id, v1::DriverHeartbeat::IDLE, "");
  }

  // t1, of a and b: a has sent 10 requests and is done; b has sent 6, and was told to end before its
  // last report came.
  void RunTestOfTwoThatLacksAReport() {
    Register("a");
    Register("b");
    v1::CreateLoadTestRequest request;
    request.set_load_test_id("t1");
    request.mutable_spec()->mutable_request()->set_url("http://127.0.0.1/");
    request.mutable_spec()->mutable_avalanche();
    request.mutable_spec()->set_requests_per_driver(10);
    request.mutable_spec()->set_drivers(2);
    ASSERT_TRUE(Ask(&Orchestrator::CreateLoadTest, request).ok());
    AwaitState("t1", v1::LoadTest::STARTING);
    Report("a", "t1", 1, 10, true);
    Report("b", "t1", 1, 6, false);
    Heartbeat("b", v1::DriverHeartbeat::LEAVING, "");
    AwaitState("t1", v1::LoadTest::SUCCEEDED);
  }

  void Heartbeat(const std::string& id, v1::DriverHeartbeat::State state, const std::string& test) {
    v1::DriverHeartbeat m;
    m.set_driver_id(id);
    m.set_incarnation(1);
    m.set_sequence(++heartbeats_);
    m.set_state(state);
    m.set_test_id(test);
    ASSERT_TRUE(
        driver_bus_->Publish(Topic::kHeartbeat, id, "DriverHeartbeat", m.SerializeAsString()).ok());
  }

  void Report(const std::string& id, const std::string& test, int64_t sequence, int sent,
              bool final) {
    v1::MetricsReport m;
    m.set_driver_id(id);
    m.set_incarnation(1);
    m.set_test_id(test);
    m.set_sequence(sequence);
    m.set_end_offset_ns(sequence * kNanosPerSecond);
    m.set_has_sent(true);
    m.set_final(final);
    if (final) m.set_end_reason(v1::MetricsReport::PLAN_DONE);
    *m.mutable_measurements() = FakeMeasurements({.sent = sent, .completed = sent});
    ASSERT_TRUE(
        driver_bus_->Publish(Topic::kMetrics, id, "MetricsReport", m.SerializeAsString()).ok());
  }

  int64_t Sent(const std::string& id) {
    v1::GetReportRequest request;
    request.set_name("loadTests/" + id);
    const auto report = Ask(&Orchestrator::GetReport, request);
    return report.ok() ? report->totals().counts().sent() : -1;
  }

  const std::filesystem::path dir_;
  int64_t claim_wait_ns_ = 60 * kNanosPerSecond;
  SystemClock clock_;
  const Logger log_{"orchestrator_test"};
  MemoryBroker broker_;
  std::unique_ptr<MemoryBus> bus_;
  std::unique_ptr<MemoryBus> driver_bus_;
  std::unique_ptr<Orchestrator> orchestrator_;
  int64_t heartbeats_ = 0;
};

TEST_F(OrchestratorTest, NoAnswerShowsAClientsKey) {
  v1::CreateLoadTestRequest request;
  request.set_load_test_id("t1");
  v1::LoadTestSpec& spec = *request.mutable_spec();
  spec.mutable_request()->set_url("https://127.0.0.1/");
  spec.mutable_avalanche();
  spec.mutable_tls()->set_client_certificate("-----BEGIN CERTIFICATE-----");
  spec.mutable_tls()->set_client_key("-----BEGIN PRIVATE KEY-----");
  request.set_validate_only(true);
  const auto checked = Ask(&Orchestrator::CreateLoadTest, request);
  request.set_validate_only(false);
  const auto created = Ask(&Orchestrator::CreateLoadTest, request);
  const auto got = Get("t1");
  v1::StopLoadTestRequest stop;
  stop.set_name("loadTests/t1");
  const auto stopped = Ask(&Orchestrator::StopLoadTest, stop);
  for (const auto* answer : {&checked, &created, &got, &stopped}) {
    ASSERT_TRUE(answer->ok()) << answer->status();
    EXPECT_EQ((*answer)->spec().tls().client_key(), "(not shown)");
  }
}

TEST_F(OrchestratorTest, RunsATestFromCreationToReport) {
  Register("a");
  const auto created = Create("t1");
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->name(), "loadTests/t1");
  AwaitState("t1", v1::LoadTest::STARTING);
  Heartbeat("a", v1::DriverHeartbeat::RUNNING, "t1");
  AwaitState("t1", v1::LoadTest::RUNNING);
  Report("a", "t1", 1, 6, false);
  Report("a", "t1", 2, 4, true);
  AwaitState("t1", v1::LoadTest::SUCCEEDED);
  EXPECT_EQ(Sent("t1"), 10);
}

TEST_F(OrchestratorTest, ANewOrchestratorGoesOnWithTheRunningTest) {
  Register("a");
  ASSERT_TRUE(Create("t1").ok());
  AwaitState("t1", v1::LoadTest::STARTING);
  Heartbeat("a", v1::DriverHeartbeat::RUNNING, "t1");
  Report("a", "t1", 1, 6, false);
  while (Sent("t1") != 6) std::this_thread::sleep_for(milliseconds(5));
  orchestrator_.reset();
  // Written while no orchestrator is there.
  Report("a", "t1", 2, 4, false);
  StartOrchestrator();
  Heartbeat("a", v1::DriverHeartbeat::RUNNING, "t1");
  Report("a", "t1", 3, 1, true);
  AwaitState("t1", v1::LoadTest::SUCCEEDED);
  EXPECT_EQ(Sent("t1"), 11);
}

TEST_F(OrchestratorTest, ANewOrchestratorRebuildsARunningTestFromTheTopicsAlone) {
  Register("a");
  ASSERT_TRUE(Create("t1").ok());
  AwaitState("t1", v1::LoadTest::STARTING);
  Report("a", "t1", 1, 6, false);
  while (Sent("t1") != 6) std::this_thread::sleep_for(milliseconds(5));
  orchestrator_.reset();
  std::filesystem::remove_all(dir_);
  StartOrchestrator();
  Heartbeat("a", v1::DriverHeartbeat::RUNNING, "t1");
  Report("a", "t1", 2, 4, true);
  AwaitState("t1", v1::LoadTest::SUCCEEDED);
  EXPECT_EQ(Sent("t1"), 10);
}

TEST_F(OrchestratorTest, ServesTheHistoryAfterARestart) {
  Register("a");
  ASSERT_TRUE(Create("t1", "request-1").ok());
  AwaitState("t1", v1::LoadTest::STARTING);
  Report("a", "t1", 1, 10, true);
  AwaitState("t1", v1::LoadTest::SUCCEEDED);
  StartOrchestrator();
  EXPECT_EQ(Get("t1")->state(), v1::LoadTest::SUCCEEDED);
  EXPECT_EQ(Sent("t1"), 10);
  EXPECT_EQ(Create("", "request-1")->name(), "loadTests/t1")
      << "a retry must find the test after a restart too";
}

TEST_F(OrchestratorTest, DoesNotGiveTheIdOfADeletedTestAgainAlsoAfterARestart) {
  ASSERT_TRUE(Create("t1").ok());
  v1::StopLoadTestRequest stop;
  stop.set_name("loadTests/t1");
  ASSERT_TRUE(Ask(&Orchestrator::StopLoadTest, stop).ok());
  AwaitState("t1", v1::LoadTest::STOPPED);
  v1::DeleteLoadTestRequest erase;
  erase.set_name("loadTests/t1");
  ASSERT_TRUE(Ask(&Orchestrator::DeleteLoadTest, erase).ok());
  EXPECT_EQ(Create("t1").status().code(), absl::StatusCode::kAlreadyExists);
  StartOrchestrator();
  EXPECT_EQ(Create("t1").status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Create("t2").ok());
}

TEST_F(OrchestratorTest, CountsALateReportOfATestThatEndedBeforeTheRestart) {
  RunTestOfTwoThatLacksAReport();
  EXPECT_EQ(Sent("t1"), 16);
  orchestrator_.reset();
  Report("b", "t1", 2, 4, true);
  StartOrchestrator();
  for (int i = 0; i < 6'000 && Sent("t1") != 20; ++i) std::this_thread::sleep_for(milliseconds(10));
  v1::GetReportRequest get;
  get.set_name("loadTests/t1");
  const auto report = Ask(&Orchestrator::GetReport, get);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->totals().counts().sent(), 20);
  EXPECT_EQ(report->verdict().level(), v1::Verdict::VALID);
  EXPECT_EQ(report->events(0).type(), "created") << "what is not in the records is kept";
}

TEST_F(OrchestratorTest, RebuildsEndedTestsFromTheTopicsAlone) {
  Register("a");
  for (int i = 0; i < 12; ++i) {
    const std::string id = "t" + std::to_string(i);
    ASSERT_TRUE(Create(id).ok());
    AwaitState(id, v1::LoadTest::STARTING);
    Report("a", id, 1, 6, false);
    Report("a", id, 2, i, true);
    AwaitState(id, v1::LoadTest::SUCCEEDED);
  }
  orchestrator_.reset();
  std::filesystem::remove_all(dir_);
  StartOrchestrator();
  for (int i = 0; i < 12; ++i) {
    const std::string id = "t" + std::to_string(i);
    for (int k = 0; k < 6'000 && Sent(id) != 6 + i; ++k)
      std::this_thread::sleep_for(milliseconds(10));
    EXPECT_EQ(Get(id)->state(), v1::LoadTest::SUCCEEDED);
    EXPECT_EQ(Sent(id), 6 + i);
  }
}

TEST_F(OrchestratorTest, RefusesToStartBesideAnother) {
  MemoryBus other(broker_);
  const std::filesystem::path dir = dir_.string() + "_other";
  const auto second = StartOn(other, dir);
  std::filesystem::remove_all(dir);
  ASSERT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition) << second.status();
  EXPECT_NE(second.status().message().find(std::to_string(getpid())), std::string::npos)
      << second.status();
  EXPECT_FALSE(orchestrator_->fenced());
  EXPECT_TRUE(Create("t1").ok()) << "the first one goes on";
}

TEST_F(OrchestratorTest, TakesOverFromOneThatDoesNotAnswer) {
  Sign(clock_.WallNow().ns + 3'600 * kNanosPerSecond, v1::OrchestratorAlive::TAKEOVER);
  while (!orchestrator_->fenced()) std::this_thread::sleep_for(milliseconds(5));
  claim_wait_ns_ = 50 * kNanosPerMilli;
  StartOrchestrator();
  EXPECT_TRUE(Create("t1").ok()) << "its life is later than that of the one with the fast clock";
}

TEST_F(OrchestratorTest, DecidesNothingMoreOnceAnotherHasTakenOver) {
  ASSERT_TRUE(Create("t1").ok());
  Sign(clock_.WallNow().ns + kNanosPerSecond, v1::OrchestratorAlive::TAKEOVER);
  while (!orchestrator_->fenced()) std::this_thread::sleep_for(milliseconds(5));
  const auto refused = Create("t2");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(refused.status().message().find("4711"), std::string::npos) << refused.status();
  EXPECT_TRUE(Get("t1").ok()) << "reading is still possible";
}

TEST_F(OrchestratorTest, NeedsNoWaitAfterAnOrderlyEnd) {
  StartOrchestrator();
  EXPECT_TRUE(Create("t1").ok());
}

TEST_F(OrchestratorTest, TellsAWatcherEveryStateAndTheEnd) {
  Register("a");
  ASSERT_TRUE(Create("t1").ok());
  std::promise<absl::Status> ended;
  std::mutex mutex;
  std::vector<v1::LoadTest::State> states;
  v1::WatchLoadTestRequest request;
  request.set_name("loadTests/t1");
  orchestrator_->Watch(request,
                       {.on_update =
                            [&](std::shared_ptr<const v1::LoadTestUpdate> update) {
                              std::lock_guard lock(mutex);
                              states.push_back(update->load_test().state());
                            },
                        .on_end = [&](const absl::Status& status) { ended.set_value(status); }});
  AwaitState("t1", v1::LoadTest::STARTING);
  Report("a", "t1", 1, 10, true);
  EXPECT_TRUE(ended.get_future().get().ok());
  std::lock_guard lock(mutex);
  EXPECT_EQ(states.back(), v1::LoadTest::SUCCEEDED);
}

TEST_F(OrchestratorTest, EndsAWatchOfAnUnknownTestWithNotFound) {
  std::promise<absl::Status> ended;
  v1::WatchLoadTestRequest request;
  request.set_name("loadTests/nobody");
  orchestrator_->Watch(request,
                       {.on_update = [](auto) {},
                        .on_end = [&](const absl::Status& status) { ended.set_value(status); }});
  EXPECT_EQ(ended.get_future().get().code(), absl::StatusCode::kNotFound);
}

TEST_F(OrchestratorTest, AnswersUnavailableWhileTheBrokerIsAwayAndGoesOnAfterwards) {
  broker_.SetConnected(false);
  EXPECT_EQ(Create("t1").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Get("t1").status().code() == absl::StatusCode::kNotFound)
      << "reading needs no broker";
  broker_.SetConnected(true);
  EXPECT_TRUE(Create("t2").ok());
}

// Holds up whoever calls its answers until Release.
class SlowCaller {
 public:
  Reply<v1::Report> Answer() {
    return [this](absl::StatusOr<v1::Report> report) {
      released_.wait();
      std::lock_guard lock(mutex_);
      answers_.push_back(std::move(report));
      changed_.notify_all();
    };
  }
  void Release() { release_.set_value(); }
  // The answers in their order, once there are so many.
  std::vector<absl::StatusOr<v1::Report>> Await(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return answers_.size() >= count; });
    return answers_;
  }

 private:
  std::promise<void> release_;
  const std::shared_future<void> released_ = release_.get_future().share();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<absl::StatusOr<v1::Report>> answers_;
};

TEST_F(OrchestratorTest, GoesOnWhileAPartOfATestIsMade) {
  Register("a");
  ASSERT_TRUE(Create("t1").ok());
  AwaitState("t1", v1::LoadTest::STARTING);
  Report("a", "t1", 1, 6, false);
  Report("a", "t1", 2, 4, true);
  AwaitState("t1", v1::LoadTest::SUCCEEDED);
  v1::GetReportRequest part;
  part.set_name("loadTests/t1");
  part.mutable_to()->set_seconds(1);
  SlowCaller slow;
  orchestrator_->GetReport(part, slow.Answer());
  std::promise<absl::StatusOr<v1::LoadTest>> got;
  auto answer = got.get_future();
  v1::GetLoadTestRequest get;
  get.set_name("loadTests/t1");
  orchestrator_->GetLoadTest(
      get, [&got](absl::StatusOr<v1::LoadTest> test) { got.set_value(std::move(test)); });
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  slow.Release();
  const auto parts = slow.Await(1);
  ASSERT_TRUE(parts[0].ok()) << parts[0].status();
  EXPECT_EQ(parts[0]->totals().counts().sent(), 6);
}

TEST_F(OrchestratorTest, OnlySoManyPartsOfTestsAreMadeAtOnce) {
  Register("a");
  ASSERT_TRUE(Create("t1").ok());
  AwaitState("t1", v1::LoadTest::STARTING);
  Report("a", "t1", 1, 10, true);
  AwaitState("t1", v1::LoadTest::SUCCEEDED);
  v1::GetReportRequest part;
  part.set_name("loadTests/t1");
  part.mutable_to()->set_seconds(1);
  SlowCaller slow;
  orchestrator_->GetReport(part, slow.Answer());
  // One may be under way, and eight wait.
  SlowCaller prompt;
  prompt.Release();
  for (int i = 0; i < 10; ++i) orchestrator_->GetReport(part, prompt.Answer());
  EXPECT_EQ(prompt.Await(1)[0].status(),
            absl::ResourceExhaustedError(
                "too many parts of tests are being made; try again when these are there"));
  // Whole reports do not wait for them.
  EXPECT_EQ(Sent("t1"), 10);
  slow.Release();
  slow.Await(1);
  EXPECT_TRUE(prompt.Await(10).back().ok()) << prompt.Await(10).back().status();
}

TEST_F(OrchestratorTest, GoesOnWhileAnOldReportIsRead) {
  Register("a");
  ASSERT_TRUE(Create("t1").ok());
  AwaitState("t1", v1::LoadTest::STARTING);
  Report("a", "t1", 1, 10, true);
  AwaitState("t1", v1::LoadTest::SUCCEEDED);
  StartOrchestrator();  // it has it in the store only
  v1::GetReportRequest request;
  request.set_name("loadTests/t1");
  SlowCaller slow;
  orchestrator_->GetReport(request, slow.Answer());
  std::promise<void> got;
  auto answer = got.get_future();
  orchestrator_->GetStats([&got](const absl::StatusOr<ControlPlaneStats>&) { got.set_value(); });
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  slow.Release();
  EXPECT_EQ(slow.Await(1)[0]->totals().counts().sent(), 10);
}

// A test of a and b, of which b has not sent its last report, and which the core has forgotten.
class LateReportTest : public OrchestratorTest {
 protected:
  LateReportTest() {
    RunTestOfTwoThatLacksAReport();
    StartOrchestrator();
    // The reader of parts is held up.
    v1::GetReportRequest part;
    part.set_name("loadTests/t1");
    part.mutable_to()->set_seconds(1);
    orchestrator_->GetReport(part, slow_.Answer());
    // The report is read, and waits.
    Report("b", "t1", 2, 4, true);
    const auto reports_read = [&] {
      std::promise<int64_t> read;
      orchestrator_->GetStats([&read](const absl::StatusOr<ControlPlaneStats>& stats) {
        read.set_value(stats->records_applied[static_cast<int>(Topic::kMetrics)]);
      });
      return read.get_future().get();
    };
    for (int i = 0; i < 6'000 && reports_read() == 0; ++i)
      std::this_thread::sleep_for(milliseconds(10));
  }

  SlowCaller slow_;
};

TEST_F(LateReportTest, WaitsForItsTestWhileEverythingGoesOn) {
  EXPECT_EQ(Sent("t1"), 16);
  EXPECT_TRUE(Create("t2").ok());
  slow_.Release();
  for (int i = 0; i < 6'000 && Sent("t1") != 20; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(Sent("t1"), 20);
  slow_.Await(1);
}

TEST_F(LateReportTest, IsReadAgainByTheNextOrchestratorWhenThisOneEndsBefore) {
  ASSERT_TRUE(Create("t2").ok());
  std::promise<void> ended;
  v1::WatchLoadTestRequest request;
  request.set_name("loadTests/t2");
  orchestrator_->Watch(
      request, {.on_update = [](auto) {}, .on_end = [&](const auto&) { ended.set_value(); }});
  std::thread end([this] { orchestrator_.reset(); });
  // All that was read has been written.
  ended.get_future().get();
  slow_.Release();
  end.join();
  slow_.Await(1);
  StartOrchestrator();
  for (int i = 0; i < 6'000 && Sent("t1") != 20; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(Sent("t1"), 20);
}

TEST_F(OrchestratorTest, AWatchOfATestThatEndedLongAgoHasItsNumbers) {
  Register("a");
  ASSERT_TRUE(Create("t1").ok());
  AwaitState("t1", v1::LoadTest::STARTING);
  Report("a", "t1", 1, 10, true);
  AwaitState("t1", v1::LoadTest::SUCCEEDED);
  StartOrchestrator();
  std::promise<absl::Status> ended;
  std::vector<std::shared_ptr<const v1::LoadTestUpdate>> updates;
  v1::WatchLoadTestRequest request;
  request.set_name("loadTests/t1");
  orchestrator_->Watch(request,
                       {.on_update = [&](auto update) { updates.push_back(std::move(update)); },
                        .on_end = [&](const absl::Status& status) { ended.set_value(status); }});
  EXPECT_TRUE(ended.get_future().get().ok());
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0]->totals().sent(), 10);
  EXPECT_EQ(updates[0]->progress(), 1);
}

TEST_F(OrchestratorTest, OnlyChecksWhenAskedTo) {
  v1::CreateLoadTestRequest request;
  request.set_validate_only(true);
  request.mutable_spec()->mutable_request()->set_url("http://127.0.0.1/");
  request.mutable_spec()->mutable_avalanche();
  const auto checked = Ask(&Orchestrator::CreateLoadTest, request);
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->name(), "");
  EXPECT_EQ(checked->spec().connections(), 50);
  EXPECT_EQ(Ask(&Orchestrator::ListLoadTests, v1::ListLoadTestsRequest())->load_tests_size(), 0);
  request.mutable_spec()->clear_request();
  EXPECT_EQ(Ask(&Orchestrator::CreateLoadTest, request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(OrchestratorTest, ListsTestsInPagesNewestFirst) {
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Create(id).ok());
  v1::ListLoadTestsRequest request;
  request.set_page_size(2);
  const auto first = Ask(&Orchestrator::ListLoadTests, request);
  ASSERT_EQ(first->load_tests_size(), 2);
  EXPECT_EQ(first->load_tests(0).name(), "loadTests/c");
  request.set_page_token(first->next_page_token());
  const auto second = Ask(&Orchestrator::ListLoadTests, request);
  ASSERT_EQ(second->load_tests_size(), 1);
  EXPECT_EQ(second->load_tests(0).name(), "loadTests/a");
  EXPECT_EQ(second->next_page_token(), "");
  request.set_page_token("bogus");
  EXPECT_EQ(Ask(&Orchestrator::ListLoadTests, request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace loadtest
