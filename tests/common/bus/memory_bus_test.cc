#include "common/bus/memory_bus.h"

#include "gtest/gtest.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kNow{0};

TEST(TopicNameTest, NamesTheFourTopics) {
  EXPECT_EQ(TopicName(Topic::kRegister), "register");
  EXPECT_EQ(TopicName(Topic::kHeartbeat), "heartbeat");
  EXPECT_EQ(TopicName(Topic::kTrigger), "trigger");
  EXPECT_EQ(TopicName(Topic::kMetrics), "metrics");
}

TEST(MemoryBusTest, TopicsDoNotExistBeforeTheyAreEnsured) {
  MemoryBroker broker;
  MemoryBus bus(broker);
  const auto offsets = bus.QueryOffsets(Topic::kTrigger, kNow);
  EXPECT_EQ(offsets.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(offsets.status().message(), "topic trigger does not exist");
}

TEST(MemoryBusTest, PublishedRecordCanBeReadAtOnceByAnotherBus) {
  MemoryBroker broker;
  MemoryBus writer(broker);
  MemoryBus reader(broker);
  ASSERT_TRUE(writer.EnsureTopics(kNow).ok());
  ASSERT_TRUE(reader.Assign({{{.topic = Topic::kTrigger}, 0}}).ok());
  ASSERT_TRUE(writer.Publish(Topic::kTrigger, "test-1", "Trigger", "x").ok());
  EXPECT_EQ(reader.Poll(kNow).records.size(), 1u);
}

TEST(MemoryBusTest, RecordPublishedBeforeItsTopicExistsWaitsForIt) {
  MemoryBroker broker;
  MemoryBus bus(broker);
  ASSERT_TRUE(bus.Publish(Topic::kTrigger, "test-1", "Trigger", "x").ok());
  ASSERT_TRUE(bus.EnsureTopics(kNow).ok());
  ASSERT_TRUE(bus.Assign({{{.topic = Topic::kTrigger}, 0}}).ok());
  EXPECT_EQ(bus.Poll(kNow).records.size(), 1u);
}

TEST(MemoryBusTest, RecordsHaveTheTimeOfTheClockGiven) {
  ManualClock clock({1'000});
  MemoryBroker broker({.clock = &clock});
  MemoryBus bus(broker);
  ASSERT_TRUE(bus.EnsureTopics(kNow).ok());
  ASSERT_TRUE(bus.Assign({{{.topic = Topic::kTrigger}, 0}}).ok());
  clock.Advance(234);
  ASSERT_TRUE(bus.Publish(Topic::kTrigger, "test-1", "Trigger", "x").ok());
  const BusEvents events = bus.Poll(kNow);
  ASSERT_EQ(events.records.size(), 1u);
  EXPECT_EQ(events.records[0].timestamp.ns, 1'234);
}

TEST(MemoryBusTest, TruncatingWhatIsNotReadYetMakesAGap) {
  MemoryBroker broker;
  MemoryBus bus(broker);
  ASSERT_TRUE(bus.EnsureTopics(kNow).ok());
  const TopicPartition trigger{.topic = Topic::kTrigger};
  ASSERT_TRUE(bus.Assign({{trigger, 0}}).ok());
  for (const char* value : {"0", "1", "2"}) {
    ASSERT_TRUE(bus.Publish(Topic::kTrigger, "test-1", "Trigger", value).ok());
  }
  broker.Truncate(trigger, 2);
  const BusEvents events = bus.Poll(kNow);
  ASSERT_EQ(events.gaps.size(), 1u);
  EXPECT_EQ(events.gaps[0].from, 0);
  EXPECT_EQ(events.gaps[0].to, 2);
  ASSERT_EQ(events.records.size(), 1u);
  EXPECT_EQ(events.records[0].value, "2");
}

TEST(MemoryBusTest, APollReturnsAFewRecordsAtMost) {
  MemoryBroker broker;
  MemoryBus bus(broker);
  ASSERT_TRUE(bus.EnsureTopics(kNow).ok());
  ASSERT_TRUE(bus.Assign({{{.topic = Topic::kTrigger}, 0}}).ok());
  for (int i = 0; i < static_cast<int>(kMostRecordsPerPoll) + 1; ++i) {
    ASSERT_TRUE(bus.Publish(Topic::kTrigger, "test-1", "Trigger", "x").ok());
  }
  EXPECT_EQ(bus.Poll(kNow).records.size(), kMostRecordsPerPoll);
  EXPECT_EQ(bus.Poll(kNow).records.size(), 1u);
}

}  // namespace
}  // namespace loadtest
