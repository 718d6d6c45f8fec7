// What can be said of the shares of an Adjusted before anybody sends them.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {

// InvalidArgument names the share, the field, the value, and what was wanted.
absl::Status CheckShares(const v1::LoadTestSpec& spec, const std::vector<v1::Share>& shares);

// The part of the whole schedule that these are together at the moment at which they are most:
// 0.75 for a half and a quarter that overlap in time.
double LargestPart(const std::vector<v1::Share>& shares);

}  // namespace loadtest
