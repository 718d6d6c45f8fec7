// The program `loadctl` on a terminal of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "client/fake_orchestrator.h"
#include "client/program_on_terminal.h"
#include "client/sample_messages.h"

namespace loadtest {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kTake[] = "\x1b[?1049h";
constexpr char kGiveBack[] = "\x1b[?1049l";

class LiveScreenProgram : public testing::Test {
 protected:
  void SetUp() override {
    orchestrator_ = std::make_unique<FakeOrchestrator>();
    orchestrator_->Script({SampleUpdate()}, SampleReport());
    orchestrator_->HoldUntilStopped();
  }

  // Runs a test on a terminal of 90 x 30; `setting` is one more variable of its environment.
  void Run(const std::string& setting = "LANG=C.UTF-8") {
    loadctl_ = std::make_unique<ProgramOnTerminal>(
        std::vector<std::string>{LOADCTL_PROGRAM, "--server", orchestrator_->address(), "run",
                                 "http://127.0.0.1:8081/ping"},
        std::vector<std::string>{setting, "TERM=xterm-256color"});
  }

  std::string After(const std::string& mark) const {
    const size_t at = loadctl_->drawn().rfind(mark);
    return at == std::string::npos ? "" : loadctl_->drawn().substr(at);
  }

  std::unique_ptr<FakeOrchestrator> orchestrator_;
  std::unique_ptr<ProgramOnTerminal> loadctl_;
};

TEST_F(LiveScreenProgram, CtrlCStopsTheTestAndPrintsTheReportOnTheScreenFromBefore) {
  Run();
  loadctl_->ReadUntil("p99");
  EXPECT_THAT(loadctl_->drawn(), HasSubstr(kTake));
  EXPECT_FALSE(loadctl_->Echoes());
  loadctl_->Type('\x03');
  loadctl_->ReadToTheEnd();
  EXPECT_EQ(loadctl_->Wait(), 130);
  EXPECT_THAT(After(kGiveBack), HasSubstr("loadTests/t1  "));
  EXPECT_THAT(After(kGiveBack), HasSubstr("STOPPED (exit code 130)"));
  EXPECT_THAT(After(kGiveBack), Not(HasSubstr(kTake)));
  EXPECT_TRUE(loadctl_->Echoes());
}

TEST_F(LiveScreenProgram, AnOrchestratorThatDiesGivesTheTerminalBack) {
  Run();
  loadctl_->ReadUntil("p99");
  orchestrator_.reset();
  loadctl_->ReadToTheEnd();
  EXPECT_EQ(loadctl_->Wait(), 7);
  EXPECT_THAT(After(kGiveBack), HasSubstr("loadctl: watching loadTests/t1"));
  EXPECT_TRUE(loadctl_->Echoes());
}

// Two of Ctrl-C at once: the second one ends it while the first still waits for the orchestrator.
TEST_F(LiveScreenProgram, CtrlCTwiceQuitsAndGivesTheTerminalBack) {
  orchestrator_->IgnoreStops();
  Run();
  loadctl_->ReadUntil("p99");
  loadctl_->Type('\x03');
  while (orchestrator_->stopped().empty()) loadctl_->ReadUntil(kTake);
  loadctl_->Type('\x03');
  loadctl_->ReadToTheEnd();
  EXPECT_EQ(loadctl_->Wait(), 130);
  EXPECT_THAT(loadctl_->drawn(), HasSubstr(kGiveBack));
  EXPECT_TRUE(loadctl_->Echoes());
}

TEST_F(LiveScreenProgram, ADeadlySignalGivesTheTerminalBack) {
  for (const int signal : {SIGHUP, SIGSEGV, SIGQUIT}) {
    Run();
    loadctl_->ReadUntil("p99");
    loadctl_->Signal(signal);
    loadctl_->ReadToTheEnd();
    EXPECT_EQ(loadctl_->Wait(), -signal);
    EXPECT_THAT(loadctl_->drawn(), HasSubstr(kGiveBack));
    EXPECT_TRUE(loadctl_->Echoes());
  }
}

TEST_F(LiveScreenProgram, AResizedTerminalIsDrawnAnew) {
  Run();
  loadctl_->ReadUntil("p99");
  loadctl_->Forget();
  loadctl_->Resize({.columns = 50, .rows = 20});
  loadctl_->ReadUntil("\x1b[2J");
  loadctl_->ReadUntil("\x1b[20;1H");
  // Before it the rest of the larger screen may still have come.
  EXPECT_THAT(After("\x1b[2J"), Not(HasSubstr("\x1b[21;1H")));
}

TEST_F(LiveScreenProgram, ASuspendedTestGivesTheTerminalBackAndTakesItAgain) {
  Run();
  loadctl_->ReadUntil("p99");
  loadctl_->Forget();
  loadctl_->Signal(SIGTSTP);
  ASSERT_TRUE(loadctl_->IsSuspended());
  loadctl_->ReadUntil(kGiveBack);
  EXPECT_TRUE(loadctl_->Echoes());
  loadctl_->Signal(SIGCONT);
  loadctl_->ReadUntil(kTake);
  EXPECT_FALSE(loadctl_->Echoes());
  loadctl_->ReadUntil("p99", loadctl_->drawn().find(kTake));
}

TEST_F(LiveScreenProgram, ADumbTerminalGetsLines) {
  Run("TERM=dumb");
  loadctl_->ReadUntil("40%");
  EXPECT_THAT(loadctl_->drawn(), Not(HasSubstr("\x1b")));
}

TEST_F(LiveScreenProgram, NoColorMeansNone) {
  Run("NO_COLOR=1");
  loadctl_->ReadUntil("drivers");
  loadctl_->ReadUntil("verdict");
  for (const char* color : {"31m", "32m", "33m", "35m", "36m"}) {
    EXPECT_THAT(loadctl_->drawn(), Not(HasSubstr(color)));
  }
}

}  // namespace
}  // namespace loadtest
