#include "tests/common/bus/bus_conformance.h"

#include <map>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"

namespace loadtest {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BusOutage);

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kTimeout{10'000};
constexpr milliseconds kQuiet{300};

std::vector<std::string> Values(const std::vector<Record>& records) {
  std::vector<std::string> values;
  for (const Record& record : records) values.push_back(record.value);
  return values;
}

}  // namespace

void BusConformance::SetUp() {
  auto environment = GetParam()();
  ASSERT_TRUE(environment.ok()) << environment.status();
  environment_ = *std::move(environment);
  bus_ = Connect();
  ASSERT_NE(bus_, nullptr);
  const absl::Status topics = bus_->EnsureTopics(kTimeout);
  ASSERT_TRUE(topics.ok()) << topics;
}

std::unique_ptr<MessageBus> BusConformance::Connect() {
  auto bus = environment_->Connect();
  EXPECT_TRUE(bus.ok()) << bus.status();
  return bus.ok() ? *std::move(bus) : nullptr;
}

OffsetRange BusConformance::Offsets0(Topic topic) {
  const auto offsets = bus_->QueryOffsets(topic, kTimeout);
  EXPECT_TRUE(offsets.ok()) << offsets.status();
  return offsets.ok() ? offsets->at({.topic = topic, .partition = 0}) : OffsetRange{};
}

void BusConformance::AssignFromBegin(MessageBus& bus, Topic topic) {
  const auto ranges = bus.QueryOffsets(topic, kTimeout);
  ASSERT_TRUE(ranges.ok()) << ranges.status();
  Offsets offsets;
  for (const auto& [partition, range] : *ranges) offsets[partition] = range.begin;
  const absl::Status assigned = bus.Assign(offsets);
  ASSERT_TRUE(assigned.ok()) << assigned;
}

void BusConformance::Publish(MessageBus& bus, Topic topic, const std::string& key,
                             const std::string& value) {
  const absl::Status published = bus.Publish(topic, key, "TestMessage", value);
  ASSERT_TRUE(published.ok()) << published;
}

BusConformance::Received BusConformance::Receive(MessageBus& bus, size_t count) {
  Received received;
  const auto deadline = steady_clock::now() + kTimeout;
  while (received.records.size() < count && steady_clock::now() < deadline) {
    BusEvents events = bus.Poll(milliseconds(50));
    for (Record& record : events.records) received.records.push_back(std::move(record));
    for (const OffsetGap& gap : events.gaps) received.gaps.push_back(gap);
  }
  EXPECT_EQ(received.records.size(), count);
  return received;
}

BusConformance::Received BusConformance::ReceiveMore(MessageBus& bus) {
  Received received;
  const auto deadline = steady_clock::now() + kQuiet;
  while (steady_clock::now() < deadline) {
    BusEvents events = bus.Poll(milliseconds(20));
    for (Record& record : events.records) received.records.push_back(std::move(record));
    for (const OffsetGap& gap : events.gaps) received.gaps.push_back(gap);
  }
  return received;
}

