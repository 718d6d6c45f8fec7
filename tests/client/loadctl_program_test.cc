// The program `loadctl` itself: signals, and an orchestrator that dies.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "client/fake_orchestrator.h"
#include "client/sample_messages.h"

extern char** environ;

namespace loadtest {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kUrl[] = "http://127.0.0.1:8081/ping";

class LoadctlProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "loadctl_test.XXXXXX";
    folder_ = mkdtemp(pattern.data());
    orchestrator_ = std::make_unique<FakeOrchestrator>();
    orchestrator_->Script({SampleUpdate()}, SampleReport());
    orchestrator_->HoldUntilStopped();
  }
  void TearDown() override {
    if (pid_ > 0) kill(pid_, SIGKILL), Wait();
    std::filesystem::remove_all(folder_);
  }

  void Start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--server", orchestrator_->address()});
    StartProgram(LOADCTL_PROGRAM, arguments);
  }

  // `run --local` with a fake orchestrator beside the program; temporary files go to folder_/tmp.
  void StartLocal(std::vector<std::string> arguments) {
    const std::string program = folder_ + "/loadctl";
    std::filesystem::copy_file(LOADCTL_PROGRAM, program);
    std::filesystem::create_symlink(FAKE_ORCHESTRATOR_FOLDER "/orchestrator",
                                    folder_ + "/orchestrator");
    std::filesystem::create_directory(folder_ + "/tmp");
    setenv("TMPDIR", (folder_ + "/tmp").c_str(), 1);
    setenv("FAKE_ORCHESTRATOR", "holds", 1);
    arguments.insert(arguments.begin(), {"run", "--local", "2"});
    StartProgram(program, arguments);
    unsetenv("TMPDIR");
    unsetenv("FAKE_ORCHESTRATOR");
  }

  void StartProgram(const std::string& program, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "loadctl");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const int flags = O_WRONLY | O_CREAT | O_APPEND;
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, (folder_ + "/out").c_str(), flags,
                                     0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (folder_ + "/err").c_str(), flags,
                                     0600);
    ASSERT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }

  std::string Read(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Until the progress line is there, the test is created and watched.
  void AwaitProgress() const {
    const auto deadline = steady_clock::now() + seconds(10);
    while (Read("err").find("40%") == std::string::npos) {
      ASSERT_LT(steady_clock::now(), deadline) << Read("err");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::unique_ptr<FakeOrchestrator> orchestrator_;
  std::string folder_;
  pid_t pid_ = -1;
};

TEST_F(LoadctlProgram, CtrlCStopsTheTestAndPrintsItsReport) {
  Start({"run", kUrl});
  AwaitProgress();
  kill(pid_, SIGINT);
  EXPECT_EQ(Wait(), 130);
  EXPECT_EQ(orchestrator_->stopped().size(), 1u);
  EXPECT_EQ(orchestrator_->stopped()[0].reason(), "interrupted by loadctl");
  EXPECT_THAT(Read("out"), StartsWith("loadTests/t1  STOPPED\n"));
}

TEST_F(LoadctlProgram, SigtermDoesTheSameWithItsOwnExitCode) {
  Start({"run", kUrl});
  AwaitProgress();
  kill(pid_, SIGTERM);
  EXPECT_EQ(Wait(), 143);
  EXPECT_THAT(Read("out"), StartsWith("loadTests/t1  STOPPED\n"));
}

TEST_F(LoadctlProgram, CtrlCWhileWatchingEndsOnlyTheWatching) {
  Start({"create", kUrl, "--id", "soak"});
  EXPECT_EQ(Wait(), 0);
  Start({"watch", "soak"});
  AwaitProgress();
  kill(pid_, SIGINT);
  EXPECT_EQ(Wait(), 130);
  EXPECT_TRUE(orchestrator_->stopped().empty());
}

TEST_F(LoadctlProgram, AnOrchestratorThatDiesInMidTestIsSevenWithALine) {
  Start({"run", kUrl});
  AwaitProgress();
  orchestrator_.reset();
  EXPECT_EQ(Wait(), 7);
  EXPECT_THAT(Read("err"), HasSubstr("loadctl: watching loadTests/t1: orchestrator at 127.0.0.1:"));
  EXPECT_EQ(Read("out"), "");
}

// Whether a process has `text` in its command line.
bool IsRunning(const std::string& text) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    const std::string command((std::istreambuf_iterator<char>(file)), {});
    if (command.find(text) != std::string::npos) return true;
  }
  return false;
}

TEST_F(LoadctlProgram, CtrlCInALocalRunPrintsTheReportAndLeavesNothingBehind) {
  StartLocal({kUrl});
  AwaitProgress();
  EXPECT_TRUE(IsRunning(folder_ + "/orchestrator"));
  kill(pid_, SIGINT);
  EXPECT_EQ(Wait(), 130);
  EXPECT_THAT(Read("out"), StartsWith("loadTests/t1  STOPPED\n"));
  // The test is gone with its orchestrator.
  EXPECT_THAT(Read("out"), testing::Not(testing::HasSubstr("loadctl report ")));
  EXPECT_FALSE(IsRunning(folder_ + "/orchestrator"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/tmp"));
}

TEST_F(LoadctlProgram, AKilledLocalRunTakesItsOrchestratorAlong) {
  StartLocal({kUrl});
  AwaitProgress();
  kill(pid_, SIGKILL);
  EXPECT_EQ(Wait(), -SIGKILL);
  const auto deadline = steady_clock::now() + seconds(5);
  while (IsRunning(folder_ + "/orchestrator") && steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_FALSE(IsRunning(folder_ + "/orchestrator"));
}

}  // namespace
}  // namespace loadtest
