// What is decided when, by a broker in memory.
#include "server/shell/decision_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/bus/memory_bus.h"

namespace loadtest {
namespace {

class DecisionQueueTest : public testing::Test {
 protected:
  DecisionQueueTest() {
    EXPECT_TRUE(bus_.EnsureTopics({}).ok());
    EXPECT_TRUE(bus_.Assign({{{Topic::kTrigger, 0}, 0}}).ok());
    core_.BecomeWriter(5);
    TakeOver(5);
    ApplyAllRead();
  }

  static Moment Now() { return {{1'000'000'000}, {1'700'000'000'000'000'000}}; }

  void TakeOver(int64_t incarnation) {
    v1::Trigger trigger;
    trigger.set_writer(incarnation);
    trigger.mutable_alive()->set_incarnation(incarnation);
    trigger.mutable_alive()->set_kind(v1::OrchestratorAlive::TAKEOVER);
    MemoryBus other(broker_);
    ASSERT_TRUE(
        other.Publish(Topic::kTrigger, "orchestrator", "Trigger", trigger.SerializeAsString())
            .ok());
  }

  void Create(const std::string& id) {
    CreateRequest create;
    create.request.set_load_test_id(id);
    create.request.mutable_spec()->mutable_request()->set_url("http://127.0.0.1/");
    create.request.mutable_spec()->mutable_avalanche();
    create.request.mutable_spec()->set_requests_per_driver(1);
    queue_.Submit(Now(), create, [this, id](const absl::Status& status) {
      answers_.push_back(id + ": " + std::string(absl::StatusCodeToString(status.code())));
    });
  }

  // As the core thread does with what one poll gave.
  std::vector<std::string> ApplyAllRead() {
    std::vector<std::string> created;
    for (const Record& record : bus_.Poll(std::chrono::milliseconds(0)).records) {
      for (const Notice& notice : core_.Apply(Now(), record)) {
        if (notice.kind == Notice::Kind::kFenced)
          queue_.Fence(absl::UnavailableError("replaced by " + notice.text));
      }
      v1::Trigger trigger;
      EXPECT_TRUE(trigger.ParseFromString(record.value));
      queue_.OnApplied(trigger);
      if (trigger.has_created()) created.push_back(trigger.test_id());
    }
    return created;
  }

  MemoryBroker broker_;
  MemoryBus bus_{broker_};
  OrchestratorCore core_{CoreOptions(), Now()};
  DecisionQueue queue_{core_, bus_};
  std::vector<std::string> answers_;
};

TEST_F(DecisionQueueTest, DecidesTheNextRequestWhenTheOneBeforeHasComeBack) {
  Create("t1");
  Create("t2");
  queue_.PumpIfDue(Now());
  EXPECT_EQ(ApplyAllRead(), std::vector<std::string>{"t1"});
  queue_.PumpIfDue(Now());
  EXPECT_EQ(ApplyAllRead(), std::vector<std::string>{"t2"});
  EXPECT_EQ(answers_, (std::vector<std::string>{"t1: OK", "t2: OK"}));
}

// An orchestrator that was frozen finds what it decided before, and that it has been replaced, in
// one batch.
TEST_F(DecisionQueueTest, DecidesNothingBeforeAllThatWasReadIsApplied) {
  Create("t1");
  Create("t2");
  queue_.PumpIfDue(Now());
  TakeOver(7);
  EXPECT_EQ(ApplyAllRead(), std::vector<std::string>{"t1"});
  queue_.PumpIfDue(Now());
  queue_.Pump(Now());
  EXPECT_TRUE(ApplyAllRead().empty());
  EXPECT_EQ(answers_, (std::vector<std::string>{"t1: OK", "t2: UNAVAILABLE"}));
}

}  // namespace
}  // namespace loadtest
