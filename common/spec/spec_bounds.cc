// What follows from a spec: the highest rate, the longest time.
#include <algorithm>
#include <cmath>

#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

// More than any n gaps of a Poisson process take together, in mean gaps: the sum of n exponentials
// has mean n and variance n, and goes beyond n + 10 sqrt(n) + 40 less than once in 10^17 runs.
double LongestGaps(double n) { return n + 10 * std::sqrt(n) + 40; }

}  // namespace

bool IsOpenLoop(const v1::LoadTestSpec& spec) {
  switch (spec.load_case()) {
    case v1::LoadTestSpec::kTsunami:
    case v1::LoadTestSpec::kRate:
    case v1::LoadTestSpec::kStages:
      return true;
    case v1::LoadTestSpec::kAvalanche:
    case v1::LoadTestSpec::LOAD_NOT_SET:
      break;
  }
  return false;
}

int64_t StagesNs(const v1::RateStages& stages) {
  int64_t sum = 0;
  for (const v1::Stage& stage : stages.stages()) sum += ToNanos(stage.duration());
  return sum;
}

double HighestRate(const v1::LoadTestSpec& spec, int drivers) {
  double highest = 0;
  switch (spec.load_case()) {
    case v1::LoadTestSpec::kTsunami:
      return 1e9 / static_cast<double>(ToNanos(spec.tsunami().delay())) * drivers;
    case v1::LoadTestSpec::kRate:
      return spec.rate().requests_per_second();
    case v1::LoadTestSpec::kStages:
      for (const v1::Stage& stage : spec.stages().stages())
        highest = std::max({highest, stage.from(), stage.to()});
      return highest;
    case v1::LoadTestSpec::kAvalanche:
    case v1::LoadTestSpec::LOAD_NOT_SET:
      break;
  }
  return 0;
}

double LongestSendingNs(const v1::LoadTestSpec& spec, int drivers) {
  double sending = spec.has_duration() ? static_cast<double>(ToNanos(spec.duration())) : -1;
  const auto n = static_cast<double>(spec.requests_per_driver());
  // The requests of stages come when they come; that stages have an end is bound enough.
  if (n > 0 && IsOpenLoop(spec) && !spec.has_stages()) {
    const double gaps = spec.arrivals() == v1::LoadTestSpec::POISSON ? LongestGaps(n) : n;
    const int shares = std::max(1, drivers);
    const double by_count = gaps * shares / HighestRate(spec, shares) * 1e9;
    if (sending < 0 || by_count < sending) sending = by_count;
  }
  return sending < 0 ? -1 : sending + static_cast<double>(ToNanos(spec.warmup()));
}

int64_t LongestRunNs(const v1::LoadTestSpec& spec, int drivers) {
  const double sending = LongestSendingNs(spec, drivers);
  if (sending < 0 || sending >= 9e18) return -1;
  return static_cast<int64_t>(sending) + ToNanos(spec.drain_timeout());
}

}  // namespace loadtest
