#include "common/spec/spec_problems.h"

#include <cmath>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/units.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

// Of what fits into 63 bits of nanoseconds.
constexpr int64_t kLargestSeconds = 9'000'000'000;

}  // namespace

void SpecProblems::CheckDuration(std::string_view field, const google::protobuf::Duration& value,
                                 int64_t low, int64_t high) {
  const bool whole = value.nanos() > -1'000'000'000 && value.nanos() < 1'000'000'000 &&
                     std::abs(value.seconds()) < kLargestSeconds;
  const int64_t ns = whole ? ToNanos(value) : -1;
  if (whole && ns >= low && ns <= high) return;
  Add(absl::StrFormat("%s: got %s, want %s to %s", field,
                      whole ? FormatDuration(ns) : absl::StrFormat("%ds", value.seconds()),
                      FormatDuration(low), FormatDuration(high)));
}

void SpecProblems::CheckNumber(std::string_view field, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  Add(absl::StrFormat("%s: got %d, want %d to %d", field, value, low, high));
}

void SpecProblems::CheckLength(std::string_view field, size_t length, size_t most) {
  if (length > most) Add(absl::StrFormat("%s: got %d bytes, want at most %d", field, length, most));
}

void SpecProblems::AddAll(const SpecProblems& others) {
  lines_.insert(lines_.end(), others.lines_.begin(), others.lines_.end());
}

absl::Status SpecProblems::ToStatus() const {
  if (lines_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(lines_, "\n"));
}

std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 60)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += absl::StrFormat("\\x%02x", byte);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace loadtest
