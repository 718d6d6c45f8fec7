// Measurements that add up, for tests of the core.
#pragma once

#include "common/measure/histogram.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {

struct FakeCounts {
  int sent = 0;
  int completed = 0;  // with status 200, 1 ms each
  int failed = 0;     // time-outs
  int dropped = 0;    // of `drop_kind`
  int in_flight = 0;
  int64_t send_delay_ns = 10'000;
  v1::ErrorKind drop_kind = v1::CONNECT_REFUSED;
};

inline v1::Measurements FakeMeasurements(const FakeCounts& c) {
  v1::Measurements m;
  Histogram latency;
  Histogram delay;
  for (int i = 0; i < c.completed; ++i) latency.Record(1'000'000);
  for (int i = 0; i < c.sent; ++i) delay.Record(c.send_delay_ns);
  latency.ToProto(*m.mutable_response_time());
  latency.ToProto(*m.mutable_service_time());
  delay.ToProto(*m.mutable_send_delay());
  v1::RequestCounts& counts = *m.mutable_counts();
  counts.set_due(c.sent + c.dropped);
  counts.set_sent(c.sent);
  counts.set_completed(c.completed);
  counts.set_failed(c.failed);
  counts.set_dropped(c.dropped);
  counts.set_in_flight(c.in_flight);
  if (c.completed > 0) (*m.mutable_status_codes())[200] = c.completed;
  const auto add_error = [&m](v1::ErrorKind kind, int count) {
    if (count == 0) return;
    v1::ErrorCount* error = m.add_errors();
    error->set_kind(kind);
    error->set_count(count);
  };
  add_error(v1::REQUEST_TIMEOUT, c.failed);
  add_error(c.drop_kind, c.dropped);
  m.set_measured_ns(1'000'000'000);
  m.set_cpu_ns(100'000'000);
  m.set_loop_cpu_ns(50'000'000);
  return m;
}

}  // namespace loadtest
