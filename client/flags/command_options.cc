#include "client/flags/command_options.h"

#include "client/flags/help_texts.h"
#include "client/flags/options.h"
#include "client/flags/spec_options.h"

namespace loadtest {
namespace {

void AddCreate(CLI::App& app, CreateCommand& command) {
  AddSpecOptions(app, command.spec);
  const std::string about = "About the test";
  AddText(app, "--id", command.id, "ID", "Id of the test: a-z, 0-9 and '-' (default: one is made)")
      ->group(about);
  app.add_flag("--validate", command.validate_only, "Only check the test; nothing is started")
      ->group(about);
}

void AddRun(CLI::App& app, RunCommand& run) {
  AddCreate(app, run.create);
  AddText(app, "--local", run.local, "N",
          "Needs nothing running: starts an orchestrator with N drivers for this test")
      ->group("Load");
}

void AddName(CLI::App& app, std::string& name) {
  app.add_option("name", name, "The test: x or loadTests/x")->type_name("NAME")->required();
}

void AddNames(CLI::App& app, std::vector<std::string>& names) {
  app.add_option("names", names, "The tests: x or loadTests/x")->type_name("NAME");
}

void AddList(CLI::App& app, ListCommand& list) {
  AddText(app, "--limit", list.limit, "N", "At most so many (default 20)");
  AddTexts(app, "-l,--label", list.labels, "KEY=VALUE",
           "Only tests with this label; may be repeated: with all of them");
  AddTexts(app, "--state", list.states, "STATE",
           "Only tests in this state: pending, starting, running, stopping, succeeded, stopped or "
           "failed; may be repeated: in one of them");
  app.add_flag("--brief", list.brief,
               "Without rate, p99 and verdict, which are asked for one by one");
}

void AddStop(CLI::App& app, StopCommand& stop) {
  AddNames(app, stop.names);
  app.add_flag("--all", stop.all,
               "Every test that has not ended; waits until all is silent and says how long that "
               "took");
  AddText(app, "--reason", stop.reason, "TEXT", "Why, for the report");
}

void AddRemove(CLI::App& app, RemoveCommand& remove) {
  AddNames(app, remove.names);
  AddText(app, "--older-than", remove.older_than, "DURATION",
          "Instead of names: all that ended longer ago, such as 30d or 12h");
  app.add_flag("--yes", remove.yes, "--older-than: delete without asking");
}

void AddSlice(CLI::App& app, SliceFlags& slice) {
  AddTexts(app, "--slo", slice.thresholds, "THRESHOLDS",
           "Judged instead of the test's own, such as 'p99<50ms,errors<0.1%'; may be repeated");
  AddText(app, "--from", slice.from, "DURATION",
          "Only from so long after the start on; the warm-up counts");
  AddText(app, "--to", slice.to, "DURATION", "Only until so long after the start");
  AddTexts(app, "--exclude", slice.exclude, "DRIVER", "Without this driver; may be repeated");
}

void AddDiff(CLI::App& app, DiffCommand& diff) {
  app.add_option("before", diff.before, "The first test, or a report file that ends in .json")
      ->type_name("A")
      ->required();
  app.add_option("after", diff.after, "The one to compare with it")->type_name("B")->required();
  AddTexts(app, "--fail-if", diff.limits, "LIMITS",
           "Exit with 3 when B is worse by more than this and more than noise, such as "
           "'p99>+10%,rate<-5%'; may be repeated");
  app.add_flag("--force", diff.force, "Compare what should not be compared");
}

void AddNote(CLI::App& app, NoteCommand& note) {
  AddName(app, note.name);
  app.add_option("text", note.text, "The note; \"\" removes it")->type_name("TEXT")->required();
}

void AddTail(CLI::App& app, TailCommand& tail) {
  app.add_option("topic", tail.topic, "register, heartbeat, trigger or metrics")
      ->type_name("TOPIC")
      ->required();
  AddText(app, "--from", tail.from, "begin|end", "Where to start (default end)");
  AddText(app, "-n", tail.count, "COUNT", "Stop after so many records");
  app.add_flag("--once", tail.once, "Stop at the end of what is there");
  AddText(app, "--kafka", tail.kafka, "HOST:PORT",
          "The broker (default: that of the configuration)");
  AddText(app, "--config", tail.config, "FILE",
          "Configuration with the broker and its security (default: config.json, if there is one)");
}

void AddDoctor(CLI::App& app, DoctorCommand& doctor) {
  AddText(app, "--kafka", doctor.kafka, "HOST:PORT",
          "The broker (default: that of the configuration)");
  AddText(app, "--config", doctor.config, "FILE",
          "Configuration with the broker and the ports (default: config.json, if there is one)");
}

void AddInit(CLI::App& app, InitCommand& init) {
  app.add_option("file", init.file, "The file; - is standard output (default plan.json)")
      ->type_name("FILE");
  AddText(app, "--url", init.url, "URL", "What to test (default http://127.0.0.1:8081/ping)");
  app.add_flag("--force", init.force, "Write over a file that is there");
}

}  // namespace

void AddCommands(CLI::App& program, Commands& commands,
                 std::function<void(const Command&)> chosen) {
  const auto add = [&](const std::string& name, const std::string& description,
                       const std::string& examples, auto& command) -> CLI::App& {
    CLI::App& app = *program.add_subcommand(name, description);
    app.footer(examples);
    app.callback([chosen, &command] { chosen(command); });
    return app;
  };
  AddRun(
      add("run", "Run a test: create it, watch it, print its report", kRunExamples, commands.run),
      commands.run);
  AddCreate(add("create", "Create a test and print its name; it starts by itself", kCreateExamples,
                commands.create),
            commands.create);
  AddList(add("ls", "List tests, newest first", kListExamples, commands.list), commands.list);
  AddName(add("get", "Show a test: its spec and its state", kGetExamples, commands.get),
          commands.get.name);
  AddName(add("watch", "Watch a test until it ends, then print its report", kWatchExamples,
              commands.watch),
          commands.watch.name);
  AddStop(add("stop", "Stop tests; each still gets its report", kStopExamples, commands.stop),
          commands.stop);
  AddRemove(add("rm", "Delete ended tests with their reports", kRemoveExamples, commands.remove),
            commands.remove);
  CLI::App& report = add("report", "Print the report of a test, or of a part of it",
                         kReportExamples, commands.report);
  AddName(report, commands.report.name);
  AddSlice(report, commands.report.slice);
  CLI::App& check =
      add("check", "Judge a test, or a part of it, by thresholds", kCheckExamples, commands.check);
  AddName(check, commands.check.name);
  AddSlice(check, commands.check.slice);
  AddDiff(add("diff", "Compare two tests: what changed beyond noise", kDiffExamples, commands.diff),
          commands.diff);
  AddNote(
      add("note", "Write a note on a test; replaces the one before", kNoteExamples, commands.note),
      commands.note);
  add("drivers", "List drivers", kDriversExamples, commands.drivers);
  AddTail(add("tail", "Print records of a Kafka topic, a JSON object a line", kTailExamples,
              commands.tail),
          commands.tail);
  AddDoctor(add("doctor", "Look for what could make a test fail or mislead", kDoctorExamples,
                commands.doctor),
            commands.doctor);
  AddInit(
      add("init", "Write a plan file with comments, to begin with", kInitExamples, commands.init),
      commands.init);
}

void AddCommonOptions(CLI::App& app, CommandLine& line, std::vector<std::string>& formats) {
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
           "With =FILE the report goes there, too; may be repeated")
      ->group(common);
  AddText(app, "--output", line.output_file, "FILE", "Write results to this file")->group(common);
  app.add_flag("-q,--quiet", line.quiet, "No progress and no explanations, only the result")
      ->group(common);
}

}  // namespace loadtest
