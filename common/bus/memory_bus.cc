#include "common/bus/memory_bus.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

// The same bounds as KafkaBus: see kafka_settings.cc and kafka_bus.cc.
constexpr size_t kMaxOutgoing = 20'000;

// FNV-1a: the same key has the same partition on every machine, so that tests can rely on it.
uint64_t HashKey(std::string_view key) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : key) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211u;
  }
  return hash;
}

void Run(std::vector<PublishDone> callbacks) {
  for (PublishDone& done : callbacks) {
    if (done) done(absl::OkStatus());
  }
}

}  // namespace

MemoryBroker::MemoryBroker(Options options) : options_(options) {}

void MemoryBroker::SetConnected(bool connected) {
  {
    std::lock_guard lock(mutex_);
    connected_ = connected;
  }
  changed_.notify_all();
}

void MemoryBroker::Truncate(TopicPartition partition, int64_t offset) {
  {
    std::lock_guard lock(mutex_);
    const auto it = logs_.find(partition);
    if (it == logs_.end()) return;
    Log& log = it->second;
    while (log.begin < offset && !log.records.empty()) {
      log.records.pop_front();
      ++log.begin;
    }
  }
  changed_.notify_all();
}

void MemoryBroker::CreateTopics() {
  for (const Topic topic : kAllTopics) {
    const int32_t partitions = topic == Topic::kMetrics ? options_.metrics_partitions : 1;
    for (int32_t i = 0; i < partitions; ++i) logs_.try_emplace({topic, i});
  }
}

void MemoryBroker::Append(Record record) {
  if (record.topic == Topic::kMetrics) {
    record.partition = static_cast<int32_t>(HashKey(record.key) %
                                            static_cast<uint64_t>(options_.metrics_partitions));
  }
  Log& log = logs_[{record.topic, record.partition}];
  record.offset = log.end();
  log.records.push_back(std::move(record));
}

absl::Status MemoryBus::EnsureTopics(std::chrono::milliseconds /*timeout*/) {
  std::lock_guard lock(broker_.mutex_);
  if (!broker_.connected_) return absl::UnavailableError("cannot reach the memory broker");
  broker_.CreateTopics();
  return absl::OkStatus();
}

absl::StatusOr<std::map<TopicPartition, OffsetRange>> MemoryBus::QueryOffsets(
    Topic topic, std::chrono::milliseconds /*timeout*/) {
  std::lock_guard lock(broker_.mutex_);
  if (!broker_.connected_) return absl::UnavailableError("cannot reach the memory broker");
  if (!broker_.HasTopics()) {
    return absl::NotFoundError(absl::StrFormat("topic %s does not exist", TopicName(topic)));
  }
  std::map<TopicPartition, OffsetRange> ranges;
  for (const auto& [partition, log] : broker_.logs_) {
    if (partition.topic == topic) ranges[partition] = {.begin = log.begin, .end = log.end()};
  }
  return ranges;
}

absl::Status MemoryBus::Assign(const Offsets& offsets) {
  std::lock_guard lock(broker_.mutex_);
  positions_ = offsets;
  return absl::OkStatus();
}

BusEvents MemoryBus::Poll(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  BusEvents events;
  std::vector<PublishDone> callbacks;
  {
    std::unique_lock lock(broker_.mutex_);
    for (;;) {
      Deliver();
      callbacks = std::exchange(delivered_, {});
      events = Read();
      if (!callbacks.empty() || !events.records.empty() || !events.gaps.empty()) break;
      if (broker_.changed_.wait_until(lock, deadline) == std::cv_status::timeout) break;
    }
  }
  Run(std::move(callbacks));
  return events;
}

absl::Status MemoryBus::Publish(Topic topic, std::string_view key, std::string_view message_type,
                                std::string_view value, PublishDone done) {
  {
    std::lock_guard lock(broker_.mutex_);
    if (outgoing_.size() >= kMaxOutgoing) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%d records wait for the broker, no more are taken", outgoing_.size()));
    }
    Record record{.topic = topic,
                  .key = std::string(key),
                  .value = std::string(value),
                  .message_type = std::string(message_type)};
    if (broker_.options_.clock != nullptr) record.timestamp = broker_.options_.clock->WallNow();
    outgoing_.push_back({.record = std::move(record), .done = std::move(done)});
    Deliver();
  }
  return absl::OkStatus();
}

absl::Status MemoryBus::Flush(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::vector<PublishDone> callbacks;
  size_t left = 0;
  {
    std::unique_lock lock(broker_.mutex_);
    for (;;) {
      Deliver();
      left = outgoing_.size();
      if (left == 0) break;
      if (broker_.changed_.wait_until(lock, deadline) == std::cv_status::timeout) break;
    }
    callbacks = std::exchange(delivered_, {});
  }
  Run(std::move(callbacks));
  if (left == 0) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrFormat("%d records are not delivered after %d ms", left, timeout.count()));
}

std::string MemoryBus::id() const { return broker_.options_.id; }

bool MemoryBus::connected() const {
  std::lock_guard lock(broker_.mutex_);
  return broker_.connected_;
}

void MemoryBus::Deliver() {
  // As with Kafka, records for a topic that does not exist yet wait for it.
  if (!broker_.connected_ || !broker_.HasTopics() || outgoing_.empty()) return;
  for (Outgoing& outgoing : outgoing_) {
    broker_.Append(std::move(outgoing.record));
    delivered_.push_back(std::move(outgoing.done));
  }
  outgoing_.clear();
  broker_.changed_.notify_all();
}

BusEvents MemoryBus::Read() {
  BusEvents events;
  if (!broker_.connected_) return events;
  for (auto& [partition, position] : positions_) {
    const auto it = broker_.logs_.find(partition);
    if (it == broker_.logs_.end()) continue;
    const MemoryBroker::Log& log = it->second;
    if (position < log.begin) {
      events.gaps.push_back({.partition = partition, .from = position, .to = log.begin});
      position = log.begin;
    } else if (position > log.end()) {
      position = log.begin;  // The partition was made anew: none of it has been read.
    }
    while (position < log.end() && events.records.size() < kMostRecordsPerPoll) {
      events.records.push_back(log.records[static_cast<size_t>(position - log.begin)]);
      ++position;
    }
  }
  return events;
}

}  // namespace loadtest
