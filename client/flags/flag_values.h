// Texts of flags as values; the errors name the flag.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/repeated_field.h"

namespace loadtest {

// `--flag: got "x", want ...`
absl::Status WrongFlag(std::string_view flag, std::string_view got, std::string_view want);

// An error whose message begins with what it got, with the flag put before that.
absl::Status NamedFlag(std::string_view flag, const absl::Status& error);

absl::StatusOr<google::protobuf::Duration> DurationFlag(std::string_view flag,
                                                        const std::string& text);

// `least` is 1 where the spec's 0 means "not given", which nobody writes on purpose.
absl::StatusOr<int64_t> CountFlag(std::string_view flag, const std::string& text, int64_t least,
                                  int64_t most);

// The thresholds of a flag that may be repeated, each value one or more with commas between them.
absl::StatusOr<google::protobuf::RepeatedPtrField<std::string>> ThresholdsFlag(
    std::string_view flag, const std::vector<std::string>& values);

}  // namespace loadtest
