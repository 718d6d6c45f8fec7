// `run`, `create`, `watch`, `get`, `stop` and `drivers`, and what all commands have in common.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "client/loadctl_fixture.h"

namespace loadtest {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kUrl[] = "http://127.0.0.1:8081/ping";

using LoadctlTest = LoadctlFixture;

TEST_F(LoadctlTest, RunCreatesWatchesAndReports) {
  EXPECT_EQ(Run({"run", "tsunami", kUrl, "--delay", "5ms", "-n", "1000", "--drivers", "3"}), 0);
  EXPECT_EQ(err_,
            "3 drivers x 200/s = 600/s, open loop (tsunami, a request every 5ms), 1,000 requests a "
            "driver\n"
            "defaults: 50 connections a driver, timeout 10s\n"
            "loadTests/t1\n"
            "2s  40%  3s left  600/s  p50 1.23ms  p99 4.56ms  errors 2  3 drivers\n");
  EXPECT_THAT(out_, StartsWith("loadTests/t1  SUCCEEDED\n"));
  ASSERT_EQ(orchestrator_.created().size(), 1u);
  EXPECT_EQ(orchestrator_.created()[0].spec().requests_per_driver(), 1'000);
}

TEST_F(LoadctlTest, RunCountsTheIdleDriversWhenNoNumberIsGiven) {
  v1::ListDriversResponse drivers;
  drivers.add_drivers()->set_state(v1::Driver::IDLE);
  drivers.add_drivers()->set_state(v1::Driver::IDLE);
  drivers.add_drivers()->set_state(v1::Driver::LOST);
  orchestrator_.SetDrivers(drivers);
  EXPECT_EQ(Run({"run", kUrl}), 0);
  EXPECT_THAT(err_, StartsWith("2 drivers x 50 connections, closed loop"));
}

TEST_F(LoadctlTest, JsonIsAloneOnStandardOutput) {
  EXPECT_EQ(Run({"run", kUrl, "-o", "json"}), 0);
  const auto report = nlohmann::json::parse(out_);
  EXPECT_EQ(report["report_version"], 1);
  EXPECT_EQ(report["totals"]["counts"]["sent"], 3'000);
  EXPECT_EQ(report["totals"]["counts"]["dropped"], 0) << "zeros are written, too";
}

TEST_F(LoadctlTest, QuietRunsSayNothingButTheReport) {
  EXPECT_EQ(Run({"run", kUrl, "-q"}), 0);
  EXPECT_EQ(err_, "");
  EXPECT_THAT(out_, StartsWith("loadTests/t1  SUCCEEDED\n"));
}

TEST_F(LoadctlTest, ABadReportHasItsExitCodeAndSaysWhy) {
  v1::Report report = SampleReport();
  report.mutable_verdict()->set_level(v1::Verdict::INVALID);
  orchestrator_.Script({}, report);
  EXPECT_EQ(Run({"run", kUrl, "-q"}), 4);
  EXPECT_EQ(err_, "loadctl: loadTests/t1: the verdict is INVALID (exit code 4)\n");
}

TEST_F(LoadctlTest, AFailedTestSaysItsReason) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->set_state(v1::LoadTest::FAILED);
  report.mutable_load_test()->set_state_reason("h: name does not resolve");
  orchestrator_.Script({}, report);
  EXPECT_EQ(Run({"run", kUrl, "-q"}), 1);
  EXPECT_EQ(err_, "loadctl: loadTests/t1: FAILED: h: name does not resolve (exit code 1)\n");
}

TEST_F(LoadctlTest, ValidateCreatesNothing) {
  EXPECT_EQ(Run({"run", kUrl, "--validate", "-q"}), 0);
  EXPECT_EQ(out_, "the test is valid\n");
  EXPECT_TRUE(orchestrator_.created()[0].validate_only());
}

TEST_F(LoadctlTest, EveryCreationHasAnotherRequestId) {
  Run({"create", kUrl});
  Run({"create", kUrl});
  EXPECT_THAT(orchestrator_.created()[0].request_id(), StartsWith("loadctl-"));
  EXPECT_NE(orchestrator_.created()[0].request_id(), orchestrator_.created()[1].request_id());
}

TEST_F(LoadctlTest, CreatePrintsTheName) {
  EXPECT_EQ(Run({"create", kUrl, "--id", "soak", "-q"}), 0);
  EXPECT_EQ(out_, "loadTests/soak\n");
}

TEST_F(LoadctlTest, AUsageErrorComesBeforeAnyCall) {
  EXPECT_EQ(Run({"run", kUrl, "--delay", "2h"}), 2);
  EXPECT_EQ(err_, "loadctl: --delay: got 2h, want 1us to 1h\n");
  EXPECT_EQ(Run({"create", kUrl, "--id", "Soak"}), 2);
  EXPECT_EQ(err_,
            "loadctl: --id: got \"Soak\", want 1 to 63 of a-z, 0-9 and '-', the first a letter\n");
  EXPECT_TRUE(orchestrator_.created().empty());
}

TEST_F(LoadctlTest, ABodyCanBeTyped) {
  input_ = "typed";
  EXPECT_EQ(Run({"run", kUrl, "-b", "@-", "-q"}), 0);
  EXPECT_EQ(orchestrator_.created()[0].spec().request().body(), "typed");
}

TEST_F(LoadctlTest, AFolderIsNoBody) {
  EXPECT_EQ(Run({"run", kUrl, "-b", "@/tmp"}), 2);
  EXPECT_EQ(err_, "loadctl: --body: /tmp: cannot be read; want the path of a file\n");
}

TEST_F(LoadctlTest, NamesAreTakenInBothForms) {
  Run({"create", kUrl, "--id", "soak"});
  EXPECT_EQ(Run({"get", "soak"}), 0);
  EXPECT_THAT(out_, StartsWith("name        loadTests/soak\n"));
  EXPECT_EQ(Run({"get", "loadTests/soak"}), 0);
  EXPECT_EQ(Run({"get", "a/b"}), 2);
  EXPECT_EQ(err_,
            "loadctl: name: got \"a/b\", want 1 to 63 of a-z, 0-9 and '-', the first a letter\n");
}

TEST_F(LoadctlTest, AnUnknownTestIsAUsageError) {
  for (const char* command : {"get", "watch", "stop", "rm", "report"}) {
    EXPECT_EQ(Run({command, "none"}), 2) << command;
    EXPECT_THAT(err_, HasSubstr("loadTests/none: no such test")) << command;
  }
}

TEST_F(LoadctlTest, ListSaysWhenThereIsMore) {
  for (int i = 0; i < 3; ++i) Run({"create", kUrl, "-q"});
  EXPECT_EQ(Run({"ls", "--limit", "2"}), 0);
  EXPECT_THAT(out_, StartsWith("NAME  STATE    LOAD             CREATED  URL"));
  EXPECT_EQ(err_, "there are more; --limit shows them\n");
  EXPECT_EQ(Run({"ls", "--limit", "0"}), 2);
  EXPECT_EQ(err_, "loadctl: --limit: got \"0\", want 1 to 1,000\n");
}

TEST_F(LoadctlTest, StopGivesTheReason) {
  Run({"create", kUrl, "--id", "soak"});
  EXPECT_EQ(Run({"stop", "soak", "--reason", "enough"}), 0);
  EXPECT_EQ(out_, "loadTests/soak  STOPPED\n");
  EXPECT_EQ(orchestrator_.stopped()[0].reason(), "enough");
}

TEST_F(LoadctlTest, StopAllBeginsWithWhatSendsAndThenTakesTheOldest) {
  // The fake lists by name, the last first.
  for (const auto& [id, state] :
       {std::pair{"a-runs", v1::LoadTest::RUNNING}, std::pair{"b-waits", v1::LoadTest::PENDING},
        std::pair{"c-starts", v1::LoadTest::STARTING},
        std::pair{"d-waits", v1::LoadTest::PENDING}}) {
    v1::LoadTest test;
    test.set_name(std::string("loadTests/") + id);
    test.set_state(state);
    orchestrator_.AddTest(test, {});
  }
  EXPECT_EQ(Run({"stop", "--all", "-q"}), 0);
  std::vector<std::string> names;
  for (const v1::StopLoadTestRequest& stop : orchestrator_.stopped()) names.push_back(stop.name());
  EXPECT_THAT(names, testing::ElementsAre("loadTests/c-starts", "loadTests/a-runs",
                                          "loadTests/b-waits", "loadTests/d-waits"));
}

TEST_F(LoadctlTest, RemoveGoesOnAfterAFailure) {
  Run({"create", kUrl, "--id", "soak"});
  EXPECT_EQ(Run({"rm", "none", "soak"}), 2);
  EXPECT_EQ(
      err_,
      "loadctl: loadTests/none: no such test (loadctl ls shows them)\nloadTests/soak is deleted\n");
  EXPECT_EQ(orchestrator_.deleted(), (std::vector<std::string>{"loadTests/soak"}));
}

TEST_F(LoadctlTest, RemoveByAgeAsksFirst) {
  for (const char* id : {"one", "two"}) Run({"create", kUrl, "--id", id});
  Run({"stop", "one", "-q"});
  EXPECT_EQ(Run({"rm", "--older-than", "1h", "--yes"}), 0);
  EXPECT_EQ(err_, "0 tests are deleted\n") << "none ended so long ago";
  EXPECT_EQ(Run({"rm", "--older-than", "0s"}), 2) << "there is nobody who says yes";
  EXPECT_THAT(err_, HasSubstr("delete 1 test that ended more than 0s ago, with its report? [y/N]"));
  EXPECT_TRUE(orchestrator_.deleted().empty());
  EXPECT_EQ(Run({"rm", "--older-than", "0s", "--yes"}), 0);
  EXPECT_EQ(err_, "1 test is deleted\n");
  EXPECT_EQ(orchestrator_.deleted(), (std::vector<std::string>{"loadTests/one"}))
      << "a test that has not ended stays";
}

TEST_F(LoadctlTest, RemoveWantsNamesOrAnAge) {
  EXPECT_EQ(Run({"rm"}), 2);
  EXPECT_EQ(err_, "loadctl: rm: want names of tests, or --older-than DURATION\n");
  EXPECT_EQ(Run({"rm", "soak", "--older-than", "1h"}), 2);
  EXPECT_EQ(Run({"rm", "--older-than", "soon"}), 2);
  EXPECT_EQ(err_,
            "loadctl: --older-than: got \"soon\", want a duration such as 30d or 12h, or 0s for "
            "all\n");
}

TEST_F(LoadctlTest, TheReportCanGoToAFile) {
  const std::string path = testing::TempDir() + "/report." + std::to_string(getpid()) + ".json";
  Run({"create", kUrl, "--id", "soak"});
  EXPECT_EQ(Run({"report", "soak", "-o", "json", "--output", path}), 0);
  EXPECT_EQ(out_, "");
  std::ifstream file(path);
  EXPECT_EQ(nlohmann::json::parse(file)["load_test"]["name"], "loadTests/soak");
  std::filesystem::remove(path);
}

TEST_F(LoadctlTest, AFileThatCannotBeWrittenIsFoundBeforeTheTest) {
  EXPECT_EQ(Run({"run", kUrl, "--output", "/no/such/folder/x"}), 2);
  EXPECT_EQ(err_,
            "loadctl: --output: got \"/no/such/folder/x\", want a file that can be written (No "
            "such file or "
            "directory)\n");
  EXPECT_TRUE(orchestrator_.created().empty());
}

TEST_F(LoadctlTest, AnOrchestratorThatIsNotThereIsSevenWithAHint) {
  EXPECT_EQ(RunAnywhere({"ls", "--server", "127.0.0.1:1"}), 7);
  EXPECT_EQ(err_,
            "loadctl: cannot reach the orchestrator at 127.0.0.1:1: Connection refused; start it "
            "with: orchestrator 2\n");
}

TEST_F(LoadctlTest, AServerThatIsNoAddressIsAUsageError) {
  EXPECT_EQ(RunAnywhere({"ls", "--server", "nowhere"}), 2);
  EXPECT_THAT(err_, StartsWith("loadctl: --server: got \"nowhere\", want HOST:PORT"));
}

TEST_F(LoadctlTest, ABrokerThatIsAwayIsSeven) {
  orchestrator_.FailWith(absl::UnavailableError("the broker cannot be reached"));
  EXPECT_EQ(Run({"create", kUrl, "-q"}), 7);
  EXPECT_THAT(err_, HasSubstr("the broker cannot be reached"));
}

TEST_F(LoadctlTest, RunLocalNeedsNothingRunning) {
  EXPECT_EQ(RunAnywhere({"run", "--local", "2", kUrl}), 0);
  EXPECT_THAT(err_, StartsWith("2 drivers x 50 connections"));
  EXPECT_THAT(out_, StartsWith("loadTests/t1  SUCCEEDED\n"));
}

TEST_F(LoadctlTest, RunLocalRefusesWhatContradictsIt) {
  EXPECT_EQ(RunAnywhere({"run", "--local", "0", kUrl}), 2);
  EXPECT_EQ(err_, "loadctl: --local: got \"0\", want 1 to 16 drivers\n");
  EXPECT_EQ(RunAnywhere({"run", "--local", "2", "--drivers", "3", kUrl}), 2);
  EXPECT_EQ(err_, "loadctl: --drivers: got 3, want at most the 2 of --local\n");
  EXPECT_EQ(Run({"run", "--local", "2", kUrl}), 2);
  EXPECT_THAT(err_, StartsWith("loadctl: --local and --server: got both"));
}

TEST_F(LoadctlTest, TailSaysWhatItWants) {
  EXPECT_EQ(RunAnywhere({"tail", "metric", "--kafka", "127.0.0.1:9"}), 2);
  EXPECT_EQ(err_, "loadctl: topic: got \"metric\", want register, heartbeat, trigger or metrics\n");
  EXPECT_EQ(RunAnywhere({"tail", "metrics", "--from", "middle"}), 2);
  EXPECT_EQ(err_, "loadctl: --from: got \"middle\", want begin or end\n");
  EXPECT_EQ(RunAnywhere({"tail", "metrics", "-n", "0"}), 2);
  EXPECT_EQ(err_, "loadctl: -n: got \"0\", want a number of records, 1 at least\n");
}

TEST_F(LoadctlTest, TailWithoutABrokerIsSeven) {
  EXPECT_EQ(RunAnywhere({"tail", "metrics", "--kafka", "127.0.0.1:9"}), 7);
  EXPECT_THAT(err_, StartsWith("loadctl: cannot reach Kafka at 127.0.0.1:9: "));
}

}  // namespace
}  // namespace loadtest
