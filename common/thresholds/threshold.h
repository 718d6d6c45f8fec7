// What the result of a test must keep: "p99<50ms", "errors<0.1%", "rate>950/s per 10s".
// docs/thresholds.md has the grammar for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// One threshold, understood. `measure` says which of the other fields count.
struct Threshold {
  enum class Measure {
    kPercentile,  // of `latency`, at `quantile`
    kMin,         // of `latency`
    kMean,
    kMax,
    kErrors,      // failed, dropped, or answered with status 400 and above
    kFailed,      // failed or dropped: no whole response
    kHttpErrors,  // status 400 and above
    kStatus,      // status `status_low` to `status_high`
    kSent,
    kCompleted,
    kRate,  // completed per second
  };
  enum class Latency { kResponse, kService, kSendDelay, kFirstByte };
  enum class Op { kLess, kAtMost, kGreater, kAtLeast };
  enum class Unit { kNanoseconds, kShare, kCount, kPerSecond };

  // As it was written, spaces around it removed.
  std::string expression;
  Measure measure = Measure::kPercentile;
  Latency latency = Latency::kResponse;
  double quantile = 0;  // 0 < quantile < 1
  int status_low = 0;
  int status_high = 0;
  Op op = Op::kLess;
  Unit unit = Unit::kNanoseconds;
  // Nanoseconds, a share of 1, requests, or requests per second.
  double bound = 0;
  // Every window of this length must keep it; 0: the whole test.
  int64_t window_ns = 0;

  bool IsLatency() const { return measure <= Measure::kMax; }
  // Whether the bound is from above: < and <=.
  bool IsUpper() const { return op == Op::kLess || op == Op::kAtMost; }
  bool Keeps(double value) const;
  // "41.2ms", "0.05%", "12", "987/s".
  std::string Format(double value) const;
};

inline constexpr int kMostThresholds = 64;

// InvalidArgument: `got "p99<50", want ...`, with the part that is wrong and what was wanted there.
absl::StatusOr<Threshold> ParseThreshold(std::string_view text);

// Errors begin with the place: `spec.thresholds[1]: got ...`; those of all that are wrong, a line
// each. `field` is "spec.thresholds", "thresholds" or "--slo".
absl::StatusOr<std::vector<Threshold>> ParseThresholds(
    const google::protobuf::RepeatedPtrField<std::string>& texts, std::string_view field);

// "p99<50ms, errors<0.1%" -> its two parts. Parts are not understood here; empty ones stay, so that
// they are refused there.
std::vector<std::string> SplitThresholds(std::string_view text);

}  // namespace loadtest
