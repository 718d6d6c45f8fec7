#include "server/api/rest_query.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

std::optional<char> HexByte(std::string_view digits) {
  uint8_t byte = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, byte, 16);
  if (digits.size() != 2 || error != std::errc() || rest != end) return std::nullopt;
  return static_cast<char>(byte);
}

absl::StatusOr<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const std::optional<char> byte = HexByte(text.substr(i + 1, 2));
      if (!byte) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "target: got \"%s\", want %% only before two hexadecimal digits", text.substr(i, 3)));
      }
      decoded.push_back(*byte);
      i += 2;
    } else {
      decoded.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return decoded;
}

absl::Status AddParameter(std::string_view pair, RestTarget& target) {
  const size_t equals = pair.find('=');
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  ASSIGN_OR_RETURN(std::string name, PercentDecode(pair.substr(0, equals), true));
  ASSIGN_OR_RETURN(std::string decoded, PercentDecode(value, true));
  if (!target.query.try_emplace(name, std::move(decoded)).second) {
    return absl::InvalidArgumentError(
        absl::StrFormat("query: got \"%s\" more than once, want it once", name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RestTarget> ParseTarget(std::string_view text) {
  RestTarget target;
  const size_t question = text.find('?');
  ASSIGN_OR_RETURN(target.path, PercentDecode(text.substr(0, question), false));
  if (question == std::string_view::npos) return target;
  std::string_view rest = text.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    if (!pair.empty()) RETURN_IF_ERROR(AddParameter(pair, target));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
  }
  return target;
}

absl::Status CheckKnownParameters(const RestTarget& target,
                                  std::span<const std::string_view> known) {
  for (const auto& [name, value] : target.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    if (known.empty()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("query: unknown parameter \"%s\", want none", name));
    }
    std::string names;
    for (const std::string_view one : known) {
      names += absl::StrFormat("%s%s", names.empty() ? "" : ", ", one);
    }
    return absl::InvalidArgumentError(
        absl::StrFormat("query: unknown parameter \"%s\", want one of %s", name, names));
  }
  return absl::OkStatus();
}

std::string StringParameter(const RestTarget& target, std::string_view name) {
  const auto found = target.query.find(name);
  return found == target.query.end() ? "" : found->second;
}

absl::StatusOr<int32_t> IntParameter(const RestTarget& target, std::string_view name) {
  const auto found = target.query.find(name);
  if (found == target.query.end()) return 0;
  const std::string& text = found->second;
  int32_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: got \"%s\", want a whole number", name, text));
  }
  return value;
}

absl::StatusOr<bool> BoolParameter(const RestTarget& target, std::string_view name) {
  const auto found = target.query.find(name);
  if (found == target.query.end() || found->second == "false") return false;
  if (found->second == "true") return true;
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: got \"%s\", want true or false", name, found->second));
}

}  // namespace loadtest
