// What is special to KafkaBus: connecting, refusals, faults that need librdkafka's mock cluster.
#include "common/bus/kafka_bus.h"

#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/bus/embedded_broker.h"
#include "common/config/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::StartsWith;
using testing::UnorderedElementsAre;

constexpr milliseconds kTimeout{10'000};
constexpr int16_t kProduceRequest = 0;  // ApiKey of Kafka's protocol.

v1::KafkaConfig ConfigFor(const std::string& servers) {
  v1::KafkaConfig config = LoadConfig({})->kafka();
  config.set_bootstrap_servers(servers);
  return config;
}

KafkaBusOptions TestOptions() { return {.client_id = "1", .role = "test", .embedded = true}; }

// A socket of the loopback that accepts connections and never answers.
class SilentListener {
 public:
  SilentListener() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    listen(fd_, 8);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~SilentListener() { close(fd_); }
  std::string address() const { return absl::StrFormat("127.0.0.1:%d", port_); }

 private:
  const int fd_;
  int port_ = 0;
};

// A mock cluster with the four topics, to inject faults into.
class FaultyBroker {
 public:
  FaultyBroker() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char error[256] = "";
    rd_kafka_conf_set(conf, "log_level", "0", error, sizeof(error));
    host_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    cluster_ = rd_kafka_mock_cluster_new(host_, 1);
    for (const Topic topic : kAllTopics) {
      rd_kafka_mock_topic_create(cluster_, std::string(TopicName(topic)).c_str(), 1, 1);
    }
  }
  ~FaultyBroker() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(host_);
  }
  std::string address() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  void FailNextProduce(rd_kafka_resp_err_t error) {
    rd_kafka_mock_push_request_errors(cluster_, kProduceRequest, 1, error);
  }

 private:
  rd_kafka_t* host_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

std::vector<std::string> ReadTrigger(MessageBus& bus, size_t count) {
  EXPECT_TRUE(bus.Assign({{{.topic = Topic::kTrigger}, 0}}).ok());
  std::vector<std::string> values;
  const auto deadline = steady_clock::now() + kTimeout;
  while (values.size() < count && steady_clock::now() < deadline) {
    for (const Record& record : bus.Poll(milliseconds(50)).records) values.push_back(record.value);
  }
  return values;
}

