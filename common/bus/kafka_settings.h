// Every setting of the Kafka client and of the topics, in one place, each with its reason.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/bus/message_bus.h"
#include "loadtest/v1/config.pb.h"

namespace loadtest {

// Names and values as librdkafka (the client) and Kafka (the topics) document them.
using KafkaProperties = std::vector<std::pair<std::string, std::string>>;

// What producer and consumer share: addresses, security, how soon an outage is noticed and over.
// Reads the password file. Errors: InvalidArgument naming the setting of config.json.
absl::StatusOr<KafkaProperties> ConnectionProperties(const v1::KafkaConfig& config,
                                                     std::string_view client_id);

KafkaProperties ProducerProperties();

// `fetch_wait`: how long the broker may hold back the answer while there is nothing to read.
KafkaProperties ConsumerProperties(std::string_view client_id,
                                   std::chrono::milliseconds fetch_wait);

// The embedded broker answers a waiting fetch only when its time is over, so this is its latency.
inline constexpr std::chrono::milliseconds kEmbeddedFetchWait{5};

// Codec for the records of `topic`.
std::string_view CompressionOf(Topic topic);

// Name of `topic` in this cluster: its prefix and TopicName.
std::string FullTopicName(const v1::KafkaConfig& config, Topic topic);

// How the orchestrator creates `topic` on a cluster of `brokers`.
struct TopicPlan {
  std::string name;
  int32_t partitions = 1;
  int32_t replicas = 1;
  KafkaProperties properties{};
};
TopicPlan PlanTopic(const v1::KafkaConfig& config, Topic topic, int32_t brokers);

}  // namespace loadtest
