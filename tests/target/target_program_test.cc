// The program `target` itself: flags, signals, exit codes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "target/raw_client.h"

extern char** environ;

namespace loadtest {
namespace {

class TargetProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "target_test.XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override {
    if (pid_ > 0) kill(pid_, SIGKILL), Wait();
    std::filesystem::remove_all(folder_);
  }

  std::string File(const std::string& name) const { return folder_ + "/" + name; }

  void Start(std::vector<std::string> flags) {
    flags.insert(flags.begin(), "target");
    std::vector<char*> argv;
    for (std::string& flag : flags) argv.push_back(flag.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, File("out").c_str(),
                                     O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, File("err").c_str(),
                                     O_WRONLY | O_CREAT, 0600);
    ASSERT_EQ(posix_spawn(&pid_, TARGET_PROGRAM, &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }

  // Starts it on a free port and returns that.
  int StartReady() {
    Start({"--port", "0", "--ready_file", File("ready")});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!std::filesystem::exists(File("ready"))) {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "no ready file within 10 s";
        return 0;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    const std::string address = nlohmann::json::parse(Read("ready"))["http_address"];
    EXPECT_EQ(address.substr(0, 10), "127.0.0.1:");
    return std::stoi(address.substr(10));
  }

  std::string Read(const std::string& name) const {
    std::ifstream file(File(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  pid_t pid_ = -1;
  std::string folder_;
};

TEST_F(TargetProgram, SaysWhereItListensInOneLine) {
  const std::string port = std::to_string(StartReady());
  EXPECT_EQ(Read("out"),
            "target listens on http://127.0.0.1:" + port + " and http://[::1]:" + port + "\n");
}

TEST_F(TargetProgram, TerminatesAtOnceWithZeroWhileARequestStalls) {
  for (const int signal : {SIGTERM, SIGINT}) {
    RawClient client(StartReady());
    client.Get("/stall");
    const auto start = std::chrono::steady_clock::now();
    kill(pid_, signal);
    EXPECT_EQ(Wait(), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
    std::filesystem::remove(File("ready"));
  }
}

TEST_F(TargetProgram, EndsWithTwoAndOneLineWhenItsPortIsTaken) {
  const std::string port = std::to_string(StartReady());
  const pid_t first = pid_;
  Start({"--port", port});
  EXPECT_EQ(Wait(), 2);
  EXPECT_EQ(Read("err"), "target: cannot listen on 127.0.0.1:" + port +
                             ": another program listens there; want a free port (--port, or "
                             "target.port in config.json)\n");
  pid_ = first;
}

TEST_F(TargetProgram, AWrongPortIsAUsageError) {
  Start({"--port", "70000"});
  EXPECT_EQ(Wait(), 2);
  EXPECT_NE(Read("err").find("--port"), std::string::npos) << Read("err");
}

}  // namespace
}  // namespace loadtest
