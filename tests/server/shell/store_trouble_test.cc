// The orchestrator when its store cannot be written, and when it is that of another Kafka.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <thread>

#include "common/bus/memory_bus.h"
#include "server/shell/orchestrator.h"
#include "tests/server/store/store_folder.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;

class StoreTroubleTest : public StoreFolderTest {
 protected:
  ~StoreTroubleTest() override { orchestrator_.reset(); }

  void Start(MemoryBroker& broker) {
    orchestrator_.reset();
    bus_ = std::make_unique<MemoryBus>(broker);
    auto store = Store::Open(dir_);
    ASSERT_TRUE(store.ok()) << store.status();
    auto started = Orchestrator::Start({}, *bus_, *std::move(store), clock_, log_);
    ASSERT_TRUE(started.ok()) << started.status();
    orchestrator_ = *std::move(started);
  }

  template <typename T, typename Request>
  absl::StatusOr<T> Ask(void (Orchestrator::*call)(Request, Reply<T>), Request request) {
    std::promise<absl::StatusOr<T>> promise;
    auto answer = promise.get_future();
    ((*orchestrator_).*call)(std::move(request), [&promise](absl::StatusOr<T> reply) {
      promise.set_value(std::move(reply));
    });
    return answer.get();
  }

  absl::StatusOr<v1::LoadTest> Create(const std::string& id) {
    v1::CreateLoadTestRequest request;
    request.set_load_test_id(id);
    request.mutable_spec()->mutable_request()->set_url("http://127.0.0.1/");
    request.mutable_spec()->mutable_avalanche();
    return Ask(&Orchestrator::CreateLoadTest, request);
  }
  absl::StatusOr<v1::LoadTest> Stop(const std::string& id) {
    v1::StopLoadTestRequest request;
    request.set_name("loadTests/" + id);
    return Ask(&Orchestrator::StopLoadTest, request);
  }
  std::vector<std::string> Tests() {
    std::vector<std::string> names;
    const auto response = Ask(&Orchestrator::ListLoadTests, v1::ListLoadTestsRequest());
    for (const v1::LoadTest& test : response->load_tests()) names.push_back(test.name());
    return names;
  }

  SystemClock clock_;
  const Logger log_{"store_trouble_test"};
  std::unique_ptr<MemoryBus> bus_;
  std::unique_ptr<Orchestrator> orchestrator_;
};

TEST_F(StoreTroubleTest, AStoreThatCannotBeWrittenIsNamedToWhoCreatesAndStoppingGoesOn) {
  MemoryBroker broker;
  Start(broker);
  ASSERT_TRUE(Create("before").ok());
  auto other = Database::Open(File());
  (*other)->WaitForLocks(5'000);
  ASSERT_TRUE((*other)->Execute("BEGIN IMMEDIATE").ok());
  // The next write fails; this one is made by something that is still accepted.
  ASSERT_TRUE(Stop("before").ok());
  absl::StatusOr<v1::LoadTest> created = absl::InternalError("not tried");
  for (int i = 0; i < 6'000; ++i) {
    created = Create("t" + std::to_string(i));
    if (!created.ok()) break;
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(created.status().message(),
            "the store cannot be written: loadtest.db: locked by another process; end it, or give "
            "another folder with --data");
  EXPECT_TRUE(Stop("t0").ok());
  const size_t tests = Tests().size();
  ASSERT_TRUE((*other)->Execute("ROLLBACK").ok());
  other->reset();
  for (int i = 0; i < 6'000 && !Create("after").ok(); ++i)
    std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(Tests().size(), tests + 1);
  orchestrator_.reset();
  auto store = Store::Open(dir_);
  EXPECT_EQ((*store)->Load()->tests.size(), tests + 1) << "what waited was written";
  orchestrator_.reset();  // before its broker
}

TEST_F(StoreTroubleTest, OffsetsOfAnotherKafkaAreNotApplied) {
  {
    MemoryBroker first({.id = "first"});
    Start(first);
    for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Create(id).ok());
    orchestrator_.reset();
  }
  MemoryBroker second({.id = "second"});
  {
    // As another orchestrator has left it: more records than the store has read of the first one.
    dir_ += "_other";
    Start(second);
    for (const char* id : {"d", "e", "f", "g", "h"}) ASSERT_TRUE(Create(id).ok());
    orchestrator_.reset();
    std::filesystem::remove_all(dir_);
    const std::string name = dir_.string();
    dir_ = name.substr(0, name.size() - std::string("_other").size());
  }
  Start(second);
  EXPECT_THAT(Tests(), testing::UnorderedElementsAre("loadTests/a", "loadTests/b", "loadTests/c",
                                                     "loadTests/d", "loadTests/e", "loadTests/f",
                                                     "loadTests/g", "loadTests/h"));
  orchestrator_.reset();  // before its broker
}

}  // namespace
}  // namespace loadtest
