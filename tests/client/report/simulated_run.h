// Reports of tests that never ran, for tests of comparisons: with the noise that real ones have.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>

#include "common/config/config.h"
#include "common/measure/histogram.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

struct SimulatedRun {
  uint32_t seed = 1;
  int seconds = 30;
  int rate = 400;
  // Added to the slowest 3 % of the requests.
  int64_t slower_tail_ns = 0;
  // How much a second is faster or slower than others, as a share; seconds resemble the one before.
  double noise = 0.05;
};

// A server of some 2 ms with a tail: p99 about 8 ms.
inline v1::Report SimulateRun(const SimulatedRun& run) {
  std::mt19937 random(run.seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  v1::Report report;
  report.set_report_version(1);
  v1::LoadTest& test = *report.mutable_load_test();
  test.set_name("loadTests/simulated");
  test.set_state(v1::LoadTest::SUCCEEDED);
  test.mutable_spec()->mutable_request()->set_url("http://127.0.0.1:8081/");
  test.mutable_spec()->mutable_request()->set_method("GET");
  test.mutable_spec()->mutable_rate()->set_requests_per_second(run.rate);
  *test.mutable_spec()->mutable_duration() = ToDuration(run.seconds * 1'000'000'000LL);
  test.add_assignments()->set_driver_id("d1");
  report.mutable_verdict()->set_level(v1::Verdict::VALID);
  Histogram all;
  double drift = 0;
  for (int second = 0; second < run.seconds; ++second) {
    drift = 0.5 * drift + run.noise * normal(random);
    Histogram interval;
    for (int i = 0; i < run.rate; ++i) {
      double ms = 2 * std::exp(0.4 * normal(random));
      if (uniform(random) < 0.03) ms += 4 + 2 * uniform(random) + run.slower_tail_ns / 1e6;
      interval.Record(static_cast<int64_t>(ms * std::exp(drift) * 1e6));
    }
    all.Merge(interval);
    v1::IntervalResult& result = *report.add_intervals();
    result.set_start_offset_ns(second * 1'000'000'000LL);
    result.set_end_offset_ns((second + 1) * 1'000'000'000LL);
    for (auto* counts : {result.mutable_counts(), report.mutable_totals()->mutable_counts()}) {
      counts->set_due(counts->due() + run.rate);
      counts->set_sent(counts->sent() + run.rate);
      counts->set_completed(counts->completed() + run.rate);
    }
    *result.mutable_response_time() = interval.Summary();
    *result.mutable_service_time() = interval.Summary();
    result.set_drivers(1);
  }
  all.ToProto(*report.mutable_totals()->mutable_response_time());
  all.ToProto(*report.mutable_totals()->mutable_service_time());
  *report.mutable_response_time() = all.Summary();
  *report.mutable_service_time() = all.Summary();
  report.set_sending_seconds(run.seconds);
  report.set_sent_per_second(run.rate);
  report.set_completed_per_second(run.rate);
  return report;
}

}  // namespace loadtest
