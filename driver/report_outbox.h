// Reports on their way to topic `metrics`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "common/bus/message_bus.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {

// Hands reports to the bus, in order, and keeps those that the bus does not take or could not
// deliver. When it is full its owner takes no further interval from the load loop, which then
// merges them: nothing is lost, only coarser.
//
// Owned by the bus thread; not thread-safe.
class ReportOutbox {
 public:
  // A minute and more of intervals, beyond what waits in the bus itself.
  static constexpr size_t kCapacity = 64;

  ReportOutbox(MessageBus& bus, std::string driver_id)
      : bus_(bus), driver_id_(std::move(driver_id)), waiting_(std::make_shared<Waiting>()) {}

  bool HasRoom() const { return waiting_->size() < kCapacity; }
  bool empty() const { return waiting_->empty(); }

  void Add(const v1::MetricsReport& report);

  // Offers the bus what it did not take before. To be called now and then.
  void Retry();

 private:
  using Waiting = std::deque<std::string>;

  MessageBus& bus_;
  const std::string driver_id_;
  // Serialized. Shared with the bus's callbacks, which may come after this object is gone.
  const std::shared_ptr<Waiting> waiting_;
};

}  // namespace loadtest
