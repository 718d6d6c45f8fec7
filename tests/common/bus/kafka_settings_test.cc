#include "common/bus/kafka_settings.h"

#include <cstdio>
#include <fstream>
#include <map>

#include "common/config/config.h"
#include "gtest/gtest.h"

namespace loadtest {
namespace {

v1::KafkaConfig DefaultConfig() {
  v1::KafkaConfig config = LoadConfig({})->kafka();
  config.set_bootstrap_servers("127.0.0.1:9092");
  return config;
}

std::map<std::string, std::string> AsMap(const KafkaProperties& properties) {
  return {properties.begin(), properties.end()};
}

// A file with one text, for as long as the test runs.
class TestFile {
 public:
  explicit TestFile(const std::string& text) : path_(testing::TempDir() + "kafka_settings_test") {
    std::ofstream(path_) << text;
  }
  ~TestFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

TEST(ConnectionPropertiesTest, PlaintextNeedsNoSecuritySettings) {
  const auto properties = ConnectionProperties(DefaultConfig(), "driver-1");
  ASSERT_TRUE(properties.ok()) << properties.status();
  auto map = AsMap(*properties);
  EXPECT_EQ(map["bootstrap.servers"], "127.0.0.1:9092");
  EXPECT_EQ(map["client.id"], "driver-1");
  EXPECT_EQ(map.count("security.protocol"), 0u);
}

TEST(ConnectionPropertiesTest, AddressWithoutPortIsRefused) {
  v1::KafkaConfig config = DefaultConfig();
  config.set_bootstrap_servers("127.0.0.1:9092,broker2");
  const absl::Status status = ConnectionProperties(config, "driver-1").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("kafka.bootstrap_servers"), std::string::npos) << status;
  EXPECT_NE(status.message().find("broker2"), std::string::npos) << status;
}

TEST(ConnectionPropertiesTest, SaslPasswordIsTheFirstLineOfItsFile) {
  const TestFile password("secret\nsecond line\n");
  v1::KafkaConfig config = DefaultConfig();
  config.set_security_protocol("sasl_ssl");
  config.set_sasl_mechanism("PLAIN");
  config.set_sasl_username("driver");
  config.set_sasl_password_file(password.path());
  const auto properties = ConnectionProperties(config, "driver-1");
  ASSERT_TRUE(properties.ok()) << properties.status();
  auto map = AsMap(*properties);
  EXPECT_EQ(map["security.protocol"], "sasl_ssl");
  EXPECT_EQ(map["sasl.mechanism"], "PLAIN");
  EXPECT_EQ(map["sasl.username"], "driver");
  EXPECT_EQ(map["sasl.password"], "secret");
  EXPECT_EQ(map["ssl.endpoint.identification.algorithm"], "https");
}

TEST(ConnectionPropertiesTest, MissingPasswordFileIsNamed) {
  v1::KafkaConfig config = DefaultConfig();
  config.set_security_protocol("sasl_plaintext");
  config.set_sasl_username("driver");
  config.set_sasl_password_file("/nonexistent/password");
  const auto properties = ConnectionProperties(config, "driver-1");
  EXPECT_EQ(properties.status().message(),
            "kafka.sasl_password_file: cannot read a password from \"/nonexistent/password\"; want "
            "a file whose first line is it, or LOADTEST_KAFKA_SASL_PASSWORD");
}

TEST(ConnectionPropertiesTest, PasswordOfTheEnvironmentIsForWhereNoFileIsNamed) {
  v1::KafkaConfig config = DefaultConfig();
  config.set_security_protocol("sasl_ssl");
  config.set_sasl_username("driver");
  config.set_sasl_password("from-environment");
  EXPECT_EQ(AsMap(*ConnectionProperties(config, "driver-1"))["sasl.password"], "from-environment");
  const TestFile password("from-file\n");
  config.set_sasl_password_file(password.path());
  EXPECT_EQ(AsMap(*ConnectionProperties(config, "driver-1"))["sasl.password"], "from-file");
}

TEST(ConnectionPropertiesTest, SaslWithoutUserNameIsRefused) {
  v1::KafkaConfig config = DefaultConfig();
  config.set_security_protocol("sasl_ssl");
  EXPECT_EQ(ConnectionProperties(config, "driver-1").status().message(),
            "kafka.sasl_username: is empty, want a user name for sasl_ssl");
}

TEST(ConnectionPropertiesTest, MissingCertificateFileIsNamed) {
  v1::KafkaConfig config = DefaultConfig();
  config.set_security_protocol("ssl");
  config.set_ssl_ca_file("/nonexistent/ca.pem");
  EXPECT_EQ(
      ConnectionProperties(config, "driver-1").status().message(),
      "kafka.ssl_ca_file: cannot read /nonexistent/ca.pem: No such file or directory; want a PEM "
      "file");
}

TEST(PlanTopicTest, OnlyMetricsHasThePartitionsOfTheConfig) {
  v1::KafkaConfig config = DefaultConfig();
  config.set_metrics_partitions(8);
  EXPECT_EQ(PlanTopic(config, Topic::kRegister, 1).partitions, 1);
  EXPECT_EQ(PlanTopic(config, Topic::kHeartbeat, 1).partitions, 1);
  EXPECT_EQ(PlanTopic(config, Topic::kTrigger, 1).partitions, 1);
  EXPECT_EQ(PlanTopic(config, Topic::kMetrics, 1).partitions, 8);
}

TEST(PlanTopicTest, PutsThePrefixBeforeTheName) {
  v1::KafkaConfig config = DefaultConfig();
  config.set_topic_prefix("staging.");
  EXPECT_EQ(PlanTopic(config, Topic::kTrigger, 1).name, "staging.trigger");
}

TEST(PlanTopicTest, ReplicatesToThreeBrokersOrToAsManyAsThereAre) {
  const v1::KafkaConfig config = DefaultConfig();
  EXPECT_EQ(PlanTopic(config, Topic::kMetrics, 1).replicas, 1);
  EXPECT_EQ(PlanTopic(config, Topic::kMetrics, 2).replicas, 2);
  EXPECT_EQ(PlanTopic(config, Topic::kMetrics, 5).replicas, 3);
}

TEST(PlanTopicTest, ReplicationFactorOfTheConfigWins) {
  v1::KafkaConfig config = DefaultConfig();
  config.set_replication_factor(2);
  EXPECT_EQ(PlanTopic(config, Topic::kMetrics, 5).replicas, 2);
}

TEST(PlanTopicTest, ThreeReplicasAcknowledgeWithTwo) {
  EXPECT_EQ(AsMap(PlanTopic(DefaultConfig(), Topic::kTrigger, 3).properties)["min.insync.replicas"],
            "2");
  EXPECT_EQ(
      AsMap(PlanTopic(DefaultConfig(), Topic::kTrigger, 1).properties).count("min.insync.replicas"),
      0u);
}

TEST(PlanTopicTest, RetentionComesFromTheConfig) {
  const v1::KafkaConfig config = DefaultConfig();  // 168h, 24h and 10m.
  EXPECT_EQ(AsMap(PlanTopic(config, Topic::kTrigger, 1).properties)["retention.ms"], "604800000");
  EXPECT_EQ(AsMap(PlanTopic(config, Topic::kMetrics, 1).properties)["retention.ms"], "86400000");
  EXPECT_EQ(AsMap(PlanTopic(config, Topic::kRegister, 1).properties)["retention.ms"], "86400000");
  EXPECT_EQ(AsMap(PlanTopic(config, Topic::kHeartbeat, 1).properties)["retention.ms"], "600000");
  // A segment is closed in time for that.
  EXPECT_EQ(AsMap(PlanTopic(config, Topic::kTrigger, 1).properties)["segment.ms"], "86400000");
  EXPECT_EQ(AsMap(PlanTopic(config, Topic::kMetrics, 1).properties)["segment.ms"], "21600000");
}

TEST(PlanTopicTest, OnlyRegisterIsCompacted) {
  const v1::KafkaConfig config = DefaultConfig();
  EXPECT_EQ(AsMap(PlanTopic(config, Topic::kRegister, 1).properties)["cleanup.policy"],
            "compact,delete");
  EXPECT_EQ(AsMap(PlanTopic(config, Topic::kTrigger, 1).properties)["cleanup.policy"], "delete");
}

}  // namespace
}  // namespace loadtest
