// loadctl: the command line of the load tester.
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "client/interrupts.h"
#include "client/loadctl.h"
#include "client/terminal.h"

namespace loadtest {
namespace {

constexpr int kDefaultWidth = 100;

int TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultWidth;
  return size.ws_col;
}

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
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
                    .err_redraws = isatty(STDERR_FILENO) && !TerminalIsDumb(),
                    .width = TerminalWidth(),
                    .out_colors = isatty(STDOUT_FILENO) && !TerminalIsDumb() && !IsSet("NO_COLOR")};
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
