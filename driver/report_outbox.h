// Reports on their way to topic `metrics`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "common/base/time.h"
#include "common/bus/message_bus.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {

// Hands reports to the bus, in order, and keeps each until it is delivered, however long that
// takes. When it is full its owner takes no further interval from the load loop, which then merges
// them: nothing is lost, only coarser.
//
// Owned by the bus thread; not thread-safe.
class ReportOutbox {
 public:
  // What may wait: a hundred reports of whatever size, and beyond that as many as fit into 16 MiB.
  // A report of a busy second has some 10 KiB, so that is some 25 minutes without a broker.
  struct Capacity {
    size_t reports = 100;
    size_t bytes = size_t{16} << 20;
  };
  // How long the bus is left alone after it could not deliver a report.
  static constexpr int64_t kPauseNs = 200 * kNanosPerMilli;

  ReportOutbox(MessageBus& bus, std::string driver_id)
      : ReportOutbox(bus, std::move(driver_id), Capacity()) {}
  ReportOutbox(MessageBus& bus, std::string driver_id, Capacity capacity)
      : bus_(bus),
        driver_id_(std::move(driver_id)),
        capacity_(capacity),
        waiting_(std::make_shared<Waiting>()) {}

  bool HasRoom() const {
    return waiting_->reports.size() < capacity_.reports || waiting_->bytes < capacity_.bytes;
  }
  bool empty() const { return waiting_->reports.empty(); }
  // Reports that are not delivered.
  size_t size() const { return waiting_->reports.size(); }

  void Add(const v1::MetricsReport& report, MonotonicTime now);

  // Offers the bus what it did not take or could not deliver before. To be called now and then.
  void Retry(MonotonicTime now);

 private:
  struct Waiting {
    // By the order in which they were added: serialized, and whether the bus has it.
    struct Report {
      std::string value;
      bool offered = false;
    };
    std::map<int64_t, Report> reports;
    size_t bytes = 0;
    // The bus could not deliver one since the last Retry.
    bool failed = false;
  };

  MessageBus& bus_;
  const std::string driver_id_;
  const Capacity capacity_;
  int64_t added_ = 0;
  MonotonicTime pause_until_;
  // Shared with the bus's callbacks, which may come after this object is gone.
  const std::shared_ptr<Waiting> waiting_;
};

}  // namespace loadtest
