// The program `loadctl` on a terminal of its own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>

#include "client/fake_orchestrator.h"
#include "client/sample_messages.h"

namespace loadtest {
namespace {

using std::chrono::steady_clock;
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
  void TearDown() override {
    if (pid_ > 0) kill(pid_, SIGKILL), Wait();
    if (terminal_ >= 0) close(terminal_);
  }

  // Runs a test on a terminal of 90 x 30; `setting` is one more variable of its environment.
  void Run(const std::string& setting = "LANG=C.UTF-8") {
    const std::string server = orchestrator_->address();
    winsize size = {.ws_row = 30, .ws_col = 90, .ws_xpixel = 0, .ws_ypixel = 0};
    std::string first = setting;
    std::string term = "TERM=xterm-256color";
    char* const environment[] = {first.data(), term.data(), nullptr};
    pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      execle(LOADCTL_PROGRAM, "loadctl", "--server", server.c_str(), "run",
             "http://127.0.0.1:8081/ping", nullptr, environment);
      _exit(99);
    }
    ASSERT_GT(pid_, 0);
  }

  // Reads what it draws until that has `text`, from `begin` on, or the program has ended.
  void ReadUntil(const std::string& text, size_t begin = 0) {
    const auto deadline = steady_clock::now() + std::chrono::seconds(20);
    while (drawn_.find(text, begin) == std::string::npos) {
      ASSERT_LT(steady_clock::now(), deadline) << "no " << text << " in " << drawn_;
      pollfd wanted = {.fd = terminal_, .events = POLLIN, .revents = 0};
      if (poll(&wanted, 1, 100) == 0) continue;
      char block[4096];
      const ssize_t size = read(terminal_, block, sizeof(block));
      if (size <= 0) return;  // EIO: the other side is closed
      drawn_.append(block, static_cast<size_t>(size));
    }
  }
  void ReadToTheEnd() { ReadUntil("\x01 never"); }

  void Type(char c) { ASSERT_EQ(write(terminal_, &c, 1), 1); }
  bool Echoes() const {
    termios modes{};
    tcgetattr(terminal_, &modes);
    return (modes.c_lflag & ECHO) != 0;
  }
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  std::string After(const std::string& mark) const {
    const size_t at = drawn_.rfind(mark);
    return at == std::string::npos ? "" : drawn_.substr(at);
  }

  std::unique_ptr<FakeOrchestrator> orchestrator_;
  std::string drawn_;
  int terminal_ = -1;
  pid_t pid_ = -1;
};

TEST_F(LiveScreenProgram, CtrlCStopsTheTestAndPrintsTheReportOnTheScreenFromBefore) {
  Run();
  ReadUntil("p99");
  EXPECT_THAT(drawn_, HasSubstr(kTake));
  EXPECT_FALSE(Echoes());
  Type('\x03');
  ReadToTheEnd();
  EXPECT_EQ(Wait(), 130);
  EXPECT_THAT(After(kGiveBack), HasSubstr("loadTests/t1  "));
  EXPECT_THAT(After(kGiveBack), Not(HasSubstr(kTake)));
  EXPECT_TRUE(Echoes());
}

TEST_F(LiveScreenProgram, AnOrchestratorThatDiesGivesTheTerminalBack) {
  Run();
  ReadUntil("p99");
  orchestrator_.reset();
  ReadToTheEnd();
  EXPECT_EQ(Wait(), 7);
  EXPECT_THAT(After(kGiveBack), HasSubstr("loadctl: watching loadTests/t1"));
  EXPECT_TRUE(Echoes());
}

// Two of Ctrl-C at once: the second one ends it while the first still waits for the orchestrator.
TEST_F(LiveScreenProgram, CtrlCTwiceQuitsAndGivesTheTerminalBack) {
  orchestrator_->IgnoreStops();
  Run();
  ReadUntil("p99");
  Type('\x03');
  while (orchestrator_->stopped().empty()) ReadUntil(kTake);
  Type('\x03');
  ReadToTheEnd();
  EXPECT_EQ(Wait(), 130);
  EXPECT_THAT(drawn_, HasSubstr(kGiveBack));
  EXPECT_TRUE(Echoes());
}

TEST_F(LiveScreenProgram, ADeadlySignalGivesTheTerminalBack) {
  for (const int signal : {SIGHUP, SIGSEGV, SIGQUIT}) {
    drawn_.clear();
    Run();
    ReadUntil("p99");
    kill(pid_, signal);
    ReadToTheEnd();
    EXPECT_EQ(Wait(), -signal);
    EXPECT_THAT(drawn_, HasSubstr(kGiveBack));
    EXPECT_TRUE(Echoes());
    close(terminal_);
    terminal_ = -1;
  }
}

TEST_F(LiveScreenProgram, AResizedTerminalIsDrawnAnew) {
  Run();
  ReadUntil("p99");
  drawn_.clear();
  const winsize size = {.ws_row = 20, .ws_col = 50, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(ioctl(terminal_, TIOCSWINSZ, &size), 0);
  ReadUntil("\x1b[2J");
  ReadUntil("\x1b[20;1H");
  EXPECT_THAT(drawn_, Not(HasSubstr("\x1b[21;1H")));
}

TEST_F(LiveScreenProgram, ASuspendedTestGivesTheTerminalBackAndTakesItAgain) {
  Run();
  ReadUntil("p99");
  drawn_.clear();
  kill(pid_, SIGTSTP);
  int status = 0;
  ASSERT_EQ(waitpid(pid_, &status, WUNTRACED), pid_);
  ASSERT_TRUE(WIFSTOPPED(status));
  ReadUntil(kGiveBack);
  EXPECT_TRUE(Echoes());
  kill(pid_, SIGCONT);
  ReadUntil(kTake);
  EXPECT_FALSE(Echoes());
  ReadUntil("p99", drawn_.find(kTake));
}

TEST_F(LiveScreenProgram, ADumbTerminalGetsLines) {
  Run("TERM=dumb");
  ReadUntil("40%");
  EXPECT_THAT(drawn_, Not(HasSubstr("\x1b")));
}

TEST_F(LiveScreenProgram, NoColorMeansNone) {
  Run("NO_COLOR=1");
  ReadUntil("drivers");
  ReadUntil("verdict");
  for (const char* color : {"31m", "32m", "33m", "35m", "36m"}) {
    EXPECT_THAT(drawn_, Not(HasSubstr(color)));
  }
}

}  // namespace
}  // namespace loadtest
