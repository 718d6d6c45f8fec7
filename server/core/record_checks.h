// Checks of what comes over the bus, for the decoder of records.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {

// "sequence: got -1, want 1 or more".
absl::Status Wrong(std::string_view field, int64_t got, std::string_view want);

// Nanoseconds from 0 to 100 years: no offset or time of ours is beyond it.
absl::Status CheckTime(std::string_view field, int64_t ns);

absl::Status CheckTrigger(const v1::Trigger& m);

// Key of the signs of life on `trigger`; no test has it as its id together with them.
inline constexpr std::string_view kOrchestratorKey = "orchestrator";

}  // namespace loadtest
