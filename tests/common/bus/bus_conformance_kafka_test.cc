// The conformance suite on a real Kafka, whose address is in LOADTEST_TEST_KAFKA. Each test has
// topics of its own.
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/bus/kafka_bus.h"
#include "common/bus/kafka_settings.h"
#include "common/config/config.h"
#include "tests/common/bus/bus_conformance.h"

namespace loadtest {
namespace {

constexpr int kAdminTimeoutMs = 10'000;

// Deletes records and topics, which no program of ours ever does.
class KafkaAdmin {
 public:
  explicit KafkaAdmin(const std::string& servers) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char error[256] = "";
    rd_kafka_conf_set(conf, "bootstrap.servers", servers.c_str(), error, sizeof(error));
    rd_kafka_conf_set(conf, "log_level", "0", error, sizeof(error));
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    queue_ = rd_kafka_queue_new(client_);
  }
  ~KafkaAdmin() {
    rd_kafka_queue_destroy(queue_);
    rd_kafka_destroy(client_);
  }

  void DeleteRecordsBefore(const std::string& topic, int32_t partition, int64_t offset) {
    rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = offset;
    rd_kafka_DeleteRecords_t* records = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(client_, &records, 1, nullptr, queue_);
    AwaitAnswer("DeleteRecords");
    rd_kafka_DeleteRecords_destroy(records);
    rd_kafka_topic_partition_list_destroy(list);
  }

  void DeleteTopic(const std::string& topic) {
    rd_kafka_DeleteTopic_t* deletion = rd_kafka_DeleteTopic_new(topic.c_str());
    rd_kafka_DeleteTopics(client_, &deletion, 1, nullptr, queue_);
    AwaitAnswer("DeleteTopics");
    rd_kafka_DeleteTopic_destroy(deletion);
  }

 private:
  void AwaitAnswer(const char* what) {
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue_, kAdminTimeoutMs);
    ASSERT_NE(event, nullptr) << what;
    EXPECT_EQ(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR) << what;
    rd_kafka_event_destroy(event);
  }

  rd_kafka_t* client_ = nullptr;
  rd_kafka_queue_t* queue_ = nullptr;
};

class KafkaEnvironment final : public BusEnvironment {
 public:
  explicit KafkaEnvironment(v1::KafkaConfig config)
      : config_(std::move(config)), admin_(config_.bootstrap_servers()) {}

  ~KafkaEnvironment() override {
    for (const Topic topic : kAllTopics) admin_.DeleteTopic(FullTopicName(config_, topic));
  }

  absl::StatusOr<std::unique_ptr<MessageBus>> Connect() override {
    return KafkaBus::Connect(config_, {.client_id = "1", .role = "test"});
  }
  void DropRecordsBefore(TopicPartition partition, int64_t offset) override {
    admin_.DeleteRecordsBefore(FullTopicName(config_, partition.topic), partition.partition,
                               offset);
  }

 private:
  const v1::KafkaConfig config_;
  KafkaAdmin admin_;
};

// A config whose topic_prefix no other test has.
absl::StatusOr<v1::KafkaConfig> TestConfig() {
  const char* servers = std::getenv("LOADTEST_TEST_KAFKA");
  if (servers == nullptr) {
    return absl::FailedPreconditionError(
        "this test needs a real Kafka: run `tools/kafka up`, then set LOADTEST_TEST_KAFKA to the "
        "address "
        "it prints, e.g. LOADTEST_TEST_KAFKA=127.0.0.1:9092");
  }
  ASSIGN_OR_RETURN(v1::Config config, LoadConfig({}));
  v1::KafkaConfig& kafka = *config.mutable_kafka();
  kafka.set_bootstrap_servers(servers);
  kafka.set_topic_prefix(absl::StrFormat(
      "test-%d-%d.", getpid(), std::chrono::system_clock::now().time_since_epoch().count()));
  return kafka;
}

absl::StatusOr<std::unique_ptr<BusEnvironment>> MakeKafkaEnvironment() {
  ASSIGN_OR_RETURN(v1::KafkaConfig config, TestConfig());
  return std::make_unique<KafkaEnvironment>(std::move(config));
}

INSTANTIATE_TEST_SUITE_P(Kafka, BusConformance, testing::Values(&MakeKafkaEnvironment));

TEST(KafkaTopicsTest, TopicThatNobodyCreatedIsNotFound) {
  const auto config = TestConfig();
  ASSERT_TRUE(config.ok()) << config.status();
  const auto bus = KafkaBus::Connect(*config, {.client_id = "1", .role = "test"});
  ASSERT_TRUE(bus.ok()) << bus.status();
  const auto offsets = (*bus)->QueryOffsets(Topic::kTrigger, std::chrono::milliseconds(5'000));
  EXPECT_EQ(offsets.status().code(), absl::StatusCode::kNotFound) << offsets.status();
  EXPECT_NE(offsets.status().message().find(config->topic_prefix() + "trigger"), std::string::npos)
      << offsets.status();
}

TEST(KafkaTopicsTest, RecordPublishedBeforeItsTopicExistsArrives) {
  const auto config = TestConfig();
  ASSERT_TRUE(config.ok()) << config.status();
  KafkaEnvironment environment(*config);
  const auto early = environment.Connect();
  ASSERT_TRUE(early.ok()) << early.status();
  ASSERT_TRUE((*early)->Publish(Topic::kRegister, "driver-1", "DriverRegistration", "x").ok());

  const auto creator = environment.Connect();
  ASSERT_TRUE(creator.ok()) << creator.status();
  ASSERT_TRUE((*creator)->EnsureTopics(std::chrono::milliseconds(10'000)).ok());

  const absl::Status flushed = (*early)->Flush(std::chrono::milliseconds(10'000));
  EXPECT_TRUE(flushed.ok()) << flushed;
  const auto offsets = (*early)->QueryOffsets(Topic::kRegister, std::chrono::milliseconds(5'000));
  ASSERT_TRUE(offsets.ok()) << offsets.status();
  EXPECT_EQ(offsets->at({.topic = Topic::kRegister}).end, 1);
}

}  // namespace
}  // namespace loadtest
