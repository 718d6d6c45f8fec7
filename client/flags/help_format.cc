#include "client/flags/help_format.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_replace.h"

namespace loadtest {
namespace {

constexpr size_t kColumns = 100;
constexpr size_t kDescriptionColumn = 32;

// Lines broken at spaces.
std::string Wrapped(const std::string& text, size_t width) {
  std::string wrapped;
  size_t line = 0;
  for (size_t from = 0; from < text.size();) {
    size_t end = text.find_first_of(" \n", from);
    if (end == std::string::npos) end = text.size();
    const size_t word = end - from;
    if (line > 0 && line + 1 + word > width) {
      wrapped += '\n';
      line = 0;
    } else if (line > 0) {
      wrapped += ' ';
      ++line;
    }
    wrapped.append(text, from, word);
    line += word;
    if (end < text.size() && text[end] == '\n') {
      wrapped += '\n';
      line = 0;
    }
    from = end + 1;
  }
  return wrapped;
}

}  // namespace

HelpFormat::HelpFormat() { column_width(kDescriptionColumn); }

std::string HelpFormat::make_help(const CLI::App* app, std::string name,
                                  CLI::AppFormatMode mode) const {
  // CLI11 leaves two empty lines before each group.
  return absl::StrReplaceAll(CLI::Formatter::make_help(app, std::move(name), mode),
                             {{"\n\n\n", "\n\n"}});
}

std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
  // The usage line has brackets around what may be left out.
  return absl::StrReplaceAll(CLI::Formatter::make_option_opts(option), {{" REQUIRED", ""}});
}

std::string HelpFormat::make_option_desc(const CLI::Option* option) const {
  return Wrapped(option->get_description(), kColumns - kDescriptionColumn);
}

}  // namespace loadtest
