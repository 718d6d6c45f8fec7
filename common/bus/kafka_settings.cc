#include "common/bus/kafka_settings.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

std::string Millis(const google::protobuf::Duration& duration) {
  return absl::StrCat(ToNanos(duration) / kNanosPerMilli);
}

// Asked for here and not left to librdkafka, whose errors name neither the setting nor the reason.
absl::Status CheckReadable(std::string_view setting, const std::string& path) {
  if (path.empty() || std::ifstream(path)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat("%s: cannot read %s: %s; want a PEM file",
                                                    setting, path, std::strerror(errno)));
}

// From the file or, when none is named, from the setting that is meant for the environment.
absl::StatusOr<std::string> ReadPassword(const v1::KafkaConfig& config) {
  const std::string& path = config.sasl_password_file();
  if (path.empty() && !config.sasl_password().empty()) return config.sasl_password();
  std::ifstream file(path);
  std::string password;
  if (!std::getline(file, password) || password.empty()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("kafka.sasl_password_file: cannot read a password from \"%s\"; want a file "
                        "whose first line is it, or LOADTEST_KAFKA_SASL_PASSWORD",
                        path));
  }
  return password;
}

absl::Status AddTls(const v1::KafkaConfig& config, KafkaProperties& properties) {
  const struct {
    const char* setting;
    const char* property;
    const std::string& path;
  } files[] = {
      {"kafka.ssl_ca_file", "ssl.ca.location", config.ssl_ca_file()},
      {"kafka.ssl_certificate_file", "ssl.certificate.location", config.ssl_certificate_file()},
      {"kafka.ssl_key_file", "ssl.key.location", config.ssl_key_file()},
  };
  for (const auto& file : files) {
    RETURN_IF_ERROR(CheckReadable(file.setting, file.path));
    if (!file.path.empty()) properties.emplace_back(file.property, file.path);
  }
  // The broker's certificate must be for the host name that was asked for.
  properties.emplace_back("ssl.endpoint.identification.algorithm", "https");
  return absl::OkStatus();
}

absl::Status AddSasl(const v1::KafkaConfig& config, KafkaProperties& properties) {
  if (config.sasl_username().empty()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "kafka.sasl_username: is empty, want a user name for %s", config.security_protocol()));
  }
  ASSIGN_OR_RETURN(std::string password, ReadPassword(config));
  properties.emplace_back("sasl.mechanism", config.sasl_mechanism());
  properties.emplace_back("sasl.username", config.sasl_username());
  properties.emplace_back("sasl.password", std::move(password));
  return absl::OkStatus();
}

absl::Status AddSecurity(const v1::KafkaConfig& config, KafkaProperties& properties) {
  const std::string& protocol = config.security_protocol();
  if (protocol.empty() || protocol == "plaintext") return absl::OkStatus();
  properties.emplace_back("security.protocol", protocol);
  if (protocol == "ssl" || protocol == "sasl_ssl") RETURN_IF_ERROR(AddTls(config, properties));
  if (protocol.starts_with("sasl_")) RETURN_IF_ERROR(AddSasl(config, properties));
  return absl::OkStatus();
}

