// What every command works with.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/flags/command_line.h"
#include "client/interrupts.h"
#include "client/output_file.h"
#include "client/terminal.h"
#include "common/cli/program_flags.h"

namespace loadtest {

// An open file of -o FORMAT=FILE.
struct ExtraOutputFile {
  CommandLine::Format format;
  std::unique_ptr<OutputFile> file;
};

struct Context {
  const CommandLine& line;
  Terminal& terminal;
  Interrupts& interrupts;
  // Where results go: standard output, or the file of --output.
  std::ostream& out;
  // Folder of this program; `orchestrator` is beside it.
  std::string program_folder;
  std::vector<ExtraOutputFile>& extras;
  // Whether tests outlive this command: not those of `run --local`.
  bool tests_are_kept = true;

  bool json() const { return line.format == CommandLine::Format::kJson; }
};

// Prints "loadctl: ..." for each line of the error. Returns its exit code: what the caller can mend
// by calling differently is kExitUsage, an absent orchestrator or broker kExitUnreachable, else
// kExitInternal.
int Fail(const Context& context, const absl::Status& error);

// To the orchestrator of --server.
absl::StatusOr<std::unique_ptr<Connection>> Connect(const Context& context);

// "x" and "loadTests/x" -> "loadTests/x".
absl::StatusOr<std::string> TestName(std::string_view text);

}  // namespace loadtest
