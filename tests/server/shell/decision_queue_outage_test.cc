// What callers are answered while the broker is out of reach, by a manual clock.
#include "server/shell/decision_queue.h"

#include <gtest/gtest.h>

#include <optional>

#include "common/bus/memory_bus.h"

namespace loadtest {
namespace {

class DecisionQueueOutageTest : public testing::Test {
 protected:
  DecisionQueueOutageTest() : bus_(broker_), core_({}, At(0)), queue_(core_, bus_) {
    EXPECT_TRUE(bus_.EnsureTopics(std::chrono::milliseconds(0)).ok());
    Offsets from_begin;
    for (const Topic topic : kAllTopics) from_begin[{topic, 0}] = 0;
    EXPECT_TRUE(bus_.Assign(from_begin).ok());
    core_.BecomeWriter(1);
  }

  static Moment At(int64_t millis) {
    return {{millis * kNanosPerMilli}, {kNanosPerSecond + millis * kNanosPerMilli}};
  }

  void Create(int64_t millis, const std::string& id) {
    v1::CreateLoadTestRequest request;
    request.set_load_test_id(id);
    request.mutable_spec()->mutable_request()->set_url("http://127.0.0.1/");
    request.mutable_spec()->mutable_avalanche();
    answer_.reset();
    queue_.Submit(At(millis), CreateRequest{request, id},
                  [this](const absl::Status& status) { answer_ = status; });
  }

  // Applies what has been published.
  void ReadBack(int64_t millis) {
    for (const Record& record : bus_.Poll(std::chrono::milliseconds(0)).records) {
      core_.Apply(At(millis), record);
      v1::Trigger trigger;
      ASSERT_TRUE(trigger.ParseFromString(record.value));
      queue_.OnApplied(trigger);
    }
  }

  MemoryBroker broker_;
  MemoryBus bus_;
  OrchestratorCore core_;
  DecisionQueue queue_;
  std::optional<absl::Status> answer_;
};

TEST_F(DecisionQueueOutageTest, ARequestDuringAReconnectionIsServedAfterIt) {
  broker_.SetConnected(false);
  Create(0, "t1");
  queue_.Pump(At(500));
  EXPECT_FALSE(answer_.has_value()) << *answer_;
  broker_.SetConnected(true);
  queue_.Pump(At(520));
  ReadBack(530);
  EXPECT_EQ(answer_, absl::OkStatus());
  EXPECT_NE(core_.FindTest("t1"), nullptr);
}

TEST_F(DecisionQueueOutageTest, ARequestThatWasPublishedBeforeAReconnectionIsServedAfterIt) {
  Create(0, "t1");
  broker_.SetConnected(false);
  queue_.Pump(At(20));
  queue_.Pump(At(520));
  EXPECT_FALSE(answer_.has_value()) << *answer_;
  broker_.SetConnected(true);
  queue_.Pump(At(540));
  ReadBack(550);
  EXPECT_EQ(answer_, absl::OkStatus());
}

TEST_F(DecisionQueueOutageTest, ARequestIsUnavailableOnceTheBrokerHasBeenAwayForASecond) {
  broker_.SetConnected(false);
  queue_.Pump(At(0));
  Create(400, "t1");
  queue_.Pump(At(980));
  EXPECT_FALSE(answer_.has_value()) << *answer_;
  queue_.Pump(At(1'000));
  ASSERT_TRUE(answer_.has_value());
  EXPECT_EQ(answer_->message(),
            "the broker (memory) cannot be reached; try again with the same request_id");
  Create(1'020, "t2");
  ASSERT_TRUE(answer_.has_value()) << "from then on at once";
  EXPECT_EQ(answer_->code(), absl::StatusCode::kUnavailable);
  // What was refused does not happen later.
  broker_.SetConnected(true);
  queue_.Pump(At(5'000));
  ReadBack(5'010);
  EXPECT_EQ(core_.FindTest("t1"), nullptr);
  EXPECT_EQ(core_.FindTest("t2"), nullptr);
}

TEST_F(DecisionQueueOutageTest, TwoShortReconnectionsAreNoLongOne) {
  broker_.SetConnected(false);
  queue_.Pump(At(0));
  broker_.SetConnected(true);
  queue_.Pump(At(600));
  broker_.SetConnected(false);
  Create(700, "t1");
  queue_.Pump(At(1'500));
  EXPECT_FALSE(answer_.has_value()) << *answer_;
}

TEST_F(DecisionQueueOutageTest, ABrokerThatTakesNothingIsUnavailableAfterFiveSeconds) {
  Create(0, "t1");
  queue_.Pump(At(5'000));
  EXPECT_FALSE(answer_.has_value()) << *answer_;
  queue_.Pump(At(5'001));
  ASSERT_TRUE(answer_.has_value());
  EXPECT_EQ(answer_->code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace loadtest
