// A limit of `diff --fail-if`: "p99>+10%", "p99>+5ms", "rate<-5%", "errors>+0.1%".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/report/comparison.h"

namespace loadtest {

struct ChangeLimit {
  std::string expression;
  std::string measure;  // Change::name
  bool upwards = true;  // ">": fails when it rises by more
  bool relative = false;
  // Signed: a share of `before` when relative, else nanoseconds, a share of 1 (points), or per
  // second.
  double bound = 0;
};

// InvalidArgument: `got "p99>10%", want ...`.
absl::StatusOr<ChangeLimit> ParseChangeLimit(std::string_view text);

struct LimitResult {
  ChangeLimit limit;
  // The whole's, or that of a typical interval when it alone is beyond the limit.
  const Change* change = nullptr;
  // Beyond the limit, and beyond noise.
  bool failed = false;
};

// `changes` must outlive the results. InvalidArgument when none of them is of the limit's measure.
absl::StatusOr<std::vector<LimitResult>> JudgeLimits(const std::vector<ChangeLimit>& limits,
                                                     const std::vector<Change>& changes);

}  // namespace loadtest
