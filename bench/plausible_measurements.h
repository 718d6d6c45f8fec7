// What a driver measures in a second, for programs that need many reports and no load.
#pragma once

#include <cstdint>
#include <random>

#include "common/base/time.h"
#include "common/measure/histogram.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {

// Response times around a millisecond, with a tail; 1,000 requests are some 350 buckets.
inline v1::Measurements PlausibleMeasurements(uint64_t seed, int requests) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> service(13.8, 0.4);  // median 1 ms
  std::lognormal_distribution<double> delay(10.3, 0.5);    // median 30 us
  Histogram response_time, service_time, send_delay, first_byte;
  for (int i = 0; i < requests; ++i) {
    const auto s = static_cast<int64_t>(service(random));
    const auto d = static_cast<int64_t>(delay(random));
    service_time.Record(s);
    first_byte.Record(s * 9 / 10);
    response_time.Record(s + d);
    send_delay.Record(d);
  }
  v1::Measurements m;
  v1::RequestCounts& counts = *m.mutable_counts();
  counts.set_due(requests);
  counts.set_sent(requests);
  counts.set_completed(requests);
  response_time.ToProto(*m.mutable_response_time());
  service_time.ToProto(*m.mutable_service_time());
  send_delay.ToProto(*m.mutable_send_delay());
  first_byte.ToProto(*m.mutable_first_byte_time());
  (*m.mutable_status_codes())[200] = requests;
  m.set_bytes_sent(requests * 100);
  m.set_bytes_received(requests * 110);
  m.set_cpu_ns(30'000'000);
  m.set_loop_cpu_ns(20'000'000);
  m.set_measured_ns(kNanosPerSecond);
  return m;
}

}  // namespace loadtest
