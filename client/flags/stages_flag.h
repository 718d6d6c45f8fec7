// The value of --stages.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Stages with commas between them, each FROM:TO@DURATION (a ramp) or RATE@DURATION (a step), rates
// in requests per second of all drivers together: "0:1k@30s,1k@2m,1k:0@10s". InvalidArgument names
// the flag, the stage and what was wanted; ranges are left to ValidateSpec.
absl::StatusOr<v1::RateStages> ParseStages(const std::string& text);

}  // namespace loadtest
