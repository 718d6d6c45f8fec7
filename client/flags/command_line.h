// The command line of loadctl, taken apart.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/flags/spec_flags.h"
#include "client/server_access.h"
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
  std::vector<std::string> labels;  // "key=value"
  std::vector<std::string> states;  // "running", "SUCCEEDED"
  bool brief = false;               // without rate, p99 and verdict
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
  // Every test that has not ended, instead of names.
  bool all = false;
};
struct RemoveCommand {
  std::vector<std::string> names;
  // Instead of names: a duration, as it was written.
  std::string older_than;
  bool yes = false;
};
// A part of a test, and what to judge it by.
struct SliceFlags {
  std::vector<std::string> thresholds;  // "p99<50ms,errors<0.1%"
  std::optional<std::string> from;
  std::optional<std::string> to;
  std::vector<std::string> exclude;  // ids of drivers
};
struct ReportCommand {
  std::string name;
  SliceFlags slice;
};
struct CheckCommand {
  std::string name;
  SliceFlags slice;
};
// Ids of tests, or report files.
struct DiffCommand {
  std::string before;
  std::string after;
  std::vector<std::string> limits;  // "p99>+10%"
  bool force = false;
};
struct NoteCommand {
  std::string name;
  std::string text;
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
struct DoctorCommand {
  std::string kafka;
  std::string config;
};
struct InitCommand {
  std::string file = "plan.json";
  std::string url = "http://127.0.0.1:8081/ping";
  bool force = false;
};
// `help` and `completion` are about the command line itself: ParseCommandLine answers them.
using Command = std::variant<RunCommand, CreateCommand, ListCommand, GetCommand, WatchCommand,
                             StopCommand, RemoveCommand, ReportCommand, CheckCommand, DiffCommand,
                             NoteCommand, DriversCommand, TailCommand, DoctorCommand, InitCommand>;

struct CommandLine {
  enum class Format { kTable, kJson, kCsv, kJunit, kHtml };

  Command command;
  // Address of the orchestrator, and whether a person or the environment chose it.
  std::string server = "127.0.0.1:50051";
  bool server_given = false;
  ServerAccessFlags access;
  Format format = Format::kTable;
  // File for what would go to standard output; empty: standard output.
  std::string output_file;
  // Of -o FORMAT=FILE: the report once more, in another form.
  struct ExtraOutput {
    Format format;
    std::string file;
  };
  std::vector<ExtraOutput> extra_outputs;
  // Neither progress nor explanations on standard error.
  bool quiet = false;
};

// `arguments` are those after the program's name; `environment` has LOADTEST_SERVER
// and the variables of AccessFromEnvironment, as far as they are set.
// False when the program should end with `exit_code`: 0 after --help, --version, help or
// completion, 2 after one line that says what is wrong.
bool ParseCommandLine(const std::vector<std::string>& arguments,
                      const std::map<std::string, std::string>& environment, Terminal& terminal,
                      CommandLine& line, int& exit_code);

}  // namespace loadtest
