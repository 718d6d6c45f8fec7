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
  // Added to the slowest requests.
  int64_t slower_tail_ns = 0;
  // How much a second is faster or slower than others, as a share; seconds resemble the one before.
  double noise = 0.05;
  // Share of the seconds in which something else has the processors: a third of the answers take 5
  // to 100 ms more.
  double disturbed = 0;
  // Share of the requests that slower_tail_ns is added to.
  double tail = 0.03;
  // A load that rises in stages, and makes the server slower from second to second.
  double times_slower_at_the_end = 1;
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
  if (run.times_slower_at_the_end > 1) {
    test.mutable_spec()->mutable_stages()->add_stages()->set_to(run.rate);
  } else {
    test.mutable_spec()->mutable_rate()->set_requests_per_second(run.rate);
  }
  *test.mutable_spec()->mutable_duration() = ToDuration(run.seconds * 1'000'000'000LL);
  test.add_assignments()->set_driver_id("d1");
  report.mutable_verdict()->set_level(v1::Verdict::VALID);
  Histogram all;
  double drift = 0;
  for (int second = 0; second < run.seconds; ++second) {
    drift = 0.5 * drift + run.noise * normal(random);
    const double slower = std::pow(run.times_slower_at_the_end, 1.0 * second / run.seconds);
    const bool is_disturbed = uniform(random) < run.disturbed;
    const double pause_ms = is_disturbed ? 5 * std::exp(3 * uniform(random)) : 0;
    Histogram interval;
    for (int i = 0; i < run.rate; ++i) {
      double ms = 2 * std::exp(0.4 * normal(random));
      if (uniform(random) < run.tail) ms += 4 + 2 * uniform(random) + run.slower_tail_ns / 1e6;
      if (is_disturbed && uniform(random) < 1.0 / 3) ms += pause_ms * uniform(random);
      interval.Record(static_cast<int64_t>(ms * std::exp(drift) * slower * 1e6));
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
