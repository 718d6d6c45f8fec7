#include <cmath>

#include "absl/strings/str_format.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/spec/spec_checks.h"

namespace loadtest {
namespace {

constexpr double kLargestRate = 1e9;
constexpr double kSmallestRate = 1e-6;
constexpr int kLargestStages = 1'000;
constexpr int64_t kLongestSpinNs = kNanosPerMilli;

// Written so that NaN is refused too.
void CheckRate(const std::string& field, double rate, double low, SpecProblems& problems) {
  if (rate >= low && rate <= kLargestRate) return;
  problems.Add(absl::StrFormat("%s: got %g, want %g to %g", field, rate, low, kLargestRate));
}

void CheckStages(v1::LoadTestSpec& spec, SpecProblems& problems) {
  const auto& stages = spec.stages().stages();
  SpecProblems found;
  found.CheckNumber("spec.stages.stages", stages.size(), 1, kLargestStages);
  bool any_rate = false;
  for (int i = 0; i < stages.size() && i < kLargestStages; ++i) {
    const std::string field = absl::StrFormat("spec.stages.stages[%d]", i);
    CheckRate(field + ".from", stages[i].from(), 0, found);
    CheckRate(field + ".to", stages[i].to(), 0, found);
    found.CheckDuration(field + ".duration", stages[i].duration(), kNanosPerMilli, kLongestTestNs);
    // Rates are kept to 10^-9 of a request per second.
    any_rate = any_rate || stages[i].from() >= 1e-9 || stages[i].to() >= 1e-9;
  }
  if (found.empty() && !any_rate) {
    found.Add("spec.stages.stages: got a rate of 0 in all of them, want more in at least one");
  }
  if (found.empty()) {
    const int64_t sum = StagesNs(spec.stages());
    if (sum > kLongestTestNs) {
      found.Add(absl::StrFormat("spec.stages.stages: got %s in all, want at most %s",
                                FormatDuration(sum), FormatDuration(kLongestTestNs)));
    } else if (!spec.has_duration()) {
      *spec.mutable_duration() = ToDuration(sum);
    } else if (spec.duration().seconds() <= kLongestTestNs / kNanosPerSecond &&
               ToNanos(spec.duration()) > sum) {
      found.Add(absl::StrFormat(
          "spec.duration: got %s, want at most %s, which is how long the stages are",
          FormatDuration(ToNanos(spec.duration())), FormatDuration(sum)));
    }
  }
  problems.AddAll(found);
}

void CheckSpacing(v1::LoadTestSpec& spec, SpecProblems& problems) {
  switch (spec.load_case()) {
    case v1::LoadTestSpec::LOAD_NOT_SET:
      problems.Add("spec.load: got none, want one of avalanche, tsunami, rate, stages");
      break;
    case v1::LoadTestSpec::kAvalanche:
      break;
    case v1::LoadTestSpec::kTsunami:
      problems.CheckDuration("spec.tsunami.delay", spec.tsunami().delay(), kNanosPerMicro,
                             kSpecHourNs);
      break;
    case v1::LoadTestSpec::kRate:
      CheckRate("spec.rate.requests_per_second", spec.rate().requests_per_second(), kSmallestRate,
                problems);
      break;
    case v1::LoadTestSpec::kStages:
      CheckStages(spec, problems);
      break;
  }
}

void CheckArrivals(v1::LoadTestSpec& spec, SpecProblems& problems) {
  if (!IsOpenLoop(spec)) {
    if (spec.arrivals() != v1::LoadTestSpec::ARRIVALS_UNSPECIFIED) {
      problems.Add(
          "spec.arrivals: got a value with an avalanche, want none: its requests wait for answers, "
          "not for times");
    }
  } else if (spec.arrivals() == v1::LoadTestSpec::ARRIVALS_UNSPECIFIED) {
    spec.set_arrivals(v1::LoadTestSpec::UNIFORM);
  } else if (spec.arrivals() != v1::LoadTestSpec::UNIFORM &&
             spec.arrivals() != v1::LoadTestSpec::POISSON) {
    problems.Add(absl::StrFormat("spec.arrivals: got %d, want UNIFORM or POISSON",
                                 static_cast<int>(spec.arrivals())));
  }
  if (spec.arrival_seed() != 0 && spec.arrivals() != v1::LoadTestSpec::POISSON) {
    problems.Add(
        absl::StrFormat("spec.arrival_seed: got %d, want 0: only POISSON arrivals have a seed",
                        spec.arrival_seed()));
  }
}

void CheckSpin(const v1::LoadTestSpec& spec, SpecProblems& problems) {
  problems.CheckDuration("spec.spin", spec.spin(), 0, kLongestSpinNs);
  const bool is_set = spec.spin().seconds() != 0 || spec.spin().nanos() != 0;
  if (is_set && spec.load_case() == v1::LoadTestSpec::kAvalanche) {
    problems.Add(
        "spec.spin: got a value with an avalanche, want none: it has no due times to be awake for");
  }
}

}  // namespace

void CheckLoad(v1::LoadTestSpec& spec, SpecProblems& problems) {
  CheckSpacing(spec, problems);
  if (spec.load_case() == v1::LoadTestSpec::LOAD_NOT_SET) return;
  CheckArrivals(spec, problems);
  problems.CheckDuration("spec.warmup", spec.warmup(), 0, kSpecHourNs);
  CheckSpin(spec, problems);
}

}  // namespace loadtest
