// Adding up measurements: intervals to a test, drivers to a fleet. Always exact.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "common/measure/histogram.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {

// The sum of any number of v1::Measurements. About 400 KB (three histograms). Not thread-safe.
class MeasurementSum {
 public:
  // Adds a delta. Gauges (in_flight, waiting) are not added: the owner of the sum sets them.
  // InvalidArgument naming the field, and no change, when the message contradicts itself (negative
  // counts, broken histograms).
  absl::Status Add(const v1::Measurements& delta);
  void Add(const MeasurementSum& other);

  const v1::RequestCounts& counts() const { return counts_; }
  void SetGauges(int64_t in_flight, int64_t waiting);
  const Histogram& response_time() const { return response_time_; }
  const Histogram& service_time() const { return service_time_; }
  const Histogram& send_delay() const { return send_delay_; }
  const std::map<int, v1::ErrorCount>& errors() const { return errors_; }
  int64_t cpu_ns() const { return cpu_ns_; }
  int64_t loop_cpu_ns() const { return loop_cpu_ns_; }
  int64_t measured_ns() const { return measured_ns_; }

  v1::Measurements ToProto() const;

 private:
  void AddCounts(const v1::RequestCounts& c);
  void AddError(const v1::ErrorCount& error);

  v1::RequestCounts counts_;
  Histogram response_time_;
  Histogram service_time_;
  Histogram send_delay_;
  std::map<int32_t, int64_t> status_codes_;
  std::map<int, v1::ErrorCount> errors_;
  int64_t bytes_sent_ = 0;
  int64_t bytes_received_ = 0;
  int64_t connects_ = 0;
  int64_t connect_failures_ = 0;
  int64_t cpu_ns_ = 0;
  int64_t loop_cpu_ns_ = 0;
  int64_t measured_ns_ = 0;
};

// Checks one delta by itself: no negative number, histograms whole, and completed =
// response_time.count = service_time.count = sum of status codes, sent = send_delay.count, failed +
// dropped = sum of errors. InvalidArgument names the field, the value and what was wanted.
absl::Status CheckMeasurements(const v1::Measurements& m);

// "CONNECT_REFUSED" -> "connect refused": for people.
std::string ErrorKindName(v1::ErrorKind kind);

}  // namespace loadtest