TEST(KafkaBusConnectTest, RefusedConnectionIsUnavailableWithinTheTimeout) {
  v1::KafkaConfig config = ConfigFor("127.0.0.1:9");
  *config.mutable_connect_timeout() = ToDuration(500 * kNanosPerMilli);
  const auto begin = steady_clock::now();
  const auto bus = KafkaBus::Connect(config, TestOptions());
  EXPECT_LT(steady_clock::now() - begin, milliseconds(1'500));
  EXPECT_EQ(bus.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(
      bus.status().message(),
      "cannot reach Kafka at 127.0.0.1:9: Connection refused; want HOST:PORT of a running broker");
}

TEST(KafkaBusConnectTest, NameThatDoesNotResolveIsNamed) {
  v1::KafkaConfig config = ConfigFor("nohost.invalid:9092");
  *config.mutable_connect_timeout() = ToDuration(500 * kNanosPerMilli);
  const auto bus = KafkaBus::Connect(config, TestOptions());
  EXPECT_EQ(bus.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(bus.status().message()),
              StartsWith("cannot reach Kafka at nohost.invalid:9092: "));
}

TEST(KafkaBusConnectTest, ServerThatNeverAnswersIsUnavailableWithinTheTimeout) {
  const SilentListener listener;
  v1::KafkaConfig config = ConfigFor(listener.address());
  *config.mutable_connect_timeout() = ToDuration(500 * kNanosPerMilli);
  const auto begin = steady_clock::now();
  const auto bus = KafkaBus::Connect(config, TestOptions());
  EXPECT_LT(steady_clock::now() - begin, milliseconds(1'500));
  EXPECT_EQ(
      bus.status().message(),
      absl::StrFormat("cannot reach Kafka at %s: no answer in 500ms; want HOST:PORT of a running "
                      "broker",
                      listener.address()));
}

TEST(KafkaBusConnectTest, UnreadableCertificateIsAnInvalidArgument) {
  v1::KafkaConfig config = ConfigFor("127.0.0.1:9");
  config.set_security_protocol("ssl");
  config.set_ssl_ca_file("/nonexistent/ca.pem");
  const auto bus = KafkaBus::Connect(config, TestOptions());
  EXPECT_EQ(bus.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(KafkaBusTest, DescriptionSaysWhatTheBusIs) {
  const FaultyBroker broker;
  const auto embedded = KafkaBus::Connect(ConfigFor(broker.address()), TestOptions());
  ASSERT_TRUE(embedded.ok()) << embedded.status();
  EXPECT_EQ((*embedded)->description(), "embedded broker (one host, not durable)");

  const auto kafka =
      KafkaBus::Connect(ConfigFor(broker.address()), {.client_id = "1", .role = "test"});
  ASSERT_TRUE(kafka.ok()) << kafka.status();
  EXPECT_EQ((*kafka)->description(), "kafka " + broker.address());
}

TEST(KafkaBusTest, TooLargeARecordIsRefusedAtOnce) {
  const FaultyBroker broker;
  const auto bus = KafkaBus::Connect(ConfigFor(broker.address()), TestOptions());
  ASSERT_TRUE(bus.ok()) << bus.status();
  const absl::Status published =
      (*bus)->Publish(Topic::kTrigger, "test-1", "Trigger", std::string(2'000'000, 'x'));
  EXPECT_EQ(published.code(), absl::StatusCode::kInvalidArgument) << published;
}

TEST(KafkaBusTest, PassingErrorIsRepeatedUntilTheRecordIsDelivered) {
  FaultyBroker broker;
  const auto bus = KafkaBus::Connect(ConfigFor(broker.address()), TestOptions());
  ASSERT_TRUE(bus.ok()) << bus.status();
  broker.FailNextProduce(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
  absl::Status outcome = absl::UnknownError("not called");
  ASSERT_TRUE((*bus)
                  ->Publish(Topic::kTrigger, "test-1", "Trigger", "x",
                            [&](const absl::Status& status) { outcome = status; })
                  .ok());
  EXPECT_TRUE((*bus)->Flush(kTimeout).ok());
  EXPECT_TRUE(outcome.ok()) << outcome;
}

TEST(KafkaBusTest, MissingPermissionFailsTheRecord) {
  FaultyBroker broker;
  const auto bus = KafkaBus::Connect(ConfigFor(broker.address()), TestOptions());
  ASSERT_TRUE(bus.ok()) << bus.status();
  broker.FailNextProduce(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  absl::Status outcome;
  ASSERT_TRUE((*bus)
                  ->Publish(Topic::kTrigger, "test-1", "Trigger", "x",
                            [&](const absl::Status& status) { outcome = status; })
                  .ok());
  EXPECT_TRUE((*bus)->Flush(kTimeout).ok());
  EXPECT_EQ(outcome.code(), absl::StatusCode::kPermissionDenied) << outcome;
}

TEST(KafkaBusTest, RecordThatTheBrokerCallsInvalidIsNotRepeated) {
  FaultyBroker broker;
  const auto bus = KafkaBus::Connect(ConfigFor(broker.address()), TestOptions());
  ASSERT_TRUE(bus.ok()) << bus.status();
  broker.FailNextProduce(RD_KAFKA_RESP_ERR_INVALID_RECORD);
  absl::Status outcome;
  ASSERT_TRUE((*bus)
                  ->Publish(Topic::kTrigger, "test-1", "Trigger", "x",
                            [&](const absl::Status& status) { outcome = status; })
                  .ok());
  EXPECT_TRUE((*bus)->Flush(kTimeout).ok());
  EXPECT_EQ(outcome.code(), absl::StatusCode::kInvalidArgument) << outcome;
}

// An error that librdkafka itself does not repeat.
TEST(KafkaBusTest, RecordThatTheBrokerCouldNotWriteIsRepeated) {
  FaultyBroker broker;
  const auto bus = KafkaBus::Connect(ConfigFor(broker.address()), TestOptions());
  ASSERT_TRUE(bus.ok()) << bus.status();
  broker.FailNextProduce(RD_KAFKA_RESP_ERR_UNKNOWN);
  absl::Status outcome = absl::UnknownError("not called");
  ASSERT_TRUE((*bus)
                  ->Publish(Topic::kTrigger, "test-1", "Trigger", "x",
                            [&](const absl::Status& status) { outcome = status; })
                  .ok());
  EXPECT_TRUE((*bus)->Flush(kTimeout).ok());
  EXPECT_TRUE(outcome.ok()) << outcome;
}

// librdkafka gives its producer up after this error. Their order is not asked for: see
// kafka_producer.h.
TEST(KafkaBusTest, RecordsOutliveAClientThatCannotGoOn) {
  FaultyBroker broker;
  const auto bus = KafkaBus::Connect(ConfigFor(broker.address()), TestOptions());
  ASSERT_TRUE(bus.ok()) << bus.status();
  ASSERT_TRUE((*bus)->Publish(Topic::kTrigger, "test-1", "Trigger", "0").ok());
  ASSERT_TRUE((*bus)->Flush(kTimeout).ok());
  broker.FailNextProduce(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
  int delivered = 0;
  for (const char* value : {"1", "2", "3"}) {
    ASSERT_TRUE((*bus)
                    ->Publish(Topic::kTrigger, "test-1", "Trigger", value,
                              [&](const absl::Status& status) { delivered += status.ok(); })
                    .ok());
  }
  const absl::Status flushed = (*bus)->Flush(kTimeout);
  EXPECT_TRUE(flushed.ok()) << flushed;
  EXPECT_EQ(delivered, 3);
  EXPECT_THAT(ReadTrigger(**bus, 4), UnorderedElementsAre("0", "1", "2", "3"));
}

TEST(KafkaBusTest, NoticesTellWhenTheBrokerGoesAndComes) {
  const v1::KafkaConfig defaults = LoadConfig({})->kafka();
  const auto broker = EmbeddedBroker::Start(defaults);
  ASSERT_TRUE(broker.ok()) << broker.status();
  std::vector<std::string> notices;
  KafkaBusOptions options = TestOptions();
  options.on_notice = [&](const std::string& notice) { notices.push_back(notice); };
  const auto bus = KafkaBus::Connect(ConfigFor((*broker)->bootstrap_servers()), options);
  ASSERT_TRUE(bus.ok()) << bus.status();
  const auto poll_until = [&](size_t count) {
    const auto deadline = steady_clock::now() + kTimeout;
    while (notices.size() < count && steady_clock::now() < deadline) (*bus)->Poll(milliseconds(20));
  };

  (*broker)->SetReachable(false);
  poll_until(1);
  (*broker)->SetReachable(true);
  poll_until(2);

  EXPECT_THAT(
      notices,
      ElementsAre(StartsWith("lost the connection to embedded broker (one host, not durable): "),
                  "connected to embedded broker (one host, not durable) again"));
}

TEST(EmbeddedBrokerTest, HasSixteenPartitionsOfMetrics) {
  const auto broker = EmbeddedBroker::Start(LoadConfig({})->kafka());
  ASSERT_TRUE(broker.ok()) << broker.status();
  const auto bus = KafkaBus::Connect(ConfigFor((*broker)->bootstrap_servers()), TestOptions());
  ASSERT_TRUE(bus.ok()) << bus.status();
  EXPECT_EQ((*bus)->QueryOffsets(Topic::kMetrics, kTimeout)->size(), 16u);
}

}  // namespace
}  // namespace loadtest
