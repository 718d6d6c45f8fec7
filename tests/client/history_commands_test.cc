// `ls`, `note`, `check`, `diff` and the files of `report`, against a fake orchestrator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "client/loadctl_fixture.h"
#include "client/report/simulated_run.h"

namespace loadtest {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HistoryCommandsTest : public LoadctlFixture {
 protected:
  HistoryCommandsTest() {
    folder_ = std::filesystem::temp_directory_path() /
              ("history_commands." + std::to_string(getpid()) + "." +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  ~HistoryCommandsTest() override { std::filesystem::remove_all(folder_); }

  void Add(const std::string& id, v1::Report report) {
    report.mutable_load_test()->set_name("loadTests/" + id);
    v1::LoadTest test = report.load_test();
    test.mutable_end_time()->set_seconds(1'700'000'000);
    orchestrator_.AddTest(test, report);
  }

  std::string File(const std::string& name) const { return (folder_ / name).string(); }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::filesystem::path folder_;
};

TEST_F(HistoryCommandsTest, AMistakeLeavesTheFileOfYesterdayAlone) {
  std::ofstream(File("r.html")) << "yesterday";
  EXPECT_EQ(Run({"report", "no-such-test", "-o", "html=" + File("r.html"), "-o",
                 "csv=" + File("new.csv")}),
            2);
  EXPECT_EQ(Read(File("r.html")), "yesterday");
  EXPECT_FALSE(std::filesystem::exists(File("new.csv")));
}

TEST_F(HistoryCommandsTest, AFullDiskIsNamedWithTheFile) {
  Add("a", SampleReport());
  Run({"report", "a", "-o", "html=/dev/full"});
  EXPECT_THAT(
      err_,
      HasSubstr("loadctl: /dev/full: the result could not be written: No space left on device\n"));
}

TEST_F(HistoryCommandsTest, AShorterReportTakesTheWholePlaceOfALongerOne) {
  Add("a", SampleReport());
  std::ofstream(File("r.csv")) << std::string(100'000, 'x');
  Run({"report", "a", "-o", "csv=" + File("r.csv")});
  EXPECT_THAT(Read(File("r.csv")), StartsWith("start_s,"));
  EXPECT_THAT(Read(File("r.csv")), Not(HasSubstr("xxx")));
}

TEST_F(HistoryCommandsTest, AWrongStateIsSaidBeforeTheOrchestratorIsAsked) {
  EXPECT_EQ(RunAnywhere({"ls", "--server", "127.0.0.1:1", "--state", "done"}), 2);
  EXPECT_THAT(err_, HasSubstr("--state: got \"done\", want pending, "));
}

TEST_F(HistoryCommandsTest, ListShowsWhatCameOfTestsThatHaveEnded) {
  Add("a", SampleReport());
  v1::LoadTestUpdate update = SampleUpdate();
  update.add_thresholds()->set_expression("p99<1ms");
  update.set_sending_seconds(2);
  update.set_completed_per_second(599);
  orchestrator_.Script({update}, SampleReport());
  EXPECT_EQ(Run({"ls"}), 0);
  EXPECT_THAT(out_, HasSubstr("LOAD          RATE  ERRORS  P99  SLO     VERDICT  CREATED"));
  EXPECT_THAT(out_, HasSubstr("tsunami 5ms  599/s       2    -  FAILED  VALID    "));
  EXPECT_EQ(Run({"ls", "--brief"}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("VERDICT")));
}

TEST_F(HistoryCommandsTest, ListPassesLabelsAndStatesOn) {
  EXPECT_EQ(
      Run({"ls", "-l", "build=17", "-l", "env=ci", "--state", "running", "--state", "FAILED"}), 0);
  const v1::ListLoadTestsRequest request = orchestrator_.listed().at(0);
  EXPECT_EQ(request.labels().at("build"), "17");
  EXPECT_EQ(request.labels().at("env"), "ci");
  EXPECT_EQ(request.states(0), v1::LoadTest::RUNNING);
  EXPECT_EQ(request.states(1), v1::LoadTest::FAILED);
  EXPECT_EQ(Run({"ls", "--state", "done"}), 2);
  EXPECT_THAT(err_, StartsWith("loadctl: --state: got \"done\", want pending, "));
  EXPECT_EQ(Run({"ls", "-l", "build"}), 2);
  EXPECT_EQ(err_, "loadctl: --label: got \"build\", want KEY=VALUE\n");
}

TEST_F(HistoryCommandsTest, ListHasLabelsAndNotesOnlyWhenThereAreSome) {
  Add("a", SampleReport());
  Run({"ls"});
  EXPECT_THAT(out_, Not(HasSubstr("NOTE")));
  v1::Report noted = SampleReport();
  noted.mutable_load_test()->set_note("cold cache");
  (*noted.mutable_load_test()->mutable_spec()->mutable_labels())["build"] = "17";
  Add("b", noted);
  Run({"ls"});
  EXPECT_THAT(out_, HasSubstr("LABELS    NOTE"));
  EXPECT_THAT(out_, HasSubstr("build=17  cold cache"));
}

TEST_F(HistoryCommandsTest, NoteWritesANote) {
  Add("a", SampleReport());
  EXPECT_EQ(Run({"note", "a", "the cache was cold"}), 0);
  EXPECT_EQ(err_, "loadTests/a is noted\n");
  const v1::UpdateLoadTestRequest request = orchestrator_.updated().at(0);
  EXPECT_EQ(request.load_test().name(), "loadTests/a");
  EXPECT_EQ(request.load_test().note(), "the cache was cold");
  EXPECT_EQ(request.update_mask().paths(0), "note");
  EXPECT_EQ(Run({"note", "a", ""}), 0);
  EXPECT_EQ(err_, "loadTests/a has no note\n");
}

TEST_F(HistoryCommandsTest, CheckPrintsEachThresholdAndEndsWithThree) {
  Add("a", SampleReportWithThresholds());
  EXPECT_EQ(Run({"check", "a"}), 3);
  EXPECT_EQ(out_,
            "loadTests/a  SUCCEEDED\n"
            "thresholds  FAILED  p99<5ms    got 9.81ms\n"
            "            passed  errors<1%  got 0.47%\n");
  EXPECT_EQ(err_, "loadctl: loadTests/a: a threshold failed: p99<5ms: 9.81ms (exit code 3)\n");
}

// `check` judges the numbers of a test that somebody stopped, and its files say what its exit code
// says.
TEST_F(HistoryCommandsTest, CheckOfAStoppedTestSaysTheSameEverywhere) {
  v1::Report report = SampleReportWithThresholds();
  report.mutable_load_test()->set_state(v1::LoadTest::STOPPED);
  report.mutable_thresholds(1)->set_passed(true);
  Add("a", report);
  EXPECT_EQ(Run({"check", "a", "-o", "junit"}), 0);
  EXPECT_THAT(out_, HasSubstr("failures=\"0\" errors=\"0\""));
  EXPECT_EQ(Run({"report", "a", "-o", "junit"}), 6);
  EXPECT_THAT(out_, HasSubstr("failures=\"0\" errors=\"1\""));
}

TEST_F(HistoryCommandsTest, CheckAndReportPassTheSliceOn) {
  Add("a", SampleReportWithThresholds());
  for (const char* command : {"check", "report"}) {
    Run({command, "a", "--slo", "p99<50ms,errors<1%", "--slo", "rate>1/s", "--from", "10s", "--to",
         "1m", "--exclude", "d2", "--exclude", "d3"});
    const v1::GetReportRequest request = orchestrator_.reported().back();
    EXPECT_EQ(request.from().seconds(), 10);
    EXPECT_EQ(request.to().seconds(), 60);
    ASSERT_EQ(request.thresholds_size(), 3);
    EXPECT_EQ(request.thresholds(2), "rate>1/s");
    EXPECT_EQ(request.exclude_drivers(1), "d3");
  }
}

TEST_F(HistoryCommandsTest, CheckSaysWhatItWants) {
  Add("a", SampleReport());
  EXPECT_EQ(Run({"check", "a"}), 2);
  EXPECT_EQ(
      err_,
      "loadctl: loadTests/a was run without thresholds; want --slo, such as --slo 'p99<50ms'\n");
  EXPECT_EQ(Run({"check", "a", "--slo", "p99<5"}), 2);
  EXPECT_EQ(
      err_,
      "loadctl: --slo: got \"p99<5\", want as bound of p99 a duration such as 50ms or 1.5s\n");
  EXPECT_EQ(Run({"check", "a", "--from", "soon"}), 2);
  EXPECT_EQ(err_, "loadctl: --from: got \"soon\", want a duration such as 500ms or 1m30s\n");
}

TEST_F(HistoryCommandsTest, RunSendsThresholdsAndFailsWithThem) {
  orchestrator_.Script({}, SampleReportWithThresholds());
  EXPECT_EQ(
      Run({"run", "http://127.0.0.1/", "--slo", "p99<5ms, errors<1%", "--abort-on-fail", "-q"}), 3);
  const v1::LoadTestSpec spec = orchestrator_.created().at(0).spec();
  EXPECT_EQ(spec.thresholds(0), "p99<5ms");
  EXPECT_EQ(spec.thresholds(1), "errors<1%");
  EXPECT_TRUE(spec.abort_on_threshold());
  EXPECT_THAT(out_, HasSubstr("thresholds  FAILED  p99<5ms    got 9.81ms\n"));
  EXPECT_EQ(Run({"run", "http://127.0.0.1/", "--abort-on-fail"}), 2);
  EXPECT_EQ(err_,
            "loadctl: --abort-on-fail: there is nothing to fail; want --slo with it, such as --slo "
            "'p99<50ms'\n");
}

TEST_F(HistoryCommandsTest, AReportGoesToEveryFileItIsWantedIn) {
  Add("a", SampleReportWithThresholds());
  EXPECT_EQ(Run({"report", "a", "-o", "json=" + File("r.json"), "-o", "csv=" + File("r.csv"), "-o",
                 "junit=" + File("r.xml"), "-o", "html=" + File("r.html")}),
            3);
  EXPECT_THAT(out_, StartsWith("loadTests/a  SUCCEEDED\n"));
  EXPECT_EQ(nlohmann::json::parse(Read(File("r.json")))["report_version"], 1);
  EXPECT_THAT(Read(File("r.csv")), StartsWith("start_s,end_s,"));
  EXPECT_THAT(Read(File("r.xml")), StartsWith("<?xml version=\"1.0\""));
  EXPECT_THAT(Read(File("r.html")), StartsWith("<!doctype html>"));
}

TEST_F(HistoryCommandsTest, AFileThatCannotBeWrittenIsFoundBeforeTheTest) {
  EXPECT_EQ(Run({"run", "http://127.0.0.1/", "-o", "html=/no/such/folder/r.html"}), 2);
  EXPECT_EQ(err_,
            "loadctl: -o: got \"/no/such/folder/r.html\", want a file that can be written (No such "
            "file or directory)\n");
  EXPECT_TRUE(orchestrator_.created().empty());
}

TEST_F(HistoryCommandsTest, DiffFindsARegressionBetweenTests) {
  Add("before", SimulateRun({.seed = 1}));
  Add("after", SimulateRun({.seed = 2, .slower_tail_ns = 3'000'000}));
  EXPECT_EQ(Run({"diff", "before", "after", "--fail-if", "p99>+10%,rate<-5%"}), 3);
  EXPECT_THAT(out_, HasSubstr("limit       FAILED  p99>+10%  got +"));
  EXPECT_THAT(out_, HasSubstr("limit       passed  rate<-5%  got "));
  EXPECT_THAT(err_, StartsWith("loadctl: B is worse than A: p99>+10%: +"));
  EXPECT_EQ(Run({"diff", "before", "before", "--fail-if", "p99>+10%"}), 0);
  EXPECT_THAT(out_, HasSubstr("nothing changed beyond noise"));
}

TEST_F(HistoryCommandsTest, DiffReadsReportFiles) {
  Add("before", SimulateRun({.seed = 1}));
  Add("after", SimulateRun({.seed = 2, .slower_tail_ns = 3'000'000}));
  Run({"report", "before", "-o", "json", "--output", File("a.json")});
  Run({"report", "after", "-o", "json", "--output", File("b.json")});
  EXPECT_EQ(Run({"diff", File("a.json"), File("b.json"), "-o", "json", "-o",
                 "html=" + File("d.html"), "--fail-if", "p99>+1ms"}),
            3);
  const auto diff = nlohmann::json::parse(out_);
  EXPECT_EQ(diff["diff_version"], 1);
  EXPECT_TRUE(diff["failed"]);
  EXPECT_EQ(diff["limits"][0]["expression"], "p99>+1ms");
  EXPECT_THAT(Read(File("d.html")), HasSubstr("REGRESSION"));
  EXPECT_EQ(Run({"diff", File("none.json"), File("b.json")}), 2);
  EXPECT_THAT(err_, HasSubstr("none.json: cannot be read; want a report file"));
}

TEST_F(HistoryCommandsTest, DiffRefusesWhatCannotBeComparedUnlessForced) {
  Add("before", SimulateRun({.seed = 1}));
  Add("faster", SimulateRun({.seed = 2, .rate = 1'000}));
  EXPECT_EQ(Run({"diff", "before", "faster"}), 2);
  EXPECT_THAT(err_, StartsWith("loadctl: load: got "));
  EXPECT_THAT(err_, HasSubstr("loadctl: A and B are not compared; --force does it all the same\n"));
  EXPECT_EQ(out_, "");
  EXPECT_EQ(Run({"diff", "before", "faster", "--force"}), 0);
  EXPECT_THAT(out_, HasSubstr("forced      load: got "));
}

TEST_F(HistoryCommandsTest, DiffOfWhatIsInvalidIsFour) {
  Add("before", SimulateRun({.seed = 1}));
  v1::Report invalid = SimulateRun({.seed = 2});
  invalid.mutable_verdict()->set_level(v1::Verdict::INVALID);
  Add("after", invalid);
  EXPECT_EQ(Run({"diff", "before", "after"}), 4);
  EXPECT_THAT(err_, HasSubstr("B: verdict: got INVALID"));
}

TEST_F(HistoryCommandsTest, DiffSaysWhatLimitsItWants) {
  EXPECT_EQ(Run({"diff", "a", "b", "--fail-if", "p99>10%"}), 2);
  EXPECT_EQ(
      err_,
      "loadctl: --fail-if: got \"p99>10%\", want a measure, > or <, and a signed change, such "
      "as p99>+10% or rate<-5%\n");
}

}  // namespace
}  // namespace loadtest
