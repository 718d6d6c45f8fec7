// What every MessageBus must do, whatever is behind it. The tests are in bus_conformance.cc; each
// version of the bus instantiates them with an environment of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/bus/message_bus.h"
#include "gtest/gtest.h"

namespace loadtest {

// A broker that a test has for itself.
class BusEnvironment {
 public:
  virtual ~BusEnvironment() = default;

  // A bus of its own; several may be open.
  virtual absl::StatusOr<std::unique_ptr<MessageBus>> Connect() = 0;

  // Makes `partition`, whose records are nine of 900 KB or so, begin at `offset` or later.
  virtual void DropRecordsBefore(TopicPartition partition, int64_t offset) = 0;

  // Takes the broker away and brings it back. Called by BusOutage only.
  virtual void SetReachable(bool /*reachable*/) {}
};

using MakeBusEnvironment = absl::StatusOr<std::unique_ptr<BusEnvironment>> (*)();

// Has one bus, whose topics exist.
class BusConformance : public testing::TestWithParam<MakeBusEnvironment> {
 protected:
  // Records and gaps in the order they came.
  struct Received {
    std::vector<Record> records;
    std::vector<OffsetGap> gaps;
  };

  void SetUp() override;

  // Null, after a test failure, when it cannot connect.
  std::unique_ptr<MessageBus> Connect();

  OffsetRange Offsets0(Topic topic);
  // Makes `bus` read all of `topic` from its first record on.
  void AssignFromBegin(MessageBus& bus, Topic topic);
  void Publish(MessageBus& bus, Topic topic, const std::string& key, const std::string& value);
  // Polls until `count` records have come, or, after a test failure, ten seconds are over.
  Received Receive(MessageBus& bus, size_t count);
  // Polls for a while in which nothing more should come.
  Received ReceiveMore(MessageBus& bus);

  // Declared in this order: the bus goes before its broker.
  std::unique_ptr<BusEnvironment> environment_;
  std::unique_ptr<MessageBus> bus_;
};

// The part of the suite that takes the broker away. Only for environments that can.
class BusOutage : public BusConformance {
 protected:
  // Polls until connected() is `wanted`, at most two seconds.
  bool AwaitConnected(bool wanted);
};

}  // namespace loadtest
