// Ids and names of tests and drivers.
#include <string_view>

#include "absl/strings/str_format.h"
#include "common/spec/load_test_spec.h"
#include "common/spec/spec_problems.h"

namespace loadtest {
namespace {

absl::Status CheckId(std::string_view id, std::string_view field, std::string_view wanted,
                     bool (*is_good)(char, bool first)) {
  bool good = !id.empty() && id.size() <= 63;
  for (size_t i = 0; i < id.size() && good; ++i) good = is_good(id[i], i == 0);
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: got \"%s\", want %s", field, Printable(id), wanted));
}

}  // namespace

absl::Status CheckLoadTestId(std::string_view id, std::string_view field) {
  return CheckId(
      id, field, "1 to 63 of a-z, 0-9 and '-', the first a letter", [](char c, bool first) {
        return (c >= 'a' && c <= 'z') || (!first && ((c >= '0' && c <= '9') || c == '-'));
      });
}

absl::Status CheckDriverId(std::string_view id, std::string_view field) {
  return CheckId(id, field, "1 to 63 letters, digits, '.', '_' or '-'", [](char c, bool) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

absl::StatusOr<std::string> LoadTestIdOfName(std::string_view name, std::string_view field) {
  constexpr std::string_view kPrefix = "loadTests/";
  if (name.substr(0, kPrefix.size()) != kPrefix ||
      !CheckLoadTestId(name.substr(kPrefix.size()), field).ok()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: got \"%s\", want loadTests/ID, ID being 1 to 63 of a-z, 0-9 and '-'",
                        field, Printable(name)));
  }
  return std::string(name.substr(kPrefix.size()));
}

}  // namespace loadtest