// Kafka throws away whole segments, and never the one that is written: it is closed after a quarter
// of the retention, a minute at least and a day at most, so that a topic keeps little more than it
// is told to.
std::string SegmentMillis(const google::protobuf::Duration& retention) {
  constexpr int64_t kDayMs = 24 * 3'600 * 1'000;
  return absl::StrCat(std::clamp<int64_t>(ToNanos(retention) / kNanosPerMilli / 4, 60'000, kDayMs));
}

}  // namespace

absl::StatusOr<KafkaProperties> ConnectionProperties(const v1::KafkaConfig& config,
                                                     std::string_view client_id) {
  const std::vector<std::string> servers = absl::StrSplit(config.bootstrap_servers(), ',');
  for (const std::string& server : servers) {
    RETURN_IF_ERROR(ParseHostPort(server, "kafka.bootstrap_servers").status());
  }
  KafkaProperties properties = {
      {"bootstrap.servers", config.bootstrap_servers()},
      {"client.id", std::string(client_id)},

      // After an outage a broker is tried again within half a second. With librdkafka's 10 s, one
      // that was away for 4 s stayed away for 11 s.
      {"reconnect.backoff.ms", "20"},
      {"reconnect.backoff.max.ms", "500"},
      {"retry.backoff.ms", "50"},
      // A new leader is looked for every 100 ms while there is none.
      {"topic.metadata.refresh.fast.interval.ms", "100"},

      // An address that swallows packets is given up in time for an error message at the start, and
      // a connection that went dead without a word in ten seconds. Must be above the longest fetch
      // wait, 10 s.
      {"socket.connection.setup.timeout.ms", "3000"},
      {"socket.timeout.ms", "12000"},
      {"socket.keepalive.enable", "true"},
      // Under TLS, Nagle's algorithm made p50 28 ms of 4 ms; in plain text it makes no difference.
      {"socket.nagle.disable", "true"},

      // The orchestrator alone creates topics; a mistyped topic_prefix must not make some of its
      // own.
      {"allow.auto.create.topics", "false"},

      // How soon connected() learns about brokers that went or came.
      {"statistics.interval.ms", "500"},

      // What is wrong is said by Status and notices, in words that name the setting.
      {"log_level", "0"},
  };
  RETURN_IF_ERROR(AddSecurity(config, properties));
  return properties;
}

KafkaProperties ProducerProperties() {
  return {
      // A record counts when all replicas in sync have it, once, in order.
      {"acks", "all"},
      {"enable.idempotence", "true"},
      // One request at a time: the embedded broker does not know idempotence, and with several
      // requests
      // on their way a repeated one would break the order there. The bus carries a few records a
      // second, so a
      // real broker does not notice; what waits meanwhile is sent together.
      {"max.in.flight.requests.per.connection", "1"},
      // Nothing is gained by waiting for company: each driver writes about one record a second and
      // topic, and
      // a trigger must not be late. In a burst, records meet in the queue anyway.
      {"linger.ms", "0"},
      // A record never times out in the queue, so an outage of any length loses none of it. What
      // bounds the queue is its size: 128 MB hold hours of interval reports, or the largest body of
      // a request. What does not fit is refused to the caller.
      {"message.timeout.ms", "0"},
      {"queue.buffering.max.messages", "20000"},
      {"queue.buffering.max.kbytes", "131072"},
      // Kafka's own partitioner, so that clients of any language put a key where we do.
      {"partitioner", "murmur2_random"},
  };
}

KafkaProperties ConsumerProperties(std::string_view client_id,
                                   std::chrono::milliseconds fetch_wait) {
  return {
      // librdkafka wants a group for assign(), but no offset is ever committed to it.
      {"group.id", absl::StrFormat("loadtest-%s", client_id)},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      // An offset that is no longer there is a gap to be told, not to be skipped in silence.
      {"auto.offset.reset", "error"},
      {"enable.partition.eof", "false"},
      {"fetch.wait.max.ms", absl::StrCat(fetch_wait.count())},
      {"fetch.min.bytes", "1"},
      {"fetch.error.backoff.ms", "50"},
      // What a reader that falls behind may hold in memory, over all partitions.
      {"queued.max.messages.kbytes", "16384"},
  };
}

std::string_view CompressionOf(Topic topic) {
  // Histograms shrink to about half; the others are too small to gain.
  return topic == Topic::kMetrics ? "lz4" : "none";
}

std::string FullTopicName(const v1::KafkaConfig& config, Topic topic) {
  return absl::StrFormat("%s%s", config.topic_prefix(), TopicName(topic));
}

TopicPlan PlanTopic(const v1::KafkaConfig& config, Topic topic, int32_t brokers) {
  TopicPlan plan{.name = FullTopicName(config, topic)};
  plan.replicas =
      config.replication_factor() > 0 ? config.replication_factor() : std::clamp(brokers, 1, 3);
  // With three replicas one broker may be away, and what was acknowledged is still on two.
  if (plan.replicas >= 3) plan.properties.emplace_back("min.insync.replicas", "2");
  switch (topic) {
    case Topic::kRegister:
      // The newest registration of each driver is what matters. Only closed segments are compacted,
      // so they are closed every minute.
      plan.properties.emplace_back("cleanup.policy", "compact,delete");
      plan.properties.emplace_back("retention.ms", Millis(config.metrics_retention()));
      plan.properties.emplace_back("segment.ms", "60000");
      plan.properties.emplace_back("max.compaction.lag.ms", "60000");
      plan.properties.emplace_back("min.cleanable.dirty.ratio", "0.1");
      return plan;
    case Topic::kHeartbeat:
      plan.properties.emplace_back("cleanup.policy", "delete");
      plan.properties.emplace_back("retention.ms", Millis(config.heartbeat_retention()));
      plan.properties.emplace_back("segment.ms", "60000");
      return plan;
    case Topic::kTrigger:
      // One partition: all decisions have one order.
      plan.properties.emplace_back("cleanup.policy", "delete");
      plan.properties.emplace_back("retention.ms", Millis(config.trigger_retention()));
      plan.properties.emplace_back("segment.ms", SegmentMillis(config.trigger_retention()));
      return plan;
    case Topic::kMetrics:
      plan.partitions = std::max(1, config.metrics_partitions());
      plan.properties.emplace_back("cleanup.policy", "delete");
      plan.properties.emplace_back("retention.ms", Millis(config.metrics_retention()));
      plan.properties.emplace_back("segment.ms", SegmentMillis(config.metrics_retention()));
      return plan;
  }
  std::abort();  // A value outside the enum.
}

}  // namespace loadtest
