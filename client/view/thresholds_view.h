// Thresholds, passed and failed, for people.
#pragma once

#include <string>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// What came of it: "41.2ms", "61.2ms from 10s to 15s, 2 of 12 windows failed", "nothing was
// measured".
std::string ThresholdOutcome(const v1::ThresholdResult& result);

// A line each, the failed ones first, at most `most` of them. In a narrow `width` what was measured
// stands below.
//   thresholds  FAILED  p99<50ms       got 61.2ms
//               passed  errors<0.1%    got 0.02%
std::string ThresholdLines(const google::protobuf::RepeatedPtrField<v1::ThresholdResult>& results,
                           size_t most, bool colors, size_t width = 100);

// For `check`: the test, its slice, every threshold, and the verdict when it is not VALID.
std::string ThresholdsView(const v1::Report& report, bool colors, size_t width = 100);

// "10s to 50s, without driver-2"; empty for the whole test.
std::string SliceInWords(const v1::Report& report);

}  // namespace loadtest
