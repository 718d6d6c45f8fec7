#include "client/loadctl.h"

#include <fstream>
#include <variant>

#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/flags/command_line.h"

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

}  // namespace

int RunLoadctl(const std::vector<std::string>& arguments,
               const std::map<std::string, std::string>& environment,
               const std::string& program_folder, Terminal& terminal, Interrupts& interrupts) {
  CommandLine line;
  int exit_code = kExitOk;
  if (!ParseCommandLine(arguments, environment, terminal, line, exit_code)) return exit_code;

  std::ofstream file;
  if (!line.output_file.empty()) {
    // Before the test and not after it: an hour of load should not end in a report that cannot be
    // written.
    file.open(line.output_file, std::ios::binary);
    if (!file) {
      terminal.err << absl::StrFormat(
          "loadctl: --output: got \"%s\", want a file that can be written\n", line.output_file);
      return kExitUsage;
    }
  }
  std::vector<ExtraOutputFile> extras(line.extra_outputs.size());
  for (size_t i = 0; i < extras.size(); ++i) {
    extras[i].format = line.extra_outputs[i].format;
    extras[i].file = std::make_unique<std::ofstream>(line.extra_outputs[i].file, std::ios::binary);
    if (*extras[i].file) continue;
    terminal.err << absl::StrFormat("loadctl: -o: got \"%s\", want a file that can be written\n",
                                    line.extra_outputs[i].file);
    return kExitUsage;
  }
  Context context{.line = line,
                  .terminal = terminal,
                  .interrupts = interrupts,
                  .out = file.is_open() ? file : terminal.out,
                  .program_folder = program_folder,
                  .extras = extras};
  exit_code = std::visit(Dispatch{context}, line.command);
  context.out.flush();
  bool written = static_cast<bool>(context.out);
  for (const ExtraOutputFile& extra : extras) written &= static_cast<bool>(extra.file->flush());
  if (!written && exit_code == kExitOk) {
    terminal.err << "loadctl: the result could not be written\n";
    return kExitInternal;
  }
  return exit_code;
}

}  // namespace loadtest
