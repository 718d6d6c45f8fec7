#include "client/doctor/finding.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_format.h"
#include "client/view/layout.h"
#include "nlohmann/json.hpp"

namespace loadtest {
namespace {

constexpr size_t kLevelWidth = 9;
constexpr size_t kCheckWidth = 14;

int ColorOf(Finding::Level level) {
  switch (level) {
    case Finding::Level::kOk:
      return 32;
    case Finding::Level::kWarning:
      return 33;
    case Finding::Level::kProblem:
      return 31;
  }
  return 0;
}

// Broken at spaces; further lines begin with `indent` spaces.
std::string Wrapped(std::string_view text, size_t indent, size_t width) {
  const size_t room = width > indent + 20 ? width - indent : 20;
  std::string out;
  while (text.size() > room) {
    size_t end = text.rfind(' ', room);
    if (end == std::string_view::npos || end == 0) end = room;
    out += std::string(text.substr(0, end)) + "\n" + std::string(indent, ' ');
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ')));
  }
  return out + std::string(text);
}

}  // namespace

std::string_view LevelName(Finding::Level level) {
  switch (level) {
    case Finding::Level::kOk:
      return "ok";
    case Finding::Level::kWarning:
      return "warning";
    case Finding::Level::kProblem:
      return "problem";
  }
  return "";
}

ExitCode ExitCodeOf(const std::vector<Finding>& findings) {
  ExitCode code = kExitOk;
  for (const Finding& finding : findings) {
    if (finding.level != Finding::Level::kProblem) continue;
    if (finding.is_unreachable) return kExitUnreachable;
    code = kExitUsage;
  }
  return code;
}

std::string FindingsView(const std::vector<Finding>& findings, const FindingsViewOptions& options) {
  std::string text;
  const auto width = static_cast<size_t>(std::max(options.width, 40));
  for (const Finding& finding : findings) {
    std::string level = PadRight(LevelName(finding.level), kLevelWidth);
    if (options.colors) level = absl::StrFormat("\x1b[%dm%s\x1b[0m", ColorOf(finding.level), level);
    constexpr size_t kIndent = kLevelWidth + kCheckWidth;
    text += level + PadRight(finding.check, kCheckWidth) +
            Wrapped(Clip(finding.message, 1'000), kIndent, width) + "\n";
    if (!finding.advice.empty()) {
      text +=
          std::string(kIndent, ' ') + "-> " + Wrapped(finding.advice, kIndent + 3, width) + "\n";
    }
  }
  return text;
}

std::string FindingsJson(const std::vector<Finding>& findings) {
  nlohmann::ordered_json json;
  json["findings"] = nlohmann::ordered_json::array();
  Finding::Level worst = Finding::Level::kOk;
  for (const Finding& finding : findings) {
    json["findings"].push_back({{"level", LevelName(finding.level)},
                                {"check", finding.check},
                                {"message", finding.message},
                                {"advice", finding.advice}});
    worst = std::max(worst, finding.level);
  }
  json["level"] = LevelName(worst);
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace loadtest
