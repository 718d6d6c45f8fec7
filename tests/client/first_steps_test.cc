// `init`, `help`, `completion` and `doctor`, from the command line on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "client/fake_orchestrator.h"
#include "client/flags/completion.h"
#include "client/flags/help_topics.h"
#include "client/flags/plan_template.h"
#include "client/loadctl.h"
#include "common/json/proto_json.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class FirstSteps : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "first_steps.XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  int Run(const std::vector<std::string>& arguments) {
    out_.str("");
    err_.str("");
    Terminal terminal{.out = out_, .err = err_, .in = in_};
    return RunLoadctl(arguments, {}, "", terminal, interrupts_);
  }
  std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::ostringstream out_, err_;
  std::istringstream in_;
  Interrupts interrupts_;
  std::string folder_;
};

TEST_F(FirstSteps, ThePlanOfInitIsAccepted) {
  const std::string plan = folder_ + "/plan.json";
  EXPECT_EQ(Run({"init", plan, "--url", "http://127.0.0.1:1/\"x"}), 0) << err_.str();
  EXPECT_THAT(err_.str(), HasSubstr("loadctl run --local 2 " + plan));
  v1::LoadTestSpec spec;
  ASSERT_TRUE(JsonToProto(Read(plan), plan, spec).ok());
  EXPECT_EQ(spec.request().url(), "http://127.0.0.1:1/\"x");
  EXPECT_EQ(spec.rate().requests_per_second(), 200);
}

