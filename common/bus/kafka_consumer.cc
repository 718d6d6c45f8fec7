#include "common/bus/kafka_consumer.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/bus/kafka_leaders.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long a Poll may be held up by asking for the offsets of a lost partition, and how often it
// may be.
constexpr milliseconds kRecoveryTimeout{500};
constexpr std::chrono::seconds kRecoveryPause{1};

// A partition has no leader for some milliseconds after it was made, and for seconds after its
// broker died.
constexpr milliseconds kQueryPause{20};

// How late the answer to a fetch may be before its broker counts as silent.
constexpr milliseconds kLeaderPatience{1'000};
// The others elect a leader within some ten seconds; where there are no others, none comes.
constexpr std::chrono::seconds kLongestDeafness{30};

using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                      decltype(&rd_kafka_topic_partition_list_destroy)>;
using Message = std::unique_ptr<rd_kafka_message_t, decltype(&rd_kafka_message_destroy)>;

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaConsumer>> KafkaConsumer::Create(
    const v1::KafkaConfig& config, const KafkaProperties& properties, int wakeup_fd) {
  ASSIGN_OR_RETURN(auto handle, KafkaHandle::CreateConsumer(properties, wakeup_fd));
  return std::unique_ptr<KafkaConsumer>(new KafkaConsumer(config, std::move(handle)));
}

KafkaConsumer::KafkaConsumer(const v1::KafkaConfig& config, std::unique_ptr<KafkaHandle> handle)
    : handle_(std::move(handle)) {
  for (const Topic topic : kAllTopics) {
    names_[topic] = FullTopicName(config, topic);
    topics_[names_[topic]] = topic;
  }
}

absl::StatusOr<std::map<TopicPartition, OffsetRange>> KafkaConsumer::QueryOffsets(
    Topic topic, milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  ASSIGN_OR_RETURN(const int32_t partitions, handle_->CountPartitions(names_[topic], timeout));
  std::map<TopicPartition, OffsetRange> ranges;
  for (int32_t i = 0; i < partitions; ++i) {
    const TopicPartition partition{.topic = topic, .partition = i};
    ASSIGN_OR_RETURN(ranges[partition], QueryPartitionUntil(partition, deadline));
  }
  return ranges;
}

absl::StatusOr<OffsetRange> KafkaConsumer::QueryPartitionUntil(TopicPartition partition,
                                                               steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    auto range = QueryPartition(partition, std::max(left, milliseconds(1)));
    // The partition is there, as its topic says; a client that has just heard of the topic may
    // not know it yet.
    const bool passes =
        absl::IsUnavailable(range.status()) || absl::IsNotFound(range.status());
    if (!passes || left <= kQueryPause) return range;
    std::this_thread::sleep_for(kQueryPause);
  }
}

absl::StatusOr<OffsetRange> KafkaConsumer::QueryPartition(TopicPartition partition,
                                                          milliseconds timeout) {
  OffsetRange range;
  const rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
      handle_->get(), names_[partition.topic].c_str(), partition.partition, &range.begin,
      &range.end, static_cast<int>(timeout.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus(error, absl::StrFormat("query offsets of %s/%d", names_[partition.topic],
                                              partition.partition));
  }
  return range;
}

absl::Status KafkaConsumer::Assign(const Offsets& offsets) {
  positions_ = offsets;
  lost_.clear();
  return ReadFromPositions();
}

absl::Status KafkaConsumer::ReadFromPositions() {
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(positions_.size())),
                           &rd_kafka_topic_partition_list_destroy);
  for (const auto& [partition, offset] : positions_) {
    rd_kafka_topic_partition_list_add(list.get(), names_[partition.topic].c_str(),
                                      partition.partition)
        ->offset = offset;
  }
  return KafkaStatus(rd_kafka_assign(handle_->get(), list.get()), "assign partitions");
}

void KafkaConsumer::WatchLeaders(milliseconds fetch_wait) {
  handle_->SetStatisticsHandler([this, patience = fetch_wait + kLeaderPatience](auto statistics) {
    std::vector<std::pair<std::string, int32_t>> partitions;
    for (const auto& [partition, next] : positions_)
      partitions.emplace_back(names_[partition.topic], partition.partition);
    const auto now = steady_clock::now();
    if (LeadersAnswer(statistics, partitions, patience)) {
      deaf_since_.reset();
    } else if (!deaf_since_) {
      deaf_since_ = now;
    }
    hears_ = !deaf_since_ || now - *deaf_since_ > kLongestDeafness;
  });
}

BusEvents KafkaConsumer::Take() {
  BusEvents events;
  while (events.records.size() < kMostRecordsPerPoll) {
    const Message message(rd_kafka_consumer_poll(handle_->get(), 0), &rd_kafka_message_destroy);
    if (message == nullptr) break;
    TakeMessage(*message, events);
  }
  if (!lost_.empty() && steady_clock::now() >= next_recovery_) Recover(events);
  return events;
}

void KafkaConsumer::TakeMessage(const rd_kafka_message_t& message, BusEvents& events) {
  if (message.rkt == nullptr)
    return;  // About the client, not a partition: the handle has heard of it too.
  const auto topic = topics_.find(rd_kafka_topic_name(message.rkt));
  if (topic == topics_.end()) return;
  const TopicPartition partition{.topic = topic->second, .partition = message.partition};
  const auto position = positions_.find(partition);
  if (position == positions_.end()) return;  // Was on its way when it was assigned no longer.

  if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
    lost_.insert(partition);
    return;
  }
  // Other errors of a partition pass by themselves: librdkafka goes on asking.
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  if (message.offset < position->second) return;  // From before a new assignment; known already.

  const int64_t timestamp_ms = rd_kafka_message_timestamp(&message, nullptr);
  events.records.push_back(
      {.topic = partition.topic,
       .partition = partition.partition,
       .offset = message.offset,
       .key = std::string(static_cast<const char*>(message.key), message.key_len),
       .value = std::string(static_cast<const char*>(message.payload), message.len),
       .message_type = MessageTypeOf(message),
       .timestamp = {timestamp_ms > 0 ? timestamp_ms * kNanosPerMilli : 0}});
  position->second = message.offset + 1;
}

void KafkaConsumer::Recover(BusEvents& events) {
  next_recovery_ = steady_clock::now() + kRecoveryPause;
  bool found = false;
  for (auto it = lost_.begin(); it != lost_.end();) {
    const absl::StatusOr<OffsetRange> range = QueryPartition(*it, kRecoveryTimeout);
    if (!range.ok()) break;  // The broker is away; later.
    int64_t& position = positions_[*it];
    if (position < range->begin) {
      events.gaps.push_back({.partition = *it, .from = position, .to = range->begin});
      position = range->begin;
    } else if (position > range->end) {
      position = range->begin;  // The partition was made anew: none of it has been read.
    }
    it = lost_.erase(it);
    found = true;
  }
  // The others go on where they are, but for a short wait.
  if (found) ReadFromPositions().IgnoreError();
}

}  // namespace loadtest
