// What a driver tells Prometheus of itself.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "common/measure/measurements.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {

// Filled by the bus thread, at the end of an interval and with each heartbeat; read by the thread
// that answers a scrape. The sending thread never comes here.
//
// Thread-safe.
class DriverMetrics {
 public:
  DriverMetrics(std::string driver_id, int64_t start_wall_ns)
      : driver_id_(std::move(driver_id)), start_wall_ns_(start_wall_ns) {}

  // An interval that was handed to the bus; a delta. Its gauges are shown until the next one.
  void Add(const v1::Measurements& interval, bool final);
  void SetHeartbeat(const v1::DriverHeartbeat& heartbeat, int64_t process_cpu_ns);
  void SetBusConnected(bool connected);

  // Text exposition format 0.0.4.
  std::string Text() const;

 private:
  const std::string driver_id_;
  const int64_t start_wall_ns_;
  mutable std::mutex mutex_;
  MeasurementSum sum_;
  v1::DriverHeartbeat heartbeat_;
  int64_t process_cpu_ns_ = 0;
  bool bus_connected_ = false;
};

}  // namespace loadtest
