// A broker inside the process, so that a first test needs no Kafka.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "loadtest/v1/config.pb.h"

struct rd_kafka_s;
struct rd_kafka_mock_cluster_s;

namespace loadtest {

// Hosts librdkafka's mock cluster on a free port of 127.0.0.1, with the four topics. Programs of
// this host reach it with a KafkaBus whose options say `embedded`.
//
// What it is not: durable (records die with the process), for several hosts, or boundless. A
// partition keeps its newest 5 MB: a reader that falls further behind sees an OffsetGap. It has a
// short listen queue: start drivers 8 ms apart.
//
// Owned by main; outlives the buses that use it. Its thread is its own.
class EmbeddedBroker {
 public:
  // `metrics` has more partitions here than config says for a real Kafka, since each brings another
  // 5 MB.
  static constexpr int kMetricsPartitions = 16;

  static absl::StatusOr<std::unique_ptr<EmbeddedBroker>> Start(const v1::KafkaConfig& config);
  ~EmbeddedBroker();
  EmbeddedBroker(const EmbeddedBroker&) = delete;
  EmbeddedBroker& operator=(const EmbeddedBroker&) = delete;

  // "127.0.0.1:PORT", for kafka.bootstrap_servers.
  const std::string& bootstrap_servers() const { return bootstrap_servers_; }

  // For tests: false closes its connections and its port, true opens them again; records are kept.
  void SetReachable(bool reachable);

 private:
  EmbeddedBroker() = default;

  absl::Status Open(const v1::KafkaConfig& config);
  // Runs a call that the cluster's thread must answer, and sees to it that the thread wakes up.
  void Control(const std::function<void()>& call);
  // Connects to the broker and hangs up.
  void Knock();
  void SendAnswersAtOnce();

  rd_kafka_s* host_ = nullptr;  // Only lends the cluster its thread.
  rd_kafka_mock_cluster_s* cluster_ = nullptr;
  std::string bootstrap_servers_;
  int port_ = 0;
};

}  // namespace loadtest