TEST_F(FirstSteps, InitWritesOverNothing) {
  const std::string plan = folder_ + "/plan.json";
  std::ofstream(plan) << "mine";
  EXPECT_EQ(Run({"init", plan}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("exists already; want another name, or --force"));
  EXPECT_EQ(Read(plan), "mine");
  EXPECT_EQ(Run({"init", plan, "--force"}), 0);
  EXPECT_THAT(Read(plan), StartsWith("{\n"));
}

TEST_F(FirstSteps, InitWantsANameThatRunTakesForAPlan) {
  EXPECT_EQ(Run({"init", folder_ + "/plan.txt"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("want a name that ends in .json"));
}

// Each line of the plan that is commented out is right when it is not.
TEST(PlanTemplate, WhatIsCommentedOutIsAcceptedToo) {
  std::istringstream lines(PlanTemplate("http://127.0.0.1:8081/ping"));
  std::vector<std::string> plan;
  for (std::string line; std::getline(lines, line);) plan.push_back(line);
  int tried = 0;
  for (size_t i = 0; i < plan.size(); ++i) {
    const size_t at = plan[i].find("// ");
    const bool is_field = at != std::string::npos && (plan[i].compare(at, 4, "// \"") == 0 ||
                                                      plan[i].compare(at, 5, "// , ") == 0);
    if (!is_field) continue;
    std::string text;
    for (size_t j = 0; j < plan.size(); ++j) {
      const bool is_load = plan[i].find("\"stages\"") != std::string::npos ||
                           plan[i].find("\"tsunami\"") != std::string::npos ||
                           plan[i].find("\"avalanche\"") != std::string::npos;
      // Exactly one load, and stages say themselves how long they are.
      if (is_load && plan[j].find("  \"rate\"") == 0) continue;
      if (plan[i].find("\"stages\"") != std::string::npos && plan[j].find("  \"duration\"") == 0) {
        continue;
      }
      // Streams and a seed want the line before them.
      const bool goes_with = i > 0 && j + 1 == i &&
                             (plan[i].find("\"streams\"") != std::string::npos ||
                              plan[i].find("\"arrival_seed\"") != std::string::npos);
      text += (j == i || goes_with ? plan[j].substr(plan[j].find("// ") + 3) : plan[j]) + "\n";
    }
    v1::LoadTestSpec spec;
    const absl::Status parsed = JsonToProto(text, "plan", spec);
    ASSERT_TRUE(parsed.ok()) << parsed << "\n" << text;
    const auto valid = ValidateSpec(spec);
    EXPECT_TRUE(valid.ok()) << valid.status() << "\n" << plan[i];
    ++tried;
  }
  EXPECT_GE(tried, 15);
}

TEST_F(FirstSteps, HelpListsCommandsAndTopics) {
  EXPECT_EQ(Run({"help"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("  doctor "));
  EXPECT_THAT(out_.str(), HasSubstr("  exit-codes "));
}

TEST_F(FirstSteps, HelpOfACommandIsThatOfItsFlag) {
  EXPECT_EQ(Run({"help", "tail"}), 0);
  const std::string help = out_.str();
  EXPECT_EQ(Run({"tail", "--help"}), 0);
  EXPECT_EQ(out_.str(), help);
}

TEST_F(FirstSteps, EveryTopicIsExplained) {
  for (const HelpTopic& topic : HelpTopics()) {
    EXPECT_EQ(Run({"help", std::string(topic.name)}), 0);
    EXPECT_EQ(out_.str(), topic.text);
    // Not wider than a terminal.
    std::istringstream lines(out_.str());
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST_F(FirstSteps, AnUnknownTopicNamesTheKnownOnes) {
  EXPECT_EQ(Run({"help", "luck"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("help: got \"luck\", want a command (run, "));
  EXPECT_THAT(err_.str(), HasSubstr("exit-codes"));
}

TEST_F(FirstSteps, CompletionIsThereForThreeShells) {
  EXPECT_EQ(Run({"completion", "bash"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("complete -F _loadctl loadctl"));
  EXPECT_EQ(Run({"completion", "zsh"}), 0);
  EXPECT_THAT(out_.str(), StartsWith("#compdef loadctl"));
  EXPECT_EQ(Run({"completion", "fish"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("-s c -l connections -x -d 'Connections of each driver"));
  EXPECT_EQ(Run({"completion", "csh"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("got \"csh\", want bash, zsh or fish"));
}

TEST(Completion, QuotesDoNotEndTheScriptsOwn) {
  const std::vector<CompletedCommand> commands = {
      {.name = "run",
       .help = "It's a run",
       .flags = {{.names = {"-c"}, .values = {}, .help = "the server's [x]"}},
       .words = {}}};
  EXPECT_THAT(CompletionScript("fish", commands), HasSubstr("-d 'It'\\''s a run'"));
  EXPECT_THAT(CompletionScript("zsh", commands), HasSubstr("'*-c[the server'\\''s \\[x\\]]'"));
}

TEST_F(FirstSteps, DoctorWithoutAnOrchestratorIsSeven) {
  EXPECT_EQ(Run({"doctor", "--server", "127.0.0.1:1"}), 7);
  EXPECT_THAT(out_.str(), HasSubstr("problem  orchestrator  cannot reach the orchestrator at "
                                    "127.0.0.1:1: "));
  EXPECT_THAT(out_.str(), HasSubstr("-> start one (orchestrator 2)"));
}

TEST_F(FirstSteps, DoctorWithoutDriversIsTwo) {
  FakeOrchestrator orchestrator;
  EXPECT_EQ(Run({"doctor", "--server", orchestrator.address()}), 2) << out_.str();
  EXPECT_THAT(out_.str(), HasSubstr("problem  drivers       there is none"));
}

TEST_F(FirstSteps, DoctorIsContentWithAFleetThatIsThere) {
  FakeOrchestrator orchestrator;
  v1::ListDriversResponse drivers;
  drivers.add_drivers()->set_state(v1::Driver::IDLE);
  orchestrator.SetDrivers(drivers);
  EXPECT_EQ(Run({"doctor", "--server", orchestrator.address(), "-o", "json"}), 0) << out_.str();
  EXPECT_THAT(out_.str(), StartsWith("{\n  \"findings\": ["));
}

TEST_F(FirstSteps, DoctorNamesABrokerThatIsAway) {
  FakeOrchestrator orchestrator;
  EXPECT_EQ(Run({"doctor", "--server", orchestrator.address(), "--kafka", "127.0.0.1:1"}), 7);
  EXPECT_THAT(out_.str(), HasSubstr("problem  broker        cannot reach Kafka at 127.0.0.1:1"));
}

}  // namespace
}  // namespace loadtest
