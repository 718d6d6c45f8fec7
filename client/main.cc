// loadctl: the command line of the load tester.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "client/interrupts.h"
#include "client/loadctl.h"
#include "client/terminal.h"

namespace loadtest {
namespace {

// Of a report in a file or a pipe, where nobody's window counts, and in a wide window, where longer
// lines are harder to read.
constexpr int kWidestReport = 100;

int ReportWidth() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kWidestReport;
  return std::min<int>(size.ws_col, kWidestReport);
}

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// As the C library has it: the first of these that is set says the character set.
bool IsUnicode() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (!IsSet(variable)) continue;
    const std::string value = absl::AsciiStrToLower(std::getenv(variable));
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

bool TerminalIsDumb() {
  const char* term = std::getenv("TERM");
  return term == nullptr || std::string(term) == "dumb";
}

int Main(int argc, char** argv) {
  // First of all, since it must come before any other thread.
  Interrupts interrupts;
  // Whoever reads our output may leave; writing then fails and is seen there.
  std::signal(SIGPIPE, SIG_IGN);
  // gRPC would write about lost connections in its own words.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);

  Terminal terminal{.out = std::cout,
                    .err = std::cerr,
                    .in = std::cin,
                    .screen = isatty(STDERR_FILENO) && !TerminalIsDumb() ? STDERR_FILENO : -1,
                    .screen_colors = !IsSet("NO_COLOR"),
                    .screen_unicode = IsUnicode(),
                    .out_colors = isatty(STDOUT_FILENO) && !TerminalIsDumb() && !IsSet("NO_COLOR"),
                    .out_unicode = isatty(STDOUT_FILENO) && !TerminalIsDumb() && IsUnicode(),
                    .out_width = ReportWidth()};
  std::map<std::string, std::string> environment;
  for (const char* name :
       {"LOADTEST_SERVER", "LOADTEST_SERVER_CACERT", "LOADTEST_TOKEN", "LOADTEST_TOKEN_FILE"}) {
    if (IsSet(name)) environment[name] = std::getenv(name);
  }

  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return RunLoadctl({argv + 1, argv + argc}, environment, program.parent_path(), terminal,
                    interrupts);
}

}  // namespace
}  // namespace loadtest

int main(int argc, char** argv) { return loadtest::Main(argc, argv); }
