// Human quantities, as they stand in flags, config and plan files, and as they are printed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace loadtest {

// "500ms", "1m30s", "1.5h", "0": units ns us ms s m h d, each a decimal number and a unit, largest
// to smallest in any order. Result in nanoseconds, rounded to the nearest. Errors: InvalidArgument
// `got "5", want a duration such as 500ms or 1m30s`. Negative durations are accepted with a leading
// '-'; callers check their range.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);

// "1000", "1k", "1.5M", "2G" (powers of ten), whole result only. Errors name the text and what was
// wanted.
absl::StatusOr<int64_t> ParseCount(std::string_view text);

// As ParseCount, but any positive or zero real number: "0.5", "2.5k".
absl::StatusOr<double> ParseNumber(std::string_view text);

// Shortest exact form with the largest unit that keeps it readable: 1500000 -> "1.5ms", 90e9 ->
// "1m30s", 0 -> "0s".
std::string FormatDuration(int64_t ns);

// A latency for people, three significant digits: "812ns", "1.23ms", "45.6ms", "2.01s".
std::string FormatLatency(int64_t ns);

// Thousands separators: 1234567 -> "1,234,567".
std::string FormatCount(int64_t n);

// "512 B", "1.5 KB", "2.0 MB" (powers of 1000).
std::string FormatBytes(int64_t n);

}  // namespace loadtest
