// `init`: a plan file to begin with.
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/flags/plan_template.h"

namespace loadtest {

int InitPlan(const InitCommand& command, Context& context) {
  const std::string plan = PlanTemplate(command.url);
  if (command.file == "-") {
    context.out << plan << std::flush;
    return kExitOk;
  }
  constexpr std::string_view kEnding = ".json";
  const std::string& file = command.file;
  if (file.size() <= kEnding.size() || !file.ends_with(kEnding)) {
    return Fail(context,
                absl::InvalidArgumentError(absl::StrFormat(
                    "FILE: got \"%s\", want a name that ends in .json (so that loadctl run "
                    "takes it for a plan), or - for standard output",
                    file)));
  }
  std::error_code error;
  if (std::filesystem::exists(file, error) && !command.force) {
    return Fail(context,
                absl::AlreadyExistsError(absl::StrFormat(
                    "%s exists already; want another name, or --force to write over it", file)));
  }
  std::ofstream out(file, std::ios::binary);
  out << plan << std::flush;
  if (!out) {
    return Fail(context, absl::InvalidArgumentError(absl::StrFormat(
                             "FILE: got \"%s\", want a file that can be written", file)));
  }
  if (!context.line.quiet) {
    context.terminal.err << absl::StrFormat(
        "%s is written: change it, then\n"
        "  loadctl run %s                   with an orchestrator running\n"
        "  loadctl run --local 2 %s         with nothing running\n",
        file, file, file);
  }
  return kExitOk;
}

}  // namespace loadtest
