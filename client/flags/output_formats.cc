#include "client/flags/output_formats.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace loadtest {
namespace {

// What `-o` may be for the command that was chosen.
std::vector<std::pair<std::string, CommandLine::Format>> FormatsOf(const Command& command) {
  using Format = CommandLine::Format;
  std::vector<std::pair<std::string, Format>> formats = {{"table", Format::kTable},
                                                         {"json", Format::kJson}};
  const bool is_report = std::holds_alternative<RunCommand>(command) ||
                         std::holds_alternative<WatchCommand>(command) ||
                         std::holds_alternative<ReportCommand>(command) ||
                         std::holds_alternative<CheckCommand>(command);
  if (is_report) {
    formats.emplace_back("csv", Format::kCsv);
    formats.emplace_back("junit", Format::kJunit);
  }
  if (is_report || std::holds_alternative<DiffCommand>(command)) {
    formats.emplace_back("html", Format::kHtml);
  }
  return formats;
}

}  // namespace

std::string TakeFormats(const std::vector<std::string>& texts, CommandLine& line) {
  const auto known = FormatsOf(line.command);
  bool has_main = false;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const auto it = std::find_if(known.begin(), known.end(),
                                 [&](const auto& format) { return format.first == name; });
    if (it == known.end()) {
      std::vector<std::string> names;
      for (const auto& format : known) names.push_back(format.first);
      return absl::StrFormat("got \"%s\", want %s", text, absl::StrJoin(names, ", "));
    }
    if (equals != std::string::npos) {
      const std::string file = text.substr(equals + 1);
      if (file.empty()) return absl::StrFormat("got \"%s\", want a file after the =", text);
      line.extra_outputs.push_back({it->second, file});
      continue;
    }
    if (has_main) {
      return absl::StrFormat("got \"%s\" as a second form, want %s=FILE: one alone is printed",
                             text, name);
    }
    has_main = true;
    line.format = it->second;
  }
  return "";
}

}  // namespace loadtest
