#include "client/flags/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/flags/completion.h"
#include "client/flags/flag_values.h"
#include "client/flags/help_texts.h"
#include "client/flags/help_topics.h"
#include "common/base/nearest.h"
#include "common/base/version.h"
#include "common/cli/program_flags.h"

namespace loadtest {
namespace {

// CLI11 knows std::optional only for values it converts itself; here all values stay texts.
CLI::Option* AddText(CLI::App& app, const std::string& flag, std::optional<std::string>& value,
                     const std::string& type_name, const std::string& help) {
  return app
      .add_option_function<std::string>(
          flag, [&value](const std::string& text) { value = text; }, help)
      ->type_name(type_name);
}

CLI::Option* AddText(CLI::App& app, const std::string& flag, std::string& value,
                     const std::string& type_name, const std::string& help) {
  return app.add_option(flag, value, help)->type_name(type_name);
}

// One value each time the flag stands there, so that "-H 'A: b' URL" leaves the URL alone.
void AddTexts(CLI::App& app, const std::string& flag, std::vector<std::string>& values,
              const std::string& type_name, const std::string& help) {
  app.add_option(flag, values, help)->type_name(type_name)->allow_extra_args(false);
}

void AddSpecFlags(CLI::App& app, SpecFlags& flags) {
  app.add_option("URL", flags.arguments,
                 "http://host:port/path, or a plan file that ends in .json.\n"
                 "Before it may stand the type: avalanche, tsunami or rate")
      ->type_name("");
  const std::string load = "Load";
  AddText(app, "-c,--connections", flags.connections, "N",
          "Connections of each driver (default 50)")
      ->group(load);
  AddText(app, "--delay", flags.delay, "DURATION",
          "Tsunami: each driver sends a request every so often, start to start")
      ->group(load);
  AddText(app, "-r,--rate", flags.rate, "N",
          "Rate: requests per second of all drivers together, such as 500 or 2.5k")
      ->group(load);
  AddText(app, "--stages", flags.stages, "STAGES",
          "Rate that changes: FROM:TO@DURATION or RATE@DURATION and so on, such as "
          "0:1k@30s,1k@2m,1k:0@10s")
      ->group(load);
  AddText(
      app, "--arrivals", flags.arrivals, "uniform|poisson",
      "Tsunami and rate: evenly spaced, or at random as independent users are (default uniform)")
      ->group(load);
  AddText(app, "--seed", flags.seed, "N",
          "--arrivals poisson: the same seed makes the same times (default 0)")
      ->group(load);
  AddText(app, "-d,--duration", flags.duration, "DURATION",
          "How long to send (default 10s without -n, or as long as --stages)")
      ->group(load);
  AddText(app, "-n,--requests", flags.requests, "N", "Requests of each driver, such as 1000 or 20k")
      ->group(load);
  AddText(app, "--warmup", flags.warmup, "DURATION",
          "Send for so long at the first rate before, and leave it out of the result")
      ->group(load);
  AddText(app, "--drivers", flags.drivers, "N",
          "Drivers that take part (default: all that are idle)")
      ->group(load);
  AddText(app, "--max-connections", flags.max_connections, "N",
          "Tsunami and rate: connections of a driver when requests are due and none is free "
          "(default 4096)")
      ->group(load);
  AddText(app, "--spin", flags.spin, "DURATION",
          "Tsunami and rate: stay awake for so long before each request, such as 50us, to send it "
          "more exactly; costs CPU")
      ->group(load);

  const std::string request = "Request";
  AddText(app, "-X,-m,--method", flags.method, "METHOD",
          "Method (default GET, or POST with a body)")
      ->group(request);
  AddTexts(app, "-H,--header", flags.headers, "'NAME: VALUE'", "A header; may be repeated");
  app.get_option("--header")->group(request);
  AddText(app, "-b,--body", flags.body, "TEXT|@FILE|@-",
          "Body: the text, a file of up to 64 MiB, or standard input")
      ->group(request);
  app.add_flag("--http2", flags.http2, "HTTP/2; over http:// in clear text, without upgrade")
      ->group(request);
  AddText(app, "--streams", flags.streams, "N",
          "--http2: requests at once on a connection (default 1)")
      ->group(request);

  const std::string tls = "TLS (https)";
  app.add_flag("-k,--insecure", flags.insecure, "Do not verify the server's certificate")
      ->group(tls);
  AddText(app, "--cacert", flags.ca_certificates, "FILE",
          "Certificates to trust instead of the system's, PEM")
      ->group(tls);
  AddText(app, "--cert", flags.client_certificate, "FILE",
          "Client certificate with its chain, PEM; it travels to the drivers, as --key does")
      ->group(tls);
  AddText(app, "--key", flags.client_key, "FILE", "Its key, PEM")->group(tls);
  AddText(app, "--server-name", flags.server_name, "NAME",
          "Name to ask for and to verify instead of the URL's host")
      ->group(tls);
  AddText(app, "--tls-min", flags.tls_min, "1.2|1.3", "Lowest version (default 1.2)")->group(tls);
  AddText(app, "--tls-max", flags.tls_max, "1.2|1.3", "Highest version (default 1.3)")->group(tls);
  app.add_flag("--no-tls-resumption", flags.no_tls_resumption,
               "A full handshake for each connection")
      ->group(tls);

  const std::string limits = "Limits";
  AddText(app, "--timeout", flags.timeout, "DURATION",
          "Longest wait for a whole response (default 10s)")
      ->group(limits);
  AddText(app, "--connect-timeout", flags.connect_timeout, "DURATION",
          "Longest wait for a connection (default 10s)")
      ->group(limits);
  AddText(app, "--drain", flags.drain, "DURATION",
          "How long answers may still come after the last request (default: --timeout)")
      ->group(limits);
  AddText(app, "--on-driver-loss", flags.on_driver_loss, "continue|abort",
          "When a driver is lost in mid-test (default continue)")
      ->group(limits);

  const std::string result = "Result";
  AddTexts(app, "--slo", flags.thresholds, "THRESHOLDS",
           "What the result must keep, such as 'p99<50ms,errors<0.1%,rate>950/s' or "
           "'p99<50ms per 5s'; may be repeated. One that fails makes the exit code 3");
  app.get_option("--slo")->group(result);
  app.add_flag("--abort-on-fail", flags.abort_on_threshold,
               "--slo: stop the test as soon as a threshold cannot be kept any more")
      ->group(result);

  const std::string about = "About the test";
  AddText(app, "--title", flags.title, "TEXT", "For people, stands in the report")->group(about);
  AddTexts(app, "-l,--label", flags.labels, "KEY=VALUE",
           "A label, to find it by with ls -l; may be repeated");
  app.get_option("--label")->group(about);
}

void AddCreateFlags(CLI::App& app, CreateCommand& command) {
  AddSpecFlags(app, command.spec);
  const std::string about = "About the test";
  AddText(app, "--id", command.id, "ID", "Id of the test: a-z, 0-9 and '-' (default: one is made)")
      ->group(about);
  app.add_flag("--validate", command.validate_only, "Only check the test; nothing is started")
      ->group(about);
}

// The flags that every command has.
void AddCommonFlags(CLI::App& app, CommandLine& line, std::vector<std::string>& formats) {
  const std::string common = "Everywhere";
  app.add_option_function<std::string>(
         "--server",
         [&line](const std::string& text) {
           line.server = text;
           line.server_given = true;
         },
         "The orchestrator (default 127.0.0.1:50051, or LOADTEST_SERVER)")
      ->type_name("HOST:PORT")
      ->group(common);
  const std::string access = "The orchestrator's TLS and token (docs/security.md)";
  app.add_flag("--server-tls", line.access.tls,
               "Speak TLS with the orchestrator; implied by the three that follow")
      ->group(access);
  AddText(app, "--server-cacert", line.access.ca_file, "FILE",
          "Certificates to trust instead of the system's, PEM (or LOADTEST_SERVER_CACERT)")
      ->group(access);
  AddText(app, "--server-cert", line.access.certificate_file, "FILE",
          "Certificate to show to it, PEM")
      ->group(access);
  AddText(app, "--server-key", line.access.key_file, "FILE", "Its key, PEM")->group(access);
  AddText(app, "--token-file", line.access.token_file, "FILE",
          "The token is the first line of it (or LOADTEST_TOKEN_FILE, or the token itself in "
          "LOADTEST_TOKEN)")
      ->group(access);
  AddTexts(app, "-o", formats, "FORMAT[=FILE]",
           "How results are printed: table (default) or json; a report also as csv, junit or html. "
           "With =FILE the report goes there, too; may be repeated");
  app.get_option("-o")->group(common);
  AddText(app, "--output", line.output_file, "FILE", "Write results to this file")->group(common);
  app.add_flag("-q,--quiet", line.quiet, "No progress and no explanations, only the result")
      ->group(common);
}

// All commands are filled at once; the one that was chosen is taken in the end.
struct Commands {
  RunCommand run;
  CreateCommand create;
  ListCommand list;
  GetCommand get;
  WatchCommand watch;
  StopCommand stop;
  RemoveCommand remove;
  ReportCommand report;
  CheckCommand check;
  DiffCommand diff;
  NoteCommand note;
  DriversCommand drivers;
  TailCommand tail;
  DoctorCommand doctor;
  InitCommand init;
};

class Parser {
 public:
  Parser(CommandLine& line, std::vector<std::string>& formats) : line_(line) {
    app_.footer(kProgramExamples);
    app_.get_formatter()->column_width(32);
    app_.set_version_flag("--version", std::string("loadctl ") + kVersion,
                          "Print the version and exit");

    CLI::App& run = Add("run", "Run a test: create it, watch it, print its report", kRunExamples,
                        commands_.run);
    AddCreateFlags(run, commands_.run.create);
    AddText(run, "--local", commands_.run.local, "N",
            "Needs nothing running: starts an orchestrator with N drivers for this test")
        ->group("Load");
    AddCreateFlags(Add("create", "Create a test and print its name; it starts by itself",
                       kCreateExamples, commands_.create),
                   commands_.create);
    AddList(Add("ls", "List tests, newest first", kListExamples, commands_.list));
    AddName(Add("get", "Show a test: its spec and its state", "", commands_.get),
            commands_.get.name);
    AddName(Add("watch", "Watch a test until it ends, then print its report", kWatchExamples,
                commands_.watch),
            commands_.watch.name);
    CLI::App& stop = Add("stop", "Stop tests; each still gets its report", "", commands_.stop);
    AddNames(stop, commands_.stop.names, /*required=*/false);
    stop.add_flag("--all", commands_.stop.all,
                  "Every test that has not ended; waits until all is silent and says how long that "
                  "took");
    AddText(stop, "--reason", commands_.stop.reason, "TEXT", "Why, for the report");
    CLI::App& remove =
        Add("rm", "Delete ended tests with their reports", kRemoveExamples, commands_.remove);
    remove.add_option("names", commands_.remove.names, "The tests: x or loadTests/x")
        ->type_name("NAME");
    AddText(remove, "--older-than", commands_.remove.older_than, "DURATION",
            "Instead of names: all that ended longer ago, such as 30d or 12h");
    remove.add_flag("--yes", commands_.remove.yes, "--older-than: delete without asking");
    CLI::App& report = Add("report", "Print the report of a test, or of a part of it",
                           kReportExamples, commands_.report);
    AddName(report, commands_.report.name);
    AddSliceFlags(report, commands_.report.slice);
    CLI::App& check = Add("check", "Judge a test, or a part of it, by thresholds", kCheckExamples,
                          commands_.check);
    AddName(check, commands_.check.name);
    AddSliceFlags(check, commands_.check.slice);
    AddDiff(
        Add("diff", "Compare two tests: what changed beyond noise", kDiffExamples, commands_.diff));
    CLI::App& note = Add("note", "Write a note on a test; replaces the one before", kNoteExamples,
                         commands_.note);
    AddName(note, commands_.note.name);
    note.add_option("text", commands_.note.text, "The note; \"\" removes it")
        ->type_name("TEXT")
        ->required();
    Add("drivers", "List drivers", "", commands_.drivers);
    AddTail(Add("tail", "Print records of a Kafka topic, a JSON object a line", kTailExamples,
                commands_.tail));
    AddDoctor(Add("doctor", "Look for what could make a test fail or mislead", kDoctorExamples,
                  commands_.doctor));
    AddInit(Add("init", "Write a plan file with comments, to begin with", kInitExamples,
                commands_.init));
    help_ = app_.add_subcommand("help", "Explain a command or a topic: " + TopicNames());
    help_->add_option("topic", help_topic_, "A command, or " + TopicNames())->type_name("TOPIC");
    completion_ = app_.add_subcommand("completion", "Print a script that completes command lines");
    completion_->footer(kCompletionExamples);
    completion_->add_option("shell", shell_, "bash, zsh or fish")->type_name("SHELL")->required();
    // What follows a command is its own, also when it reads like another: help tail, get run.
    app_.require_subcommand(0, 1);
    AddCommonFlags(app_, line, formats);
    for (CLI::App* command : app_.get_subcommands(nullptr)) AddCommonFlags(*command, line, formats);
  }

