// The writing half of KafkaBus: records that are repeated until they are delivered.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/bus/kafka_handle.h"
#include "common/bus/kafka_settings.h"
#include "common/bus/message_bus.h"

namespace loadtest {

// Any thread may call Publish and connected(); everything else belongs to the thread that polls the
// bus.
//
// A client that has idempotence can come to a state from which librdkafka does not go on ("fatal
// error"), for instance when the broker lost its data. The producer then makes a new client and
// gives it what was not delivered.
//
// Order: records of a key arrive in the order of Publish, with one exception. A record that is
// repeated here (its client died, or the broker could not write it) may come behind later ones that
// the old client still sent: librdkafka stops sending a moment after it has given up. After a
// refused sequence number a broker that checks them refuses those as well; the embedded broker
// checks none.
class KafkaProducer {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaProducer>> Create(const v1::KafkaConfig& config,
                                                               KafkaProperties properties,
                                                               int wakeup_fd);

  // As MessageBus::Publish.
  absl::Status Publish(Topic topic, std::string_view key, std::string_view message_type,
                       std::string_view value, PublishDone done);

  // Runs the callbacks of records that were delivered or refused, waiting for the first up to
  // `timeout`. Returns how many.
  int Serve(std::chrono::milliseconds timeout);

  // As MessageBus::Flush.
  absl::Status Flush(std::chrono::milliseconds timeout);

  bool connected() const;
  KafkaHandle& handle() { return *client_.handle; }

 private:
  // A client and its topics, which hold on to it and so must go first.
  struct Client {
    std::unique_ptr<KafkaHandle> handle;
    std::map<Topic, KafkaTopicHandle> topics;
  };

  KafkaProducer(const v1::KafkaConfig& config, KafkaProperties properties, int wakeup_fd)
      : config_(config), properties_(std::move(properties)), wakeup_fd_(wakeup_fd) {}

  absl::StatusOr<Client> NewClient();
  // Takes back what the client has not delivered, and hands it to a new one.
  void ReplaceClient();
  // Gives the client the records of unsent_, as far as it takes them. Needs mutex_ held.
  void SendUnsent();
  // Needs mutex_ held.
  rd_kafka_resp_err_t Enqueue(uint64_t number, const Record& record);
  void OnDelivery(const rd_kafka_message_t& message);
  void Finish(uint64_t number, const absl::Status& status);

  const v1::KafkaConfig config_;
  const KafkaProperties properties_;
  const int wakeup_fd_;
  // Only the polling thread uses these three.
  int finished_ = 0;
  std::chrono::steady_clock::time_point next_replacement_;
  std::chrono::steady_clock::time_point next_repetition_;

  mutable std::mutex mutex_;  // Guards all below.
  Client client_;  // Changed by the polling thread alone, so it may read it without mutex_.
  uint64_t last_number_ = 0;                 // Records are numbered in the order of Publish.
  std::map<uint64_t, PublishDone> waiting_;  // Every record that is neither delivered nor refused.
  std::map<uint64_t, Record> unsent_;        // Those of them that the client does not have.
};

}  // namespace loadtest
