// The seam to Kafka: four topics, records with a key, and readers that know their offsets.
//
// Versions: KafkaBus (a real cluster, or the embedded broker), MemoryBus (tests). One conformance
// suite, tests/common/bus/bus_conformance.h, holds for all of them.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/time.h"

namespace loadtest {

enum class Topic { kRegister, kHeartbeat, kTrigger, kMetrics };
inline constexpr std::array<Topic, 4> kAllTopics = {Topic::kRegister, Topic::kHeartbeat,
                                                    Topic::kTrigger, Topic::kMetrics};

// "register", "heartbeat", "trigger", "metrics".
std::string_view TopicName(Topic topic);

struct TopicPartition {
  Topic topic;
  int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};

// The next offset to read of each partition.
using Offsets = std::map<TopicPartition, int64_t>;

struct Record {
  Topic topic = Topic::kRegister;
  int32_t partition = 0;
  int64_t offset = 0;
  std::string key;
  std::string value;
  // Record header `message_type`: the name of the protobuf message in `value`. Empty when the
  // header is missing.
  std::string message_type;
  // When the record was written, by its writer's clock; 0 when unknown.
  WallTime timestamp{};
};

// Records that were thrown away before they could be read: [from, to) of one partition.
struct OffsetGap {
  TopicPartition partition;
  int64_t from = 0;
  int64_t to = 0;
};

// Of one call of Poll: as many mean that there may be more. Few, so that whoever works on them
// begins while the next are taken.
inline constexpr size_t kMostRecordsPerPoll = 64;

// What Poll found.
struct BusEvents {
  std::vector<Record> records;  // in order within a partition
  std::vector<OffsetGap> gaps;
};

// One partition's first and next offset.
struct OffsetRange {
  int64_t begin = 0;
  int64_t end = 0;
};

// Called once for a published record, by the thread that calls Poll or Flush: OK when all replicas
// in sync have it.
using PublishDone = std::function<void(const absl::Status&)>;

// Owner: one thread calls Poll, Assign, Flush and the queries. Publish and connected() may be
// called by any thread.
class MessageBus {
 public:
  virtual ~MessageBus() = default;

  // Creates those of the four topics that do not exist. Blocks up to `timeout`. Only the
  // orchestrator calls it.
  virtual absl::Status EnsureTopics(std::chrono::milliseconds timeout) = 0;

  // First and next offset of each partition of `topic`. Blocks up to `timeout`.
  // Errors: Unavailable when the broker does not answer, NotFound when the topic does not exist.
  virtual absl::StatusOr<std::map<TopicPartition, OffsetRange>> QueryOffsets(
      Topic topic, std::chrono::milliseconds timeout) = 0;

  // Reads from these offsets on; replaces what was assigned before.
  virtual absl::Status Assign(const Offsets& offsets) = 0;

  // Waits up to `timeout` for records, and runs the callbacks of published records. Returns as soon
  // as it has something. At most kMostRecordsPerPoll records a call. Never fails: while the broker
  // is away it returns nothing, and goes on where it was when it is back.
  virtual BusEvents Poll(std::chrono::milliseconds timeout) = 0;

  // Queues a record and returns at once; it is retried until delivered, in order per key but for
  // the rare record that had to be published a second time, which may come behind later ones:
  // readers order by what is in the records. Records of one key go to one partition. Errors, and
  // `done` is not called: ResourceExhausted when the queue is full, others when the broker refuses
  // for good.
  virtual absl::Status Publish(Topic topic, std::string_view key, std::string_view message_type,
                               std::string_view value, PublishDone done = nullptr) = 0;

  // Waits until all published records are delivered or have failed. DeadlineExceeded, naming how
  // many are left, after `timeout`.
  virtual absl::Status Flush(std::chrono::milliseconds timeout) = 0;

  // False while no broker can be reached.
  virtual bool connected() const = 0;

  // False while not all that is assigned can be read: no broker can be reached, or (where that is
  // asked for, and half a minute at most) none leads a partition, or the one that does is silent.
  virtual bool hears() const { return connected(); }

  // The local address of the connection to the broker, e.g. "127.0.0.1" or "10.0.0.2": the one
  // other hosts know this process by.
  virtual std::string local_address() const = 0;

  // What offsets belong to: differs between clusters, and between topics of other prefixes in one.
  // Empty when nobody knows.
  virtual std::string id() const { return ""; }

  // "embedded", "kafka 127.0.0.1:9092", "memory": for people.
  virtual std::string description() const = 0;
};

}  // namespace loadtest
