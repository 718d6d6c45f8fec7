// Adding up measurements: intervals to a test, drivers to a fleet. Always exact.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "common/measure/histogram.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {

// The phases of a connection or a request that have a histogram of their own.
enum class Phase { kResolve, kConnect, kTls, kFirstByte };
inline constexpr int kPhases = 4;

// The sum of any number of v1::Measurements. Below 1 KB when empty, then some 40 KB for each of the
// histograms that has values: 0.2 MB for a driver. Not thread-safe.
class MeasurementSum {
 public:
  MeasurementSum() = default;
  // One whose histograms are packed: some 10 KB, and a little slower to add to. For sums of which
  // there are many.
  static MeasurementSum Packed();

  // Adds a delta. Gauges (in_flight, waiting) are not added: the owner of the sum sets them.
  // InvalidArgument naming the field, and no change, when the message contradicts itself (negative
  // counts, broken histograms).
  absl::Status Add(const v1::Measurements& delta);
  // The same for one that CheckMeasurements has accepted already; then only a sum beyond 63 bits is
  // refused.
  absl::Status AddChecked(const v1::Measurements& delta);

  // Adds another sum, as if its deltas had been added here; gauges are not added.
  void Merge(const MeasurementSum& other);

  const v1::RequestCounts& counts() const { return counts_; }
  void SetGauges(int64_t in_flight, int64_t waiting);
  // Requests that were due in the warm-up; in no other number.
  const v1::RequestCounts& warmup() const { return warmup_; }
  void SetWarmupGauges(int64_t in_flight, int64_t waiting);
  const Histogram& response_time() const { return response_time_; }
  const Histogram& service_time() const { return service_time_; }
  const Histogram& send_delay() const { return send_delay_; }
  const std::map<int, v1::ErrorCount>& errors() const { return errors_; }
  // Status code -> completed requests.
  const std::map<int32_t, int64_t>& status_codes() const { return status_codes_; }
  int64_t bytes_sent() const { return bytes_sent_; }
  int64_t bytes_received() const { return bytes_received_; }
  int64_t cpu_ns() const { return cpu_ns_; }
  int64_t loop_cpu_ns() const { return loop_cpu_ns_; }
  int64_t loop_wait_ns() const { return loop_wait_ns_; }
  // Empty when the phase did not occur.
  const Histogram& phase(Phase phase) const { return phases_[static_cast<size_t>(phase)]; }
  int64_t measured_ns() const { return measured_ns_; }

  v1::Measurements ToProto() const;

 private:
  Histogram& MutablePhase(Phase phase) { return phases_[static_cast<size_t>(phase)]; }
  void AddError(const v1::ErrorCount& error);

  v1::RequestCounts counts_;
  v1::RequestCounts warmup_;
  Histogram response_time_;
  Histogram service_time_;
  Histogram send_delay_;
  std::array<Histogram, kPhases> phases_;
  std::map<int32_t, int64_t> status_codes_;
  std::map<int, v1::ErrorCount> errors_;
  int64_t bytes_sent_ = 0;
  int64_t bytes_received_ = 0;
  int64_t connects_ = 0;
  int64_t connect_failures_ = 0;
  int64_t tls_resumed_ = 0;
  int64_t cpu_ns_ = 0;
  int64_t loop_cpu_ns_ = 0;
  int64_t loop_wait_ns_ = 0;
  int64_t measured_ns_ = 0;
};

// Whether the times of many deltas, each histogram's by itself, sum up to what 63 bits hold. Not
// thread-safe.
class TimeSums {
 public:
  // False, and no change, when they would not with this delta, which CheckMeasurements has
  // accepted.
  bool Add(const v1::Measurements& delta);

 private:
  std::array<int64_t, 3 + kPhases> sums_{};
};

// Checks one delta by itself: no negative number, histograms whole, and completed =
// response_time.count = service_time.count = sum of status codes, sent = send_delay.count, failed +
// dropped = sum of errors; parts are not larger than their wholes. What a driver may not measure
// (first_byte_time, connect_time) has the count of completed and connects, or none. InvalidArgument
// names the field, the value and what was wanted.
absl::Status CheckMeasurements(const v1::Measurements& m);

// Whether any request is counted, gauges included.
bool HasAny(const v1::RequestCounts& counts);

// "CONNECT_REFUSED" -> "connect refused": for people.
std::string ErrorKindName(v1::ErrorKind kind);

}  // namespace loadtest
