#include "client/flags/command_line.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/flags/help_texts.h"
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

  const std::string about = "About the test";
  AddText(app, "--title", flags.title, "TEXT", "For people, stands in the report")->group(about);
  AddTexts(app, "--label", flags.labels, "KEY=VALUE", "A label; may be repeated");
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
void AddCommonFlags(CLI::App& app, CommandLine& line, std::string& format) {
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
  AddText(app, "-o", format, "table|json", "How results are printed (default table)")
      ->group(common);
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
  DriversCommand drivers;
  TailCommand tail;
};

class Parser {
 public:
  Parser(CommandLine& line, std::string& format) : line_(line) {
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
    AddText(Add("ls", "List tests, newest first", "", commands_.list), "--limit",
            commands_.list.limit, "N", "At most so many (default 20)");
    AddName(Add("get", "Show a test: its spec and its state", "", commands_.get),
            commands_.get.name);
    AddName(Add("watch", "Watch a test until it ends, then print its report", kWatchExamples,
                commands_.watch),
            commands_.watch.name);
    CLI::App& stop = Add("stop", "Stop tests; each still gets its report", "", commands_.stop);
    AddNames(stop, commands_.stop.names);
    AddText(stop, "--reason", commands_.stop.reason, "TEXT", "Why, for the report");
    CLI::App& remove =
        Add("rm", "Delete ended tests with their reports", kRemoveExamples, commands_.remove);
    remove.add_option("names", commands_.remove.names, "The tests: x or loadTests/x")
        ->type_name("NAME");
    AddText(remove, "--older-than", commands_.remove.older_than, "DURATION",
            "Instead of names: all that ended longer ago, such as 30d or 12h");
    remove.add_flag("--yes", commands_.remove.yes, "--older-than: delete without asking");
    AddName(Add("report", "Print the report of a test", kReportExamples, commands_.report),
            commands_.report.name);
    Add("drivers", "List drivers", "", commands_.drivers);
    AddTail(Add("tail", "Print records of a Kafka topic, a JSON object a line", kTailExamples,
                commands_.tail));
    AddCommonFlags(app_, line, format);
    for (CLI::App* command : app_.get_subcommands(nullptr)) AddCommonFlags(*command, line, format);
  }

  // Throws what CLI11 throws.
  void Parse(const std::vector<std::string>& arguments) {
    // CLI11 takes them last first.
    app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  }

  CLI::App& app() { return app_; }
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
  std::string CommandNames() const {
    std::vector<std::string> names;
    for (const CLI::App* command : app_.get_subcommands(nullptr))
      names.push_back(command->get_name());
    return absl::StrJoin(names, ", ");
  }

 private:
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
  static void AddNames(CLI::App& app, std::vector<std::string>& names) {
    app.add_option("names", names, "The tests: x or loadTests/x")->type_name("NAME")->required();
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

  CommandLine& line_;
  Commands commands_;
  CLI::App app_{"Runs load tests through an orchestrator and shows what came of them.", "loadctl"};
};

// CLI11's words for the most frequent mistakes do not say what to do instead.
std::string Explain(const Parser& parser, const CLI::ParseError& error) {
  const std::string text = error.what();
  const bool has_command = parser.Place() != "loadctl";
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !has_command) {
    return "a command is missing; want one of " + parser.CommandNames();
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::string extra = parser.FirstExtra();
    if (extra[0] == '-') return "unknown flag " + extra;
    if (has_command) return absl::StrFormat("unexpected argument \"%s\"", extra);
    return absl::StrFormat("unknown command \"%s\"; want one of %s", extra, parser.CommandNames());
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const bool too_many = text.find("At Most") != std::string::npos;
    return text.substr(0, text.find(':')) + (too_many ? ": given twice" : ": the value is missing");
  }
  return text;
}

}  // namespace

bool ParseCommandLine(const std::vector<std::string>& arguments,
                      const std::map<std::string, std::string>& environment, Terminal& terminal,
                      CommandLine& line, int& exit_code) {
  if (const auto server = environment.find("LOADTEST_SERVER"); server != environment.end()) {
    line.server = server->second;
  }
  std::string format = "table";
  Parser parser(line, format);
  try {
    parser.Parse(arguments);
    // Checked here and not by CLI11, whose version would hide an unknown flag behind it.
    if (parser.Place() == "loadctl") throw CLI::RequiredError("command");
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
  if (format != "table" && format != "json") {
    terminal.err << absl::StrFormat("loadctl: -o: got \"%s\", want table or json\n", format);
    exit_code = kExitUsage;
    return false;
  }
  line.format = format == "json" ? CommandLine::Format::kJson : CommandLine::Format::kTable;
  return true;
}

}  // namespace loadtest
