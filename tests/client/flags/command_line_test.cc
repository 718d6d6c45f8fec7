#include "client/flags/command_line.h"

#include <gtest/gtest.h>

#include <sstream>

namespace loadtest {
namespace {

struct Parsed {
  bool goes_on;
  CommandLine line;
  int exit_code = 0;
  std::string out;
  std::string err;
};

Parsed Parse(const std::vector<std::string>& arguments,
             const std::map<std::string, std::string>& environment = {}) {
  std::ostringstream out, err;
  std::istringstream in;
  Terminal terminal{.out = out, .err = err, .in = in};
  Parsed parsed;
  parsed.goes_on =
      ParseCommandLine(arguments, environment, terminal, parsed.line, parsed.exit_code);
  parsed.out = out.str();
  parsed.err = err.str();
  return parsed;
}

TEST(ParseCommandLine, AHeaderDoesNotSwallowTheUrlBehindIt) {
  const Parsed parsed = Parse({"run", "-H", "A: b", "-H", "C: d", "http://h/"});
  const SpecFlags& spec = std::get<RunCommand>(parsed.line.command).create.spec;
  EXPECT_EQ(spec.headers, (std::vector<std::string>{"A: b", "C: d"}));
  EXPECT_EQ(spec.arguments, (std::vector<std::string>{"http://h/"}));
}

TEST(ParseCommandLine, LongAndShortNamesMeanTheSame) {
  const Parsed parsed = Parse({"run", "http://h/", "-r", "1k", "-m", "PUT", "-n", "5", "-d", "1s"});
  const SpecFlags& spec = std::get<RunCommand>(parsed.line.command).create.spec;
  EXPECT_EQ(spec.rate, "1k");
  EXPECT_EQ(spec.method, "PUT");
  EXPECT_EQ(spec.requests, "5");
  EXPECT_EQ(spec.duration, "1s");
  EXPECT_EQ(spec.delay, std::nullopt);
}

TEST(ParseCommandLine, ABodyInBracketsStaysWhole) {
  const Parsed parsed = Parse({"run", "http://h/", "-b", "[1,2]"});
  EXPECT_EQ(std::get<RunCommand>(parsed.line.command).create.spec.body, "[1,2]");
}

TEST(ParseCommandLine, TheServerIsFlagThenEnvironmentThenDefault) {
  EXPECT_EQ(Parse({"ls"}).line.server, "127.0.0.1:50051");
  EXPECT_EQ(Parse({"ls"}, {{"LOADTEST_SERVER", "a:1"}}).line.server, "a:1");
  EXPECT_EQ(Parse({"ls", "--server", "b:2"}, {{"LOADTEST_SERVER", "a:1"}}).line.server, "b:2");
  EXPECT_EQ(Parse({"--server", "b:2", "ls"}).line.server, "b:2");
}

TEST(ParseCommandLine, AllTestsCanBeStopped) {
  EXPECT_TRUE(std::get<StopCommand>(Parse({"stop", "--all"}).line.command).all);
  EXPECT_FALSE(std::get<StopCommand>(Parse({"stop", "a"}).line.command).all);
}

TEST(ParseCommandLine, AccessToTheServerComesFromFlagsBeforeTheEnvironment) {
  const std::map<std::string, std::string> environment = {{"LOADTEST_TOKEN", "secret"},
                                                          {"LOADTEST_SERVER_CACERT", "env.pem"}};
  const Parsed by_environment = Parse({"ls"}, environment);
  EXPECT_EQ(by_environment.line.access.token, "secret");
  EXPECT_EQ(by_environment.line.access.ca_file, "env.pem");
  const Parsed by_flags = Parse({"ls", "--server-cacert", "flag.pem", "--token-file", "t",
                                 "--server-cert", "c", "--server-key", "k"},
                                environment);
  EXPECT_EQ(by_flags.line.access.ca_file, "flag.pem");
  EXPECT_EQ(by_flags.line.access.token_file, "t");
  EXPECT_EQ(by_flags.line.access.certificate_file, "c");
  EXPECT_EQ(by_flags.line.access.key_file, "k");
}

TEST(ParseCommandLine, SeveralTestsCanBeStopped) {
  const Parsed parsed = Parse({"stop", "a", "b", "--reason", "enough"});
  EXPECT_EQ(std::get<StopCommand>(parsed.line.command).names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(std::get<StopCommand>(parsed.line.command).reason, "enough");
}

TEST(ParseCommandLine, AReportCanGoToSeveralFilesAtOnce) {
  const Parsed parsed =
      Parse({"run", "http://h/", "-o", "json", "-o", "html=r.html", "-o", "junit=j=1.xml"});
  ASSERT_TRUE(parsed.goes_on) << parsed.err;
  EXPECT_EQ(parsed.line.format, CommandLine::Format::kJson);
  ASSERT_EQ(parsed.line.extra_outputs.size(), 2u);
  EXPECT_EQ(parsed.line.extra_outputs[0].format, CommandLine::Format::kHtml);
  EXPECT_EQ(parsed.line.extra_outputs[0].file, "r.html");
  EXPECT_EQ(parsed.line.extra_outputs[1].format, CommandLine::Format::kJunit);
  EXPECT_EQ(parsed.line.extra_outputs[1].file, "j=1.xml");
}

TEST(ParseCommandLine, FilesAloneLeaveTheTableOnStandardOutput) {
  const Parsed parsed = Parse({"run", "http://h/", "-o", "html=r.html"});
  EXPECT_EQ(parsed.line.format, CommandLine::Format::kTable);
}

TEST(ParseCommandLine, HelpGoesToStandardOutputWithZero) {
  const Parsed parsed = Parse({"run", "--help"});
  EXPECT_FALSE(parsed.goes_on);
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_NE(parsed.out.find("loadctl run tsunami http://127.0.0.1:8081/ping --delay 10ms -n 1000"),
            std::string::npos);
  EXPECT_EQ(parsed.err, "");
}

TEST(ParseCommandLine, HelpFitsInto100Columns) {
  for (const char* command :
       {"run", "create", "ls", "get", "watch", "stop", "rm", "report", "check", "diff", "note",
        "drivers", "tail", "doctor", "init", "help", "completion"}) {
    std::istringstream lines(Parse({command, "--help"}).out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST(ParseCommandLine, MistakesAreOneLineThatSaysWhatIsWanted) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{},
       "loadctl: a command is missing; want one of run, create, ls, get, watch, stop, rm, report, "
       "check, diff, note, drivers, tail, doctor, init, help, completion (see loadctl --help)\n"},
      {{"start"},
       "loadctl: unknown command \"start\"; want one of run, create, ls, get, watch, stop, rm, "
       "report, check, diff, note, drivers, tail, doctor, init, help, completion (see loadctl "
       "--help)\n"},
      {{"run", "http://h/", "-j"}, "loadctl run: unknown flag -j (see loadctl run --help)\n"},
      {{"run", "http://h/", "--requets=5"},
       "loadctl run: unknown flag --requets; did you mean --requests? (see loadctl run --help)\n"},
      {{"wacth", "x"},
       "loadctl: unknown command \"wacth\"; did you mean watch? want one of run, create, ls, get, "
       "watch, stop, rm, report, check, diff, note, drivers, tail, doctor, init, help, completion "
       "(see loadctl --help)\n"},
      {{"http://h/"},
       "loadctl: a command is missing; want for example: loadctl run http://h/ (see loadctl "
       "--help)\n"},
      {{"run", "http://h/", "-c"},
       "loadctl run: --connections: the value is missing (see loadctl run --help)\n"},
      {{"ls", "x"}, "loadctl ls: unexpected argument \"x\" (see loadctl ls --help)\n"},
      {{"get"},
       "loadctl get: the NAME of a test is missing; loadctl ls shows them (see loadctl get "
       "--help)\n"},
      {{"note", "x"},
       "loadctl note: TEXT is missing: The note; \"\" removes it (see loadctl note --help)\n"},
      {{"diff", "x"},
       "loadctl diff: B is missing: The one to compare with it (see loadctl diff --help)\n"},
      {{"run", "http://h/", "-n", "5", "-n", "6"},
       "loadctl run: --requests: given twice (see loadctl run --help)\n"},
      {{"ls", "-o", "yaml"}, "loadctl: -o: got \"yaml\", want table, json\n"},
      {{"ls", "-o", "csv"}, "loadctl: -o: got \"csv\", want table, json\n"},
      {{"diff", "a", "b", "-o", "csv"}, "loadctl: -o: got \"csv\", want table, json, html\n"},
      {{"report", "a", "-o", "xml"},
       "loadctl: -o: got \"xml\", want table, json, csv, junit, html\n"},
      {{"report", "a", "-o", "html", "-o", "json"},
       "loadctl: -o: got \"json\" as a second form, want json=FILE: one alone is printed\n"},
      {{"report", "a", "-o", "html="}, "loadctl: -o: got \"html=\", want a file after the =\n"},
  };
  for (const auto& [arguments, wanted] : cases) {
    const Parsed parsed = Parse(arguments);
    EXPECT_FALSE(parsed.goes_on);
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_EQ(parsed.err, wanted);
    EXPECT_EQ(parsed.out, "");
  }
}

}  // namespace
}  // namespace loadtest
