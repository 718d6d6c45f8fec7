// The bus for tests: a broker that is an object, in the same process, with faults to order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"
#include "common/bus/message_bus.h"

namespace loadtest {

// What the MemoryBus objects of a test share. Its topics exist from the first EnsureTopics on.
// Thread-safe.
//
// Owned by the test; outlives its buses.
class MemoryBroker {
 public:
  struct Options {
    int32_t metrics_partitions = 4;
    // Gives records their timestamp; none: 0, unknown.
    Clock* clock = nullptr;
    // MessageBus::id.
    std::string id = "memory";
  };

  MemoryBroker() : MemoryBroker(Options{}) {}
  explicit MemoryBroker(Options options);

  // False: as if the broker were away. Published records wait in their bus until its next call
  // after the return; nothing can be read.
  void SetConnected(bool connected);

  // Throws away the records of `partition` before `offset`, as retention does.
  void Truncate(TopicPartition partition, int64_t offset);

 private:
  friend class MemoryBus;

  // One partition's records: records[i] has offset begin + i.
  struct Log {
    int64_t begin = 0;
    std::deque<Record> records;
    int64_t end() const { return begin + static_cast<int64_t>(records.size()); }
  };

  // These three need mutex_ held.
  void CreateTopics();
  bool HasTopics() const { return !logs_.empty(); }
  void Append(Record record);

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // Something a waiting Poll should look at.
  bool connected_ = true;
  std::map<TopicPartition, Log> logs_;
};

class MemoryBus final : public MessageBus {
 public:
  explicit MemoryBus(MemoryBroker& broker) : broker_(broker) {}

  absl::Status EnsureTopics(std::chrono::milliseconds timeout) override;
  absl::StatusOr<std::map<TopicPartition, OffsetRange>> QueryOffsets(
      Topic topic, std::chrono::milliseconds timeout) override;
  absl::Status Assign(const Offsets& offsets) override;
  BusEvents Poll(std::chrono::milliseconds timeout) override;
  absl::Status Publish(Topic topic, std::string_view key, std::string_view message_type,
                       std::string_view value, PublishDone done = nullptr) override;
  absl::Status Flush(std::chrono::milliseconds timeout) override;
  bool connected() const override;
  std::string local_address() const override { return "127.0.0.1"; }
  std::string id() const override;
  std::string description() const override { return "memory"; }

 private:
  struct Outgoing {
    Record record;
    PublishDone done;
  };

  // These two need the broker's mutex held.
  void Deliver();
  BusEvents Read();

  MemoryBroker& broker_;
  // Guarded by the broker's mutex, which makes one order of all that happens.
  std::deque<Outgoing> outgoing_;       // Waits for the broker.
  std::vector<PublishDone> delivered_;  // Waits for the Poll or Flush that calls it.
  Offsets positions_;
};

}  // namespace loadtest
