// The bus over Kafka: a real cluster, or the embedded broker.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/bus/message_bus.h"
#include "loadtest/v1/config.pb.h"

namespace loadtest {

class KafkaConsumer;
class KafkaProducer;

struct KafkaBusOptions {
  // Who we are, for the broker's logs and quotas: client.id is "ROLE-CLIENT_ID".
  std::string client_id;
  std::string role;
  // The broker is an EmbeddedBroker, of this or another process: it has its topics, and is asked
  // for records every 5 ms.
  bool embedded = false;
  // Whether hears() is of interest; it costs some 0.2 ms of CPU time twice a second.
  bool watch_leaders = false;
  // Optional: called by Poll with a line for people when the broker goes away and when it is back.
  std::function<void(const std::string&)> on_notice = nullptr;
};

// Threads: as MessageBus says. The destructor belongs to the thread that polls; it takes some
// milliseconds, four seconds at worst, loses what is not delivered (Flush before it), and calls no
// callback.
class KafkaBus final : public MessageBus {
 public:
  // Waits for the broker up to config.connect_timeout.
  // Errors: Unavailable when it does not answer in that time
  //   "cannot reach Kafka at 127.0.0.1:9: Connection refused; want HOST:PORT of a running broker",
  // Unauthenticated, at once, when it refuses password or certificate, InvalidArgument when a
  // setting is wrong.
  static absl::StatusOr<std::unique_ptr<KafkaBus>> Connect(const v1::KafkaConfig& config,
                                                           KafkaBusOptions options);
  ~KafkaBus() override;

  absl::Status EnsureTopics(std::chrono::milliseconds timeout) override;
  absl::StatusOr<std::map<TopicPartition, OffsetRange>> QueryOffsets(
      Topic topic, std::chrono::milliseconds timeout) override;
  absl::Status Assign(const Offsets& offsets) override;
  BusEvents Poll(std::chrono::milliseconds timeout) override;
  absl::Status Publish(Topic topic, std::string_view key, std::string_view message_type,
                       std::string_view value, PublishDone done = nullptr) override;
  absl::Status Flush(std::chrono::milliseconds timeout) override;
  bool connected() const override { return connected_; }
  bool hears() const override;
  std::string local_address() const override { return local_address_; }
  // "CLUSTER_ID" or "CLUSTER_ID/TOPIC_PREFIX".
  std::string id() const override { return id_; }
  std::string description() const override;

 private:
  KafkaBus(const v1::KafkaConfig& config, KafkaBusOptions options);

  absl::Status Open();
  // Waits for the first answer of a broker.
  absl::Status AwaitBroker();
  absl::Status ConnectError() const;
  // Makes the client know all topics that exist, so that the first record of each leaves at once.
  void LearnTopics();
  void WaitForWakeup(std::chrono::milliseconds timeout);
  void UpdateConnected();

  const v1::KafkaConfig config_;
  const KafkaBusOptions options_;
  const int
      wakeup_fd_;  // An eventfd that librdkafka writes to when there is something to poll for.
  std::unique_ptr<KafkaProducer> producer_;
  std::unique_ptr<KafkaConsumer> consumer_;
  std::string local_address_;
  std::string id_;
  std::atomic<bool> connected_ = false;
};

}  // namespace loadtest
