#include "client/flags/flag_values.h"

#include "absl/strings/str_format.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/thresholds/threshold.h"

namespace loadtest {

absl::Status WrongFlag(std::string_view flag, std::string_view got, std::string_view want) {
  return absl::InvalidArgumentError(absl::StrFormat("%s: got \"%s\", want %s", flag, got, want));
}

absl::Status NamedFlag(std::string_view flag, const absl::Status& error) {
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s", flag, std::string(error.message())));
}

absl::StatusOr<google::protobuf::Duration> DurationFlag(std::string_view flag,
                                                        const std::string& text) {
  const absl::StatusOr<int64_t> ns = ParseDuration(text);
  if (!ns.ok()) return NamedFlag(flag, ns.status());
  return ToDuration(*ns);
}

absl::StatusOr<int64_t> CountFlag(std::string_view flag, const std::string& text, int64_t least,
                                  int64_t most) {
  const absl::StatusOr<int64_t> count = ParseCount(text);
  if (!count.ok()) return NamedFlag(flag, count.status());
  if (*count < least || *count > most) {
    return WrongFlag(flag, text,
                     absl::StrFormat("%s to %s", FormatCount(least), FormatCount(most)));
  }
  return *count;
}

absl::StatusOr<google::protobuf::RepeatedPtrField<std::string>> ThresholdsFlag(
    std::string_view flag, const std::vector<std::string>& values) {
  google::protobuf::RepeatedPtrField<std::string> texts;
  for (const std::string& value : values) {
    for (std::string& part : SplitThresholds(value)) {
      absl::StatusOr<Threshold> threshold = ParseThreshold(part);
      if (!threshold.ok()) return NamedFlag(flag, threshold.status());
      texts.Add(std::move(threshold->expression));
    }
  }
  return texts;
}

}  // namespace loadtest
