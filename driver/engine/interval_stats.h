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

// Counters of one interval, the delta that becomes a MetricsReport. About 1 MB, all of it
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
    int64_t drain_completed = 0;
    int64_t drain_failed = 0;
    // Gauges at the end of the interval.
    int64_t in_flight = 0;
    int64_t waiting = 0;
  };

  // Requests of the warm-up are in counts(kWarmup) alone; histograms, status codes and errors have
  // those of the measured part.
  enum Part { kMeasured, kWarmup };

  void CountSent(Part part, int64_t send_delay_ns) {
    ++counts_[part].sent;
    if (part == kMeasured) send_delay_.Record(send_delay_ns);
  }
  // Latencies in nanoseconds.
  struct Answer {
    int status = 0;
    int64_t response_time_ns = 0;
    int64_t service_time_ns = 0;
    int64_t first_byte_ns = 0;
    bool in_drain = false;
  };
  void CountCompleted(Part part, const Answer& answer) {
    Counts& counts = counts_[part];
    ++counts.completed;
    if (answer.status >= 400) ++counts.http_errors;
    if (answer.in_drain) ++counts.drain_completed;
    if (part != kMeasured) return;
    ++status_codes_[answer.status];
    response_time_.Record(answer.response_time_ns);
    service_time_.Record(answer.service_time_ns);
    first_byte_time_.Record(answer.first_byte_ns);
  }

  // `describe` returns the example in words; it is called only for the first error of a kind.
  template <typename Describe>
  void CountFailed(Part part, v1::ErrorKind kind, bool in_drain, Describe describe) {
    Counts& counts = counts_[part];
    ++counts.failed;
    if (kind == v1::ABANDONED) ++counts.abandoned;
    if (in_drain) ++counts.drain_failed;
    if (part == kMeasured) CountError(kind, 1, describe);
  }
  template <typename Describe>
  void CountDropped(Part part, v1::ErrorKind kind, int64_t requests, Describe describe) {
    if (requests == 0) return;
    counts_[part].dropped += requests;
    if (part == kMeasured) CountError(kind, requests, describe);
  }

  void CountConnected(int64_t connect_ns) {
    ++connects;
    connect_time_.Record(connect_ns);
  }
  void CountSecured(int64_t tls_ns, bool resumed) {
    tls_time_.Record(tls_ns);
    if (resumed) ++tls_resumed;
  }
  void CountResolved(int64_t ns) { resolve_time_.Record(ns); }

  Counts& counts(Part part = kMeasured) { return counts_[part]; }
  const Counts& counts(Part part = kMeasured) const { return counts_[part]; }
  const Histogram& response_time() const { return response_time_; }
  const Histogram& service_time() const { return service_time_; }
  const Histogram& send_delay() const { return send_delay_; }
  const Histogram& first_byte_time() const { return first_byte_time_; }
  const Histogram& connect_time() const { return connect_time_; }
  const Histogram& tls_time() const { return tls_time_; }

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
  int64_t tls_resumed = 0;
  int64_t cpu_ns = 0;
  int64_t loop_cpu_ns = 0;
  int64_t loop_wait_ns = 0;
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

  std::array<Counts, 2> counts_;
  Histogram response_time_ = Histogram::Reserved();
  Histogram service_time_ = Histogram::Reserved();
  Histogram send_delay_ = Histogram::Reserved();
  Histogram first_byte_time_ = Histogram::Reserved();
  Histogram resolve_time_ = Histogram::Reserved();
  Histogram connect_time_ = Histogram::Reserved();
  Histogram tls_time_ = Histogram::Reserved();
  std::array<int64_t, 1000> status_codes_{};
  std::array<ErrorTally, v1::ErrorKind_ARRAYSIZE> errors_;
};

}  // namespace loadtest
