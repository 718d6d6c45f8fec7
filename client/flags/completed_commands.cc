#include "client/flags/completed_commands.h"

#include <string>

#include "absl/strings/str_split.h"
#include "client/flags/help_topics.h"

namespace loadtest {
namespace {

// The first line, without what would make it long.
std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// "uniform|poisson" -> both; what is not a word to type ("TEXT|@FILE", "N") -> nothing.
std::vector<std::string> ValuesOf(const std::string& type_name) {
  if (type_name.find('|') == std::string::npos) return {};
  std::vector<std::string> values = absl::StrSplit(type_name, '|');
  for (const std::string& value : values) {
    if (value.find_first_of("@ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos) return {};
  }
  return values;
}

}  // namespace

std::vector<CompletedCommand> CompletedCommands(const CLI::App& program) {
  std::vector<CompletedCommand> commands;
  for (const CLI::App* app : program.get_subcommands(nullptr)) {
    CompletedCommand& command = commands.emplace_back();
    command.name = app->get_name();
    command.help = FirstLine(app->get_description());
    for (const CLI::Option* option : app->get_options()) {
      const std::string type = option->get_type_name();
      if (option->get_positional()) {
        command.takes_tests = command.takes_tests || type == "NAME";
        command.takes_files = command.takes_files || type == "FILE" || option->get_name() == "URL";
        continue;
      }
      CompletedFlag& flag = command.flags.emplace_back();
      for (const std::string& name : option->get_snames()) flag.names.push_back("-" + name);
      for (const std::string& name : option->get_lnames()) flag.names.push_back("--" + name);
      flag.takes_value = option->get_items_expected_max() > 0;
      flag.takes_file = type == "FILE";
      flag.values = ValuesOf(type);
      flag.help = FirstLine(option->get_description());
    }
    if (command.name == "run" || command.name == "create") {
      command.words = {"avalanche", "tsunami", "rate"};
    } else if (command.name == "tail") {
      command.words = {"register", "heartbeat", "trigger", "metrics"};
    } else if (command.name == "completion") {
      command.words = {"bash", "zsh", "fish"};
    } else if (command.name == "help") {
      for (const HelpTopic& topic : HelpTopics()) command.words.emplace_back(topic.name);
      for (const CLI::App* other : program.get_subcommands(nullptr)) {
        command.words.push_back(other->get_name());
      }
    }
  }
  return commands;
}

}  // namespace loadtest