bool BusOutage::AwaitConnected(bool wanted) {
  const auto deadline = steady_clock::now() + milliseconds(2'000);
  while (bus_->connected() != wanted && steady_clock::now() < deadline) {
    bus_->Poll(milliseconds(20));
  }
  return bus_->connected() == wanted;
}

TEST_P(BusConformance, RecordComesBackAsItWasPublished) {
  AssignFromBegin(*bus_, Topic::kRegister);
  const std::string value("a\0b", 3);
  ASSERT_TRUE(bus_->Publish(Topic::kRegister, "driver-1", "DriverRegistration", value).ok());

  const Received received = Receive(*bus_, 1);

  ASSERT_EQ(received.records.size(), 1u);
  const Record& record = received.records[0];
  EXPECT_EQ(record.topic, Topic::kRegister);
  EXPECT_EQ(record.partition, 0);
  EXPECT_EQ(record.offset, 0);
  EXPECT_EQ(record.key, "driver-1");
  EXPECT_EQ(record.value, value);
  EXPECT_EQ(record.message_type, "DriverRegistration");
}

TEST_P(BusConformance, EmptyKeyAndEmptyValueArrive) {
  AssignFromBegin(*bus_, Topic::kTrigger);
  Publish(*bus_, Topic::kTrigger, "", "");

  const Received received = Receive(*bus_, 1);

  ASSERT_EQ(received.records.size(), 1u);
  EXPECT_EQ(received.records[0].key, "");
  EXPECT_EQ(received.records[0].value, "");
  EXPECT_EQ(received.records[0].message_type, "TestMessage");
}

TEST_P(BusConformance, RecordsOfOneKeyStayInOneOrderInOnePartition) {
  AssignFromBegin(*bus_, Topic::kMetrics);
  for (int i = 0; i < 100; ++i) {
    Publish(*bus_, Topic::kMetrics, absl::StrFormat("driver-%d", i % 5), absl::StrFormat("%d", i));
  }

  const Received received = Receive(*bus_, 100);

  std::map<std::string, std::set<int32_t>> partitions;
  std::map<std::string, std::vector<std::string>> values;
  for (const Record& record : received.records) {
    partitions[record.key].insert(record.partition);
    values[record.key].push_back(record.value);
  }
  ASSERT_EQ(partitions.size(), 5u);
  for (const auto& [key, used] : partitions) EXPECT_EQ(used.size(), 1u) << key;
  for (int driver = 0; driver < 5; ++driver) {
    std::vector<std::string> wanted;
    for (int i = driver; i < 100; i += 5) wanted.push_back(absl::StrFormat("%d", i));
    EXPECT_EQ(values[absl::StrFormat("driver-%d", driver)], wanted);
  }
}

TEST_P(BusConformance, KeysSpreadOverThePartitionsOfMetrics) {
  AssignFromBegin(*bus_, Topic::kMetrics);
  for (int i = 0; i < 64; ++i) {
    Publish(*bus_, Topic::kMetrics, absl::StrFormat("driver-%d", i), "x");
  }
  std::set<int32_t> partitions;
  for (const Record& record : Receive(*bus_, 64).records) partitions.insert(record.partition);
  EXPECT_GE(partitions.size(), 3u);
}

TEST_P(BusConformance, OnlyMetricsHasSeveralPartitions) {
  for (const Topic topic : {Topic::kRegister, Topic::kHeartbeat, Topic::kTrigger}) {
    const auto offsets = bus_->QueryOffsets(topic, kTimeout);
    ASSERT_TRUE(offsets.ok()) << offsets.status();
    EXPECT_EQ(offsets->size(), 1u) << TopicName(topic);
  }
  const auto offsets = bus_->QueryOffsets(Topic::kMetrics, kTimeout);
  ASSERT_TRUE(offsets.ok()) << offsets.status();
  EXPECT_GE(offsets->size(), 4u);
}

TEST_P(BusConformance, OffsetsOfAnEmptyTopicBeginAndEndAtZero) {
  const OffsetRange range = Offsets0(Topic::kTrigger);
  EXPECT_EQ(range.begin, 0);
  EXPECT_EQ(range.end, 0);
}

TEST_P(BusConformance, EndOffsetIsTheNumberOfRecordsPublished) {
  for (int i = 0; i < 7; ++i) Publish(*bus_, Topic::kTrigger, "test-1", "x");
  ASSERT_TRUE(bus_->Flush(kTimeout).ok());
  const OffsetRange range = Offsets0(Topic::kTrigger);
  EXPECT_EQ(range.begin, 0);
  EXPECT_EQ(range.end, 7);
}

TEST_P(BusConformance, ReadsFromTheAssignedOffsetOn) {
  for (const char* value : {"0", "1", "2", "3", "4"}) {
    Publish(*bus_, Topic::kTrigger, "test-1", value);
  }
  ASSERT_TRUE(bus_->Flush(kTimeout).ok());
  ASSERT_TRUE(bus_->Assign({{{.topic = Topic::kTrigger}, 3}}).ok());

  const Received received = Receive(*bus_, 2);

  ASSERT_EQ(received.records.size(), 2u);
  EXPECT_EQ(received.records[0].offset, 3);
  EXPECT_EQ(Values(received.records), (std::vector<std::string>{"3", "4"}));
}

TEST_P(BusConformance, AssignedAtTheEndItReadsOnlyWhatComesLater) {
  Publish(*bus_, Topic::kTrigger, "test-1", "before");
  ASSERT_TRUE(bus_->Flush(kTimeout).ok());
  ASSERT_TRUE(bus_->Assign({{{.topic = Topic::kTrigger}, Offsets0(Topic::kTrigger).end}}).ok());
  Publish(*bus_, Topic::kTrigger, "test-1", "after");

  EXPECT_EQ(Values(Receive(*bus_, 1).records), std::vector<std::string>{"after"});
}

TEST_P(BusConformance, AssignReplacesWhatWasAssignedBefore) {
  Publish(*bus_, Topic::kTrigger, "test-1", "trigger");
  Publish(*bus_, Topic::kHeartbeat, "driver-1", "heartbeat");
  ASSERT_TRUE(bus_->Flush(kTimeout).ok());
  AssignFromBegin(*bus_, Topic::kTrigger);
  EXPECT_EQ(Values(Receive(*bus_, 1).records), std::vector<std::string>{"trigger"});

  AssignFromBegin(*bus_, Topic::kHeartbeat);
  Publish(*bus_, Topic::kTrigger, "test-1", "not read any more");
  Publish(*bus_, Topic::kHeartbeat, "driver-1", "second heartbeat");

  EXPECT_EQ(Values(Receive(*bus_, 2).records),
            (std::vector<std::string>{"heartbeat", "second heartbeat"}));
  EXPECT_TRUE(ReceiveMore(*bus_).records.empty());
}

TEST_P(BusConformance, AssignedAgainAtTheBeginningItReadsEverythingAgain) {
  for (const char* value : {"0", "1", "2"}) Publish(*bus_, Topic::kTrigger, "test-1", value);
  for (int round = 0; round < 2; ++round) {
    AssignFromBegin(*bus_, Topic::kTrigger);
    EXPECT_EQ(Values(Receive(*bus_, 3).records), (std::vector<std::string>{"0", "1", "2"}));
  }
}

TEST_P(BusConformance, AssignedNothingItReadsNothing) {
  AssignFromBegin(*bus_, Topic::kTrigger);
  ASSERT_TRUE(bus_->Assign({}).ok());
  Publish(*bus_, Topic::kTrigger, "test-1", "x");
  ASSERT_TRUE(bus_->Flush(kTimeout).ok());
  EXPECT_TRUE(ReceiveMore(*bus_).records.empty());
}

TEST_P(BusConformance, EveryReaderReceivesEverything) {
  const auto second = Connect();
  ASSERT_NE(second, nullptr);
  AssignFromBegin(*bus_, Topic::kTrigger);
  AssignFromBegin(*second, Topic::kTrigger);
  for (const char* value : {"0", "1"}) Publish(*bus_, Topic::kTrigger, "test-1", value);

  EXPECT_EQ(Values(Receive(*bus_, 2).records), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(Values(Receive(*second, 2).records), (std::vector<std::string>{"0", "1"}));
}

TEST_P(BusConformance, CallbackRunsOnceInThePollOfItsBus) {
  int calls = 0;
  std::thread::id caller;
  const absl::Status published =
      bus_->Publish(Topic::kTrigger, "test-1", "Trigger", "x", [&](const absl::Status& status) {
        EXPECT_TRUE(status.ok()) << status;
        ++calls;
        caller = std::this_thread::get_id();
      });
  ASSERT_TRUE(published.ok()) << published;
  const auto deadline = steady_clock::now() + kTimeout;
  while (calls == 0 && steady_clock::now() < deadline) bus_->Poll(milliseconds(50));
  ReceiveMore(*bus_);

  EXPECT_EQ(calls, 1);
  EXPECT_EQ(caller, std::this_thread::get_id());
}

TEST_P(BusConformance, FlushRunsTheCallbacksOfAllThatWasPublished) {
  int calls = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(bus_->Publish(Topic::kMetrics, absl::StrFormat("driver-%d", i), "MetricsReport",
                              "x", [&](const absl::Status&) { ++calls; })
                    .ok());
  }
  const absl::Status flushed = bus_->Flush(kTimeout);
  EXPECT_TRUE(flushed.ok()) << flushed;
  EXPECT_EQ(calls, 100);
}

TEST_P(BusConformance, CallbackMayPublish) {
  AssignFromBegin(*bus_, Topic::kTrigger);
  ASSERT_TRUE(bus_->Publish(Topic::kTrigger, "test-1", "Trigger", "first",
                            [&](const absl::Status&) {
                              Publish(*bus_, Topic::kTrigger, "test-1", "second");
                            })
                  .ok());
  EXPECT_EQ(Values(Receive(*bus_, 2).records), (std::vector<std::string>{"first", "second"}));
}

TEST_P(BusConformance, PollWithoutRecordsLastsAsLongAsItsTimeout) {
  AssignFromBegin(*bus_, Topic::kTrigger);
  ReceiveMore(*bus_);  // Until what came with the connection is over.
  const auto begin = steady_clock::now();
  while (bus_->Poll(milliseconds(100)).records.empty() &&
         steady_clock::now() - begin < milliseconds(95)) {
  }
  EXPECT_LT(steady_clock::now() - begin, milliseconds(1'000));
}

TEST_P(BusConformance, RecordEndsAPollThatWaits) {
  AssignFromBegin(*bus_, Topic::kTrigger);
  const auto writer = Connect();
  ASSERT_NE(writer, nullptr);
  const auto begin = steady_clock::now();
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(100));
    Publish(*writer, Topic::kTrigger, "test-1", "x");
    writer->Flush(kTimeout).IgnoreError();
  });
  const BusEvents events = bus_->Poll(kTimeout);
  const auto waited = steady_clock::now() - begin;
  later.join();

  EXPECT_EQ(events.records.size(), 1u);
  EXPECT_LT(waited, milliseconds(2'000));
}

TEST_P(BusConformance, ValueOf900KilobytesArrivesWhole) {
  AssignFromBegin(*bus_, Topic::kMetrics);
  std::string value(900'000, '\0');
  for (size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>((i * i) >> 8);
  Publish(*bus_, Topic::kMetrics, "driver-1", value);

  const Received received = Receive(*bus_, 1);

  ASSERT_EQ(received.records.size(), 1u);
  EXPECT_TRUE(received.records[0].value == value);
}

TEST_P(BusConformance, FiveThousandRecordsArriveOnceAndInOrder) {
  AssignFromBegin(*bus_, Topic::kMetrics);
  for (int i = 0; i < 5'000; ++i) {
    Publish(*bus_, Topic::kMetrics, absl::StrFormat("driver-%d", i % 10),
            absl::StrFormat("%d", i / 10));
  }
  std::map<std::string, int> next;
  for (const Record& record : Receive(*bus_, 5'000).records) {
    ASSERT_EQ(record.value, absl::StrFormat("%d", next[record.key])) << record.key;
    ++next[record.key];
  }
  for (const auto& [key, count] : next) EXPECT_EQ(count, 500) << key;
  EXPECT_EQ(next.size(), 10u);
  EXPECT_TRUE(ReceiveMore(*bus_).records.empty());
}

TEST_P(BusConformance, SeveralThreadsMayPublish) {
  AssignFromBegin(*bus_, Topic::kMetrics);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 250; ++i) {
        Publish(*bus_, Topic::kMetrics, absl::StrFormat("driver-%d", t), absl::StrFormat("%d", i));
      }
    });
  }
  const Received received = Receive(*bus_, 1'000);
  for (std::thread& thread : threads) thread.join();

  std::map<std::string, int> next;
  for (const Record& record : received.records) {
    EXPECT_EQ(record.value, absl::StrFormat("%d", next[record.key]++)) << record.key;
  }
}

TEST_P(BusConformance, DroppedRecordsAreReportedAsAGap) {
  std::string value(900'000, '\0');
  for (size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>((i * i) >> 8);
  for (int i = 0; i < 9; ++i) Publish(*bus_, Topic::kTrigger, "test-1", value);
  ASSERT_TRUE(bus_->Flush(kTimeout).ok());
  const TopicPartition trigger{.topic = Topic::kTrigger};
  environment_->DropRecordsBefore(trigger, 4);
  const OffsetRange range = Offsets0(Topic::kTrigger);
  ASSERT_GE(range.begin, 4);
  ASSERT_EQ(range.end, 9);
  ASSERT_TRUE(bus_->Assign({{trigger, 1}}).ok());

  const Received received = Receive(*bus_, static_cast<size_t>(9 - range.begin));

  ASSERT_EQ(received.gaps.size(), 1u);
  EXPECT_EQ(received.gaps[0].partition, trigger);
  EXPECT_EQ(received.gaps[0].from, 1);
  EXPECT_EQ(received.gaps[0].to, range.begin);
  ASSERT_FALSE(received.records.empty());
  EXPECT_EQ(received.records[0].offset, range.begin);
}

TEST_P(BusConformance, OffsetBeyondTheEndStartsAtTheBeginning) {
  for (const char* value : {"0", "1"}) Publish(*bus_, Topic::kTrigger, "test-1", value);
  ASSERT_TRUE(bus_->Flush(kTimeout).ok());
  ASSERT_TRUE(bus_->Assign({{{.topic = Topic::kTrigger}, 1'000}}).ok());

  const Received received = Receive(*bus_, 2);

  EXPECT_EQ(Values(received.records), (std::vector<std::string>{"0", "1"}));
  EXPECT_TRUE(received.gaps.empty());
}

TEST_P(BusConformance, EnsureTopicsKeepsWhatIsThere) {
  Publish(*bus_, Topic::kTrigger, "test-1", "x");
  ASSERT_TRUE(bus_->Flush(kTimeout).ok());
  const absl::Status again = bus_->EnsureTopics(kTimeout);
  EXPECT_TRUE(again.ok()) << again;
  EXPECT_EQ(Offsets0(Topic::kTrigger).end, 1);
}

TEST_P(BusConformance, IsConnectedAndHasAnAddress) {
  EXPECT_TRUE(bus_->connected());
  EXPECT_EQ(bus_->local_address(), "127.0.0.1");
}

TEST_P(BusOutage, ConnectedFollowsTheBrokerWithinTwoSeconds) {
  environment_->SetReachable(false);
  EXPECT_TRUE(AwaitConnected(false));
  environment_->SetReachable(true);
  EXPECT_TRUE(AwaitConnected(true));
}

TEST_P(BusOutage, WhatIsPublishedMeanwhileArrivesOnceAndInOrder) {
  AssignFromBegin(*bus_, Topic::kTrigger);
  Publish(*bus_, Topic::kTrigger, "test-1", "before");
  Receive(*bus_, 1);
  environment_->SetReachable(false);
  ASSERT_TRUE(AwaitConnected(false));
  std::vector<std::string> wanted;
  for (int i = 0; i < 50; ++i) {
    wanted.push_back(absl::StrFormat("%d", i));
    Publish(*bus_, Topic::kTrigger, "test-1", wanted.back());
  }
  EXPECT_TRUE(ReceiveMore(*bus_).records.empty());
  environment_->SetReachable(true);

  EXPECT_EQ(Values(Receive(*bus_, 50).records), wanted);
  EXPECT_TRUE(ReceiveMore(*bus_).records.empty());
}

TEST_P(BusOutage, FlushSaysHowManyRecordsAreLeft) {
  environment_->SetReachable(false);
  ASSERT_TRUE(AwaitConnected(false));
  for (int i = 0; i < 3; ++i) Publish(*bus_, Topic::kTrigger, "test-1", "x");
  const absl::Status flushed = bus_->Flush(milliseconds(100));
  EXPECT_EQ(flushed.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(flushed.message(), "3 records are not delivered after 100 ms");
}

TEST_P(BusOutage, OffsetsAreUnavailable) {
  environment_->SetReachable(false);
  ASSERT_TRUE(AwaitConnected(false));
  const auto offsets = bus_->QueryOffsets(Topic::kTrigger, milliseconds(100));
  EXPECT_EQ(offsets.status().code(), absl::StatusCode::kUnavailable) << offsets.status();
}

TEST_P(BusOutage, FullQueueRefusesARecordWithoutCallingItsCallback) {
  environment_->SetReachable(false);
  ASSERT_TRUE(AwaitConnected(false));
  absl::Status last;
  int published = 0;
  while (last.ok() && published < 100'000) {
    last = bus_->Publish(Topic::kTrigger, "test-1", "Trigger", "x",
                         [](const absl::Status&) { ADD_FAILURE() << "callback was called"; });
    if (last.ok()) ++published;
  }
  EXPECT_EQ(last.code(), absl::StatusCode::kResourceExhausted) << last;
  EXPECT_EQ(published, 20'000);
}

}  // namespace loadtest
