// The command line of loadctl, taken apart.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/flags/spec_flags.h"
#include "client/terminal.h"

namespace loadtest {

// One type a command. Names of tests are as a person wrote them: "x" or "loadTests/x".
struct CreateCommand {
  SpecFlags spec;
  std::string id;
  bool validate_only = false;
};
struct RunCommand {
  CreateCommand create;
  // Start an orchestrator of its own with so many drivers.
  std::optional<std::string> local;
};
struct ListCommand {
  std::string limit = "20";
};
struct GetCommand {
  std::string name;
};
struct WatchCommand {
  std::string name;
};
struct StopCommand {
  std::vector<std::string> names;
  std::string reason;
};
struct RemoveCommand {
  std::vector<std::string> names;
  // Instead of names: a duration, as it was written.
  std::string older_than;
  bool yes = false;
};
struct ReportCommand {
  std::string name;
};
struct DriversCommand {};
struct TailCommand {
  std::string topic;
  std::string from = "end";
  std::optional<std::string> count;
  bool once = false;
  std::string kafka;
  std::string config;
};
using Command =
    std::variant<RunCommand, CreateCommand, ListCommand, GetCommand, WatchCommand, StopCommand,
                 RemoveCommand, ReportCommand, DriversCommand, TailCommand>;

struct CommandLine {
  enum class Format { kTable, kJson };

  Command command;
  // Address of the orchestrator, and whether a person or the environment chose it.
  std::string server = "127.0.0.1:50051";
  bool server_given = false;
  Format format = Format::kTable;
  // File for what would go to standard output; empty: standard output.
  std::string output_file;
  // Neither progress nor explanations on standard error.
  bool quiet = false;
};

// `arguments` are those after the program's name; `environment` has LOADTEST_SERVER if it is set.
// False when the program should end with `exit_code`: 0 after --help or --version, 2 after one line
// that says what is wrong.
bool ParseCommandLine(const std::vector<std::string>& arguments,
                      const std::map<std::string, std::string>& environment, Terminal& terminal,
                      CommandLine& line, int& exit_code);

}  // namespace loadtest
