#include "client/loadctl.h"

#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/flags/command_line.h"
#include "client/output_file.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

struct Dispatch {
  Context& context;
  int operator()(const RunCommand& command) const { return RunTest(command, context); }
  int operator()(const CreateCommand& command) const { return CreateTest(command, context); }
  int operator()(const ListCommand& command) const { return ListTests(command, context); }
  int operator()(const GetCommand& command) const { return GetTest(command, context); }
  int operator()(const WatchCommand& command) const { return WatchTest(command, context); }
  int operator()(const StopCommand& command) const { return StopTests(command, context); }
  int operator()(const RemoveCommand& command) const { return RemoveTests(command, context); }
  int operator()(const ReportCommand& command) const { return PrintReportOf(command, context); }
  int operator()(const CheckCommand& command) const { return CheckTest(command, context); }
  int operator()(const DiffCommand& command) const { return DiffTests(command, context); }
  int operator()(const NoteCommand& command) const { return WriteNote(command, context); }
  int operator()(const DriversCommand& command) const { return ListDrivers(command, context); }
  int operator()(const TailCommand& command) const { return TailTopic(command, context); }
  int operator()(const DoctorCommand& command) const { return Doctor(command, context); }
  int operator()(const InitCommand& command) const { return InitPlan(command, context); }
};

absl::Status OpenFiles(const CommandLine& line, std::unique_ptr<OutputFile>& file,
                       std::vector<ExtraOutputFile>& extras) {
  if (!line.output_file.empty()) {
    ASSIGN_OR_RETURN(file, OutputFile::Open("--output", line.output_file));
  }
  for (const CommandLine::ExtraOutput& extra : line.extra_outputs) {
    ASSIGN_OR_RETURN(auto opened, OutputFile::Open("-o", extra.file));
    extras.push_back({extra.format, std::move(opened)});
  }
  return absl::OkStatus();
}

// Says it when not. nullptr: standard output.
bool IsWritten(OutputFile* file, Terminal& terminal) {
  if ((file != nullptr ? *file : terminal.out).flush()) return true;
  if (file == nullptr) {
    terminal.err << "loadctl: standard output: the result could not be written; want a file with "
                    "room, or a reader that stays"
                 << std::endl;
  } else {
    terminal.err << absl::StrFormat("loadctl: %s: the result could not be written: %s",
                                    file->path(), file->WhyNotWritten())
                 << std::endl;
  }
  return false;
}

}  // namespace

int RunLoadctl(const std::vector<std::string>& arguments,
               const std::map<std::string, std::string>& environment,
               const std::string& program_folder, Terminal& terminal, Interrupts& interrupts) {
  CommandLine line;
  int exit_code = kExitOk;
  if (!ParseCommandLine(arguments, environment, terminal, line, exit_code)) {
    // --help, help and completion have printed something.
    return IsWritten(nullptr, terminal) || exit_code != kExitOk ? exit_code : kExitInternal;
  }
  std::unique_ptr<OutputFile> file;
  std::vector<ExtraOutputFile> extras;
  if (const absl::Status opened = OpenFiles(line, file, extras); !opened.ok()) {
    terminal.err << "loadctl: " << std::string(opened.message()) << std::endl;
    return kExitUsage;
  }
  Context context{.line = line,
                  .terminal = terminal,
                  .interrupts = interrupts,
                  .out = file != nullptr ? *file : terminal.out,
                  .program_folder = program_folder,
                  .extras = extras};
  exit_code = std::visit(Dispatch{context}, line.command);
  bool written = IsWritten(file.get(), terminal);
  for (const ExtraOutputFile& extra : extras) written &= IsWritten(extra.file.get(), terminal);
  return written || exit_code != kExitOk ? exit_code : kExitInternal;
}

}  // namespace loadtest
