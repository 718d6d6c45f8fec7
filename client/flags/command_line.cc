#include "client/flags/command_line.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/flags/command_options.h"
#include "client/flags/completed_commands.h"
#include "client/flags/completion.h"
#include "client/flags/flag_values.h"
#include "client/flags/help_format.h"
#include "client/flags/help_texts.h"
#include "client/flags/help_topics.h"
#include "client/flags/output_formats.h"
#include "client/flags/usage_errors.h"
#include "common/base/version.h"
#include "common/cli/program_flags.h"

namespace loadtest {
namespace {

std::string TopicNames() {
  std::vector<std::string> names;
  for (const HelpTopic& topic : HelpTopics()) names.emplace_back(topic.name);
  return absl::StrJoin(names, ", ");
}

class Parser {
 public:
  Parser(CommandLine& line, std::vector<std::string>& formats) {
    app_.footer(kProgramExamples);
    app_.formatter(std::make_shared<HelpFormat>());
    app_.set_version_flag("--version", std::string("loadctl ") + kVersion,
                          "Print the version and exit");
    AddCommands(app_, commands_, [&line](const Command& command) { line.command = command; });
    help_ = app_.add_subcommand("help", "Explain a command or a topic");
    help_->add_option("topic", help_topic_, "A command, or " + TopicNames())->type_name("TOPIC");
    completion_ = app_.add_subcommand("completion", "Print a script that completes command lines");
    completion_->footer(kCompletionExamples);
    completion_->add_option("shell", shell_, "bash, zsh or fish")->type_name("SHELL")->required();
    // What follows a command is its own, also when it reads like another: help tail, get run.
    app_.require_subcommand(0, 1);
    AddCommonOptions(app_, line, formats);
    for (CLI::App* command : app_.get_subcommands(nullptr))
      AddCommonOptions(*command, line, formats);
  }

  // Throws what CLI11 throws.
  void Parse(const std::vector<std::string>& arguments) {
    // CLI11 takes them last first.
    app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  }

  const CLI::App& app() const { return app_; }

  // What `help` and `completion` print; nullopt for any other command. InvalidArgument for a topic
  // or a shell that is not known.
  absl::StatusOr<std::optional<std::string>> AboutItself();

 private:
  Commands commands_;
  CLI::App* help_ = nullptr;
  CLI::App* completion_ = nullptr;
  std::string help_topic_;
  std::string shell_;
  CLI::App app_{"Runs load tests through an orchestrator and shows what came of them.", "loadctl"};
};

absl::StatusOr<std::optional<std::string>> Parser::AboutItself() {
  if (completion_->parsed()) {
    if (shell_ == "bash" || shell_ == "zsh" || shell_ == "fish") {
      return CompletionScript(shell_, CompletedCommands(app_));
    }
    return WrongFlag("completion", shell_, "bash, zsh or fish");
  }
  if (!help_->parsed()) return std::nullopt;
  if (help_topic_.empty()) {
    // Not App::help, which explains the command that was chosen: help.
    std::string text =
        app_.get_formatter()->make_help(&app_, "loadctl", CLI::AppFormatMode::Normal) +
        "\nTopics (loadctl help TOPIC):\n";
    for (const HelpTopic& topic : HelpTopics()) {
      text += absl::StrFormat("  %-30s%s\n", std::string(topic.name), std::string(topic.summary));
    }
    return text;
  }
  if (const HelpTopic* topic = FindHelpTopic(help_topic_)) return std::string(topic->text);
  for (const CLI::App* command : app_.get_subcommands(nullptr)) {
    if (command->get_name() == help_topic_) return command->help("loadctl");
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("help: got \"%s\", want a command (%s) or one of %s", help_topic_,
                      absl::StrJoin(CommandNames(app_), ", "), TopicNames()));
}

}  // namespace

bool ParseCommandLine(const std::vector<std::string>& arguments,
                      const std::map<std::string, std::string>& environment, Terminal& terminal,
                      CommandLine& line, int& exit_code) {
  if (const auto server = environment.find("LOADTEST_SERVER"); server != environment.end()) {
    line.server = server->second;
  }
  line.access = AccessFromEnvironment(environment);
  std::vector<std::string> formats;
  Parser parser(line, formats);
  try {
    parser.Parse(arguments);
    // Checked here and not by CLI11, whose version would hide an unknown flag behind it.
    if (PlaceOf(parser.app()) == "loadctl") throw CLI::RequiredError("command");
    const auto about_itself = parser.AboutItself();
    if (!about_itself.ok()) {
      terminal.err << "loadctl: " << std::string(about_itself.status().message()) << "\n";
      exit_code = kExitUsage;
      return false;
    }
    if (about_itself->has_value()) {
      terminal.out << **about_itself << std::flush;
      exit_code = kExitOk;
      return false;
    }
  } catch (const CLI::Success& success) {
    parser.app().exit(success, terminal.out, terminal.err);
    exit_code = kExitOk;
    return false;
  } catch (const CLI::ParseError& error) {
    terminal.err << absl::StrFormat("%s: %s (see %s --help)\n", PlaceOf(parser.app()),
                                    ExplainUsage(parser.app(), error), PlaceOf(parser.app()));
    exit_code = kExitUsage;
    return false;
  }
  if (const std::string wrong = TakeFormats(formats, line); !wrong.empty()) {
    terminal.err << "loadctl: -o: " << wrong << "\n";
    exit_code = kExitUsage;
    return false;
  }
  return true;
}

}  // namespace loadtest
