// What the loop thread counts in one interval.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/measure/histogram.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {

// Counters of one interval, the delta that becomes a MetricsReport. About 420 KB, all of it
// allocated by the constructor: counting allocates nothing, but for the first example of a kind of
// error.
//
// Owned by the loop thread while it counts, then handed over whole. Not thread-safe.
class IntervalStats {
 public:
  struct Counts {
    int64_t due = 0;
    int64_t sent = 0;
    int64_t completed = 0;
    int64_t failed = 0;
    int64_t dropped = 0;
    int64_t abandoned = 0;
    int64_t http_errors = 0;
    // Gauges at the end of the interval.
    int64_t in_flight = 0;
    int64_t waiting = 0;
  };

  // The three latencies of a request, nanoseconds.
  void CountSent(int64_t send_delay_ns) {
    ++counts_.sent;
    send_delay_.Record(send_delay_ns);
  }
  struct Answer {
    int status = 0;
    int64_t response_time_ns = 0;
    int64_t service_time_ns = 0;
  };
  void CountCompleted(const Answer& answer) {
    ++counts_.completed;
    if (answer.status >= 400) ++counts_.http_errors;
    ++status_codes_[answer.status];
    response_time_.Record(answer.response_time_ns);
    service_time_.Record(answer.service_time_ns);
  }

  // `describe` returns the example in words; it is called only for the first error of a kind.
  template <typename Describe>
  void CountFailed(v1::ErrorKind kind, Describe describe) {
    ++counts_.failed;
    if (kind == v1::ABANDONED) ++counts_.abandoned;
    CountError(kind, 1, describe);
  }
  template <typename Describe>
  void CountDropped(v1::ErrorKind kind, int64_t requests, Describe describe) {
    if (requests == 0) return;
    counts_.dropped += requests;
    CountError(kind, requests, describe);
  }

  Counts& counts() { return counts_; }
  const Counts& counts() const { return counts_; }
  const Histogram& response_time() const { return response_time_; }
  const Histogram& service_time() const { return service_time_; }
  const Histogram& send_delay() const { return send_delay_; }

  void Clear();

  // Adds measurements, offsets and the end to `report`; who reports, and the sequence, is the
  // caller's.
  void ToReport(v1::MetricsReport& report) const;

  // The interval is [start, end) after the test's start, nanoseconds.
  int64_t start_offset_ns = 0;
  int64_t end_offset_ns = 0;
  int64_t bytes_sent = 0;
  int64_t bytes_received = 0;
  int64_t connects = 0;
  int64_t connect_failures = 0;
  int64_t cpu_ns = 0;
  int64_t loop_cpu_ns = 0;
  // Of the whole test so far: whether anything was sent, and when first and last, after the start.
  bool has_sent = false;
  int64_t first_send_offset_ns = 0;
  int64_t last_send_offset_ns = 0;
  // The last interval of the test; why it ended.
  bool final = false;
  v1::MetricsReport::EndReason end_reason = v1::MetricsReport::END_REASON_UNSPECIFIED;
  std::string error;

 private:
  struct ErrorTally {
    int64_t count = 0;
    std::string example;
  };

  template <typename Describe>
  void CountError(v1::ErrorKind kind, int64_t requests, Describe& describe) {
    ErrorTally& tally = errors_[kind];
    if (tally.count == 0) tally.example = describe();
    tally.count += requests;
  }

  Counts counts_;
  Histogram response_time_;
  Histogram service_time_;
  Histogram send_delay_;
  std::array<int64_t, 1000> status_codes_{};
  std::array<ErrorTally, v1::ErrorKind_ARRAYSIZE> errors_;
};

}  // namespace loadtest
