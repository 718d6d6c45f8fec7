#include "common/bus/memory_bus.h"
#include "tests/common/bus/bus_conformance.h"

namespace loadtest {
namespace {

class MemoryEnvironment final : public BusEnvironment {
 public:
  absl::StatusOr<std::unique_ptr<MessageBus>> Connect() override {
    return std::make_unique<MemoryBus>(broker_);
  }
  void DropRecordsBefore(TopicPartition partition, int64_t offset) override {
    broker_.Truncate(partition, offset);
  }
  void SetReachable(bool reachable) override { broker_.SetConnected(reachable); }

 private:
  MemoryBroker broker_;
};

absl::StatusOr<std::unique_ptr<BusEnvironment>> MakeMemoryEnvironment() {
  return std::make_unique<MemoryEnvironment>();
}

INSTANTIATE_TEST_SUITE_P(Memory, BusConformance, testing::Values(&MakeMemoryEnvironment));
INSTANTIATE_TEST_SUITE_P(Memory, BusOutage, testing::Values(&MakeMemoryEnvironment));

}  // namespace
}  // namespace loadtest
