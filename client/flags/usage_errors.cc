#include "client/flags/usage_errors.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/nearest.h"

namespace loadtest {
namespace {

// nullptr: none was recognized.
const CLI::App* ChosenCommand(const CLI::App& program) {
  const std::vector<const CLI::App*> chosen =
      program.get_subcommands([](const CLI::App* command) { return command->parsed(); });
  return chosen.empty() ? nullptr : chosen[0];
}

// The first argument that nothing could be made of.
std::string FirstExtra(const CLI::App& program) {
  const std::vector<std::string> extras = program.remaining(/*recurse=*/true);
  return extras.empty() ? "-" : extras.front();
}

// Those of the command that was chosen: "--rate".
std::vector<std::string> FlagNames(const CLI::App& program) {
  const CLI::App* const command = ChosenCommand(program);
  std::vector<std::string> names;
  for (const CLI::Option* option : (command ? command : &program)->get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

}  // namespace

std::string PlaceOf(const CLI::App& program) {
  const CLI::App* const command = ChosenCommand(program);
  return command == nullptr ? program.get_name() : program.get_name() + " " + command->get_name();
}

std::vector<std::string> CommandNames(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands(nullptr))
    names.push_back(command->get_name());
  return names;
}

std::string ExplainUsage(const CLI::App& program, const CLI::ParseError& error) {
  const std::string text = error.what();
  const bool has_command = ChosenCommand(program) != nullptr;
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !has_command) {
    return "a command is missing; want one of " + absl::StrJoin(CommandNames(program), ", ");
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && text.substr(0, 4) == "name") {
    return "the NAME of a test is missing; loadctl ls shows them";
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    // "after is required": what a person wrote instead of it is B in the usage line.
    const std::string name = text.substr(0, text.find(' '));
    for (const CLI::Option* option : ChosenCommand(program)->get_options()) {
      if (option->get_name() != name) continue;
      return absl::StrFormat("%s is missing: %s", option->get_type_name(),
                             option->get_description());
    }
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::string extra = FirstExtra(program);
    if (extra[0] == '-') {
      const std::string flag = extra.substr(0, extra.find('='));
      return "unknown flag " + flag + DidYouMean(flag, FlagNames(program));
    }
    if (has_command) return absl::StrFormat("unexpected argument \"%s\"", extra);
    if (extra.find("://") != std::string::npos) {
      return absl::StrFormat("a command is missing; want for example: loadctl run %s", extra);
    }
    const std::string hint = DidYouMean(extra, CommandNames(program));
    return absl::StrFormat("unknown command \"%s\"%s want one of %s", extra,
                           hint.empty() ? ";" : hint, absl::StrJoin(CommandNames(program), ", "));
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const bool too_many = text.find("At Most") != std::string::npos;
    return text.substr(0, text.find(':')) + (too_many ? ": given twice" : ": the value is missing");
  }
  return text;
}

}  // namespace loadtest
