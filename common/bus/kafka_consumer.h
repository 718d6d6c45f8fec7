// The reading half of KafkaBus: partitions at known offsets, without a consumer group.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/bus/kafka_handle.h"
#include "common/bus/kafka_settings.h"
#include "common/bus/message_bus.h"

namespace loadtest {

// Belongs to the thread that polls the bus; only hears() and connected() of its handle are for any
// thread.
class KafkaConsumer {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaConsumer>> Create(const v1::KafkaConfig& config,
                                                               const KafkaProperties& properties,
                                                               int wakeup_fd);

  // As MessageBus::QueryOffsets and Assign.
  absl::StatusOr<std::map<TopicPartition, OffsetRange>> QueryOffsets(
      Topic topic, std::chrono::milliseconds timeout);
  absl::Status Assign(const Offsets& offsets);

  // What has arrived, without waiting.
  BusEvents Take();

  // From now on hears() looks at the leaders of what is assigned; `fetch_wait` is how long they may
  // hold back an answer.
  void WatchLeaders(std::chrono::milliseconds fetch_wait);
  // Whether all of them answer, as far as is known, or one has not for so long that it is not to be
  // waited for any more. Any thread.
  bool hears() const { return hears_; }

  KafkaHandle& handle() { return *handle_; }
  const KafkaHandle& handle() const { return *handle_; }

 private:
  KafkaConsumer(const v1::KafkaConfig& config, std::unique_ptr<KafkaHandle> handle);

  absl::StatusOr<OffsetRange> QueryPartition(TopicPartition partition,
                                             std::chrono::milliseconds timeout);
  // Asks again while the partition has no leader.
  absl::StatusOr<OffsetRange> QueryPartitionUntil(TopicPartition partition,
                                                  std::chrono::steady_clock::time_point deadline);
  void TakeMessage(const rd_kafka_message_t& message, BusEvents& events);
  // Goes on at the first record that is left in the partitions whose offset is not there any more.
  void Recover(BusEvents& events);
  // Tells librdkafka positions_.
  absl::Status ReadFromPositions();

  std::map<Topic, std::string> names_;
  std::map<std::string, Topic, std::less<>> topics_;
  std::unique_ptr<KafkaHandle> handle_;
  Offsets positions_;              // The next offset to hand out of each assigned partition.
  std::set<TopicPartition> lost_;  // Assigned, but what is at their position is not there.
  std::chrono::steady_clock::time_point next_recovery_;
  std::atomic<bool> hears_ = true;
  std::optional<std::chrono::steady_clock::time_point> deaf_since_;
};

}  // namespace loadtest