  // Throws what CLI11 throws.
  void Parse(const std::vector<std::string>& arguments) {
    // CLI11 takes them last first.
    app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  }

  CLI::App& app() { return app_; }

  // What `help` and `completion` print; nullopt for any other command. InvalidArgument for a topic
  // or a shell that is not known.
  absl::StatusOr<std::optional<std::string>> AboutItself();
  // "loadctl", or "loadctl run" once a command was recognized.
  std::string Place() const {
    const std::vector<const CLI::App*> chosen =
        app_.get_subcommands([](const CLI::App* command) { return command->parsed(); });
    return chosen.empty() ? "loadctl" : "loadctl " + chosen[0]->get_name();
  }
  // The first argument that nothing could be made of.
  std::string FirstExtra() const {
    const std::vector<std::string> extras = app_.remaining(/*recurse=*/true);
    return extras.empty() ? "-" : extras.front();
  }
  std::vector<std::string> CommandNames() const {
    std::vector<std::string> names;
    for (const CLI::App* command : app_.get_subcommands(nullptr))
      names.push_back(command->get_name());
    return names;
  }
  // Those of the command that was chosen: "--rate", "-r".
  std::vector<std::string> FlagNames() const {
    const std::vector<const CLI::App*> chosen =
        app_.get_subcommands([](const CLI::App* command) { return command->parsed(); });
    std::vector<std::string> names;
    for (const CLI::Option* option : (chosen.empty() ? &app_ : chosen[0])->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
  }

  std::vector<CompletedCommand> Completed() const;

 private:
  static std::string TopicNames();

  template <typename T>
  CLI::App& Add(const std::string& name, const std::string& description,
                const std::string& examples, T& command) {
    CLI::App& app = *app_.add_subcommand(name, description);
    app.footer(examples);
    app.callback([this, &command] { line_.command = command; });
    return app;
  }

  static void AddName(CLI::App& app, std::string& name) {
    app.add_option("name", name, "The test: x or loadTests/x")->type_name("NAME")->required();
  }
  static void AddNames(CLI::App& app, std::vector<std::string>& names, bool required = true) {
    app.add_option("names", names, "The tests: x or loadTests/x")
        ->type_name("NAME")
        ->required(required);
  }
  void AddList(CLI::App& app) {
    ListCommand& list = commands_.list;
    AddText(app, "--limit", list.limit, "N", "At most so many (default 20)");
    AddTexts(app, "-l,--label", list.labels, "KEY=VALUE",
             "Only tests with this label; may be repeated: with all of them");
    AddTexts(
        app, "--state", list.states, "STATE",
        "Only tests in this state: pending, starting, running, stopping, succeeded, stopped or "
        "failed; may be repeated: in one of them");
    app.add_flag("--brief", list.brief,
                 "Without rate, p99 and verdict, which are asked for one by one");
  }
  static void AddSliceFlags(CLI::App& app, SliceFlags& slice) {
    AddTexts(app, "--slo", slice.thresholds, "THRESHOLDS",
             "Judged instead of the test's own, such as 'p99<50ms,errors<0.1%'; may be repeated");
    AddText(app, "--from", slice.from, "DURATION",
            "Only from so long after the start on; the warm-up counts");
    AddText(app, "--to", slice.to, "DURATION", "Only until so long after the start");
    AddTexts(app, "--exclude", slice.exclude, "DRIVER", "Without this driver; may be repeated");
  }
  void AddDiff(CLI::App& app) {
    DiffCommand& diff = commands_.diff;
    app.add_option("before", diff.before, "The first test, or a report file that ends in .json")
        ->type_name("A")
        ->required();
    app.add_option("after", diff.after, "The one to compare with it")->type_name("B")->required();
    AddTexts(app, "--fail-if", diff.limits, "LIMITS",
             "Exit with 3 when B is worse by more than this and more than noise, such as "
             "'p99>+10%,rate<-5%'; may be repeated");
    app.add_flag("--force", diff.force, "Compare what should not be compared");
  }
  void AddTail(CLI::App& app) {
    TailCommand& tail = commands_.tail;
    app.add_option("topic", tail.topic, "register, heartbeat, trigger or metrics")
        ->type_name("TOPIC")
        ->required();
    AddText(app, "--from", tail.from, "begin|end", "Where to start (default end)");
    AddText(app, "-n", tail.count, "COUNT", "Stop after so many records");
    app.add_flag("--once", tail.once, "Stop at the end of what is there");
    AddText(app, "--kafka", tail.kafka, "HOST:PORT",
            "The broker (default: that of the configuration)");
    AddText(
        app, "--config", tail.config, "FILE",
        "Configuration with the broker and its security (default: config.json, if there is one)");
  }

  void AddDoctor(CLI::App& app) {
    AddText(app, "--kafka", commands_.doctor.kafka, "HOST:PORT",
            "The broker (default: that of the configuration)");
    AddText(app, "--config", commands_.doctor.config, "FILE",
            "Configuration with the broker and the ports (default: config.json, if there is one)");
  }
  void AddInit(CLI::App& app) {
    app.add_option("file", commands_.init.file,
                   "The file; - is standard output (default plan.json)")
        ->type_name("FILE");
    AddText(app, "--url", commands_.init.url, "URL",
            "What to test (default http://127.0.0.1:8081/ping)");
    app.add_flag("--force", commands_.init.force, "Write over a file that is there");
  }

  CommandLine& line_;
  Commands commands_;
  CLI::App* help_ = nullptr;
  CLI::App* completion_ = nullptr;
  std::string help_topic_;
  std::string shell_;
  CLI::App app_{"Runs load tests through an orchestrator and shows what came of them.", "loadctl"};
};

std::string Parser::TopicNames() {
  std::vector<std::string> names;
  for (const HelpTopic& topic : HelpTopics()) names.emplace_back(topic.name);
  return absl::StrJoin(names, ", ");
}

absl::StatusOr<std::optional<std::string>> Parser::AboutItself() {
  if (completion_->parsed()) {
    if (shell_ == "bash" || shell_ == "zsh" || shell_ == "fish") {
      return CompletionScript(shell_, Completed());
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
                      absl::StrJoin(CommandNames(), ", "), TopicNames()));
}

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

std::vector<CompletedCommand> Parser::Completed() const {
  std::vector<CompletedCommand> commands;
  for (const CLI::App* app : app_.get_subcommands(nullptr)) {
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
      for (const CLI::App* other : app_.get_subcommands(nullptr)) {
        command.words.push_back(other->get_name());
      }
    }
  }
  return commands;
}

// CLI11's words for the most frequent mistakes do not say what to do instead.
std::string Explain(const Parser& parser, const CLI::ParseError& error) {
  const std::string text = error.what();
  const bool has_command = parser.Place() != "loadctl";
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !has_command) {
    return "a command is missing; want one of " + absl::StrJoin(parser.CommandNames(), ", ");
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && text.substr(0, 4) == "name") {
    return "the NAME of a test is missing; loadctl ls shows them";
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::string extra = parser.FirstExtra();
    if (extra[0] == '-') {
      const std::string flag = extra.substr(0, extra.find('='));
      return "unknown flag " + flag + DidYouMean(flag, parser.FlagNames());
    }
    if (has_command) return absl::StrFormat("unexpected argument \"%s\"", extra);
    if (extra.find("://") != std::string::npos) {
      return absl::StrFormat("a command is missing; want for example: loadctl run %s", extra);
    }
    const std::string hint = DidYouMean(extra, parser.CommandNames());
    return absl::StrFormat("unknown command \"%s\"%s want one of %s", extra,
                           hint.empty() ? ";" : hint, absl::StrJoin(parser.CommandNames(), ", "));
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const bool too_many = text.find("At Most") != std::string::npos;
    return text.substr(0, text.find(':')) + (too_many ? ": given twice" : ": the value is missing");
  }
  return text;
}

// What `-o` may be for the command that was chosen.
std::vector<std::pair<std::string, CommandLine::Format>> FormatsOf(const Command& command) {
  using Format = CommandLine::Format;
  std::vector<std::pair<std::string, Format>> formats = {{"table", Format::kTable},
                                                         {"json", Format::kJson}};
  const bool is_report = std::holds_alternative<RunCommand>(command) ||
                         std::holds_alternative<WatchCommand>(command) ||
                         std::holds_alternative<ReportCommand>(command) ||
                         std::holds_alternative<CheckCommand>(command);
  if (is_report) {
    formats.emplace_back("csv", Format::kCsv);
    formats.emplace_back("junit", Format::kJunit);
  }
  if (is_report || std::holds_alternative<DiffCommand>(command)) {
    formats.emplace_back("html", Format::kHtml);
  }
  return formats;
}

// Puts the values of -o into `line`; what is wrong with them, or nothing.
std::string TakeFormats(const std::vector<std::string>& texts, CommandLine& line) {
  const auto known = FormatsOf(line.command);
  bool has_main = false;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const auto it = std::find_if(known.begin(), known.end(),
                                 [&](const auto& format) { return format.first == name; });
    if (it == known.end()) {
      std::vector<std::string> names;
      for (const auto& format : known) names.push_back(format.first);
      return absl::StrFormat("got \"%s\", want %s", text, absl::StrJoin(names, ", "));
    }
    if (equals != std::string::npos) {
      const std::string file = text.substr(equals + 1);
      if (file.empty()) return absl::StrFormat("got \"%s\", want a file after the =", text);
      line.extra_outputs.push_back({it->second, file});
      continue;
    }
    if (has_main) {
      return absl::StrFormat("got \"%s\" as a second form, want %s=FILE: one alone is printed",
                             text, name);
    }
    has_main = true;
    line.format = it->second;
  }
  return "";
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
    if (parser.Place() == "loadctl") throw CLI::RequiredError("command");
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
    terminal.err << absl::StrFormat("%s: %s (see %s --help)\n", parser.Place(),
                                    Explain(parser, error), parser.Place());
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
