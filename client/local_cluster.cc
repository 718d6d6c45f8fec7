#include "client/local_cluster.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPollInterval{5};
// How long the orchestrator may take to end its drivers before it is killed.
constexpr milliseconds kStopTimeout{5'000};

std::string ReadyFile(const std::string& folder) { return folder + "/ready.json"; }
std::string LogFile(const std::string& folder) { return folder + "/orchestrator.log"; }

// What a child does between fork and exec. Only calls that are safe there; never returns.
[[noreturn]] void BecomeProgram(char* const* argv, int log_fd, pid_t parent) {
  // A process group of its own: Ctrl-C at the terminal reaches only loadctl, which then stops in
  // good order.
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(0);  // the parent died before prctl
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  execv(argv[0], argv);
  constexpr char kMessage[] = "cannot be executed\n";
  if (write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1) < 0) _exit(126);
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalCluster>> LocalCluster::Start(const Options& options) {
  if (access(options.orchestrator.c_str(), X_OK) != 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--local: %s: %s; want the program orchestrator beside loadctl",
                        options.orchestrator, std::strerror(errno)));
  }
  std::error_code error;
  std::string folder =
      (std::filesystem::temp_directory_path(error) / "loadctl-local.XXXXXX").string();
  if (error || mkdtemp(folder.data()) == nullptr) {
    return absl::InternalError(
        absl::StrFormat("--local: cannot make a temporary folder %s: %s (TMPDIR chooses where)",
                        folder, error ? error.message() : std::strerror(errno)));
  }
  std::unique_ptr<LocalCluster> cluster(new LocalCluster(options, std::move(folder)));
  RETURN_IF_ERROR(cluster->Spawn());
  return cluster;
}

LocalCluster::LocalCluster(const Options& options, std::string folder)
    : options_(options), folder_(std::move(folder)) {}

absl::Status LocalCluster::Spawn() {
  std::vector<std::string> arguments = {options_.orchestrator,
                                        std::to_string(options_.drivers),
                                        "--kafka",
                                        "embedded",
                                        "--grpc",
                                        "127.0.0.1:0",
                                        "--http",
                                        "127.0.0.1:0",
                                        "--data",
                                        folder_ + "/data",
                                        "--ready_file",
                                        ReadyFile(folder_)};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int log_fd =
      open(LogFile(folder_).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) BecomeProgram(argv.data(), log_fd, parent);
  const int fork_error = errno;
  if (log_fd >= 0) close(log_fd);
  if (pid < 0) {
    return absl::InternalError(
        absl::StrFormat("--local: cannot start a process: %s", std::strerror(fork_error)));
  }
  std::lock_guard lock(mutex_);
  pid_ = pid;
  return absl::OkStatus();
}

absl::Status LocalCluster::AwaitReady() {
  const auto deadline = steady_clock::now() + options_.start_timeout;
  while (true) {
    absl::StatusOr<std::string> address = ReadReadyFile();
    if (address.ok()) {
      grpc_address_ = *std::move(address);
      return absl::OkStatus();
    }
    if (!absl::IsNotFound(address.status())) return address.status();
    std::string how;
    const bool has_ended = HasEnded(how);
    if (!has_ended && steady_clock::now() > deadline) {
      how = absl::StrFormat("is not ready after %d ms", options_.start_timeout.count());
    }
    if (!how.empty()) {
      const std::string line = LastLogLine();
      return absl::InternalError(absl::StrFormat("--local: the orchestrator %s%s%s", how,
                                                 has_ended ? " before it was ready" : "",
                                                 line.empty() ? "" : "; it said: " + line));
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

absl::StatusOr<std::string> LocalCluster::ReadReadyFile() const {
  std::ifstream file(ReadyFile(folder_));
  if (!file) return absl::NotFoundError("no ready file yet");
  const auto json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("grpc_address") || !json["grpc_address"].is_string()) {
    return absl::InternalError("--local: the ready file of the orchestrator has no grpc_address");
  }
  return json["grpc_address"].get<std::string>();
}

std::string LocalCluster::LastLogLine() const {
  std::ifstream file(LogFile(folder_));
  std::string last, line;
  while (std::getline(file, line)) {
    if (!line.empty()) last = line;
  }
  return last;
}

bool LocalCluster::HasEnded(std::string& how) {
  std::lock_guard lock(mutex_);
  if (pid_ < 0) {
    how = "was ended";
    return true;
  }
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
  pid_ = -1;
  how = WIFSIGNALED(status) ? absl::StrFormat("died of signal %d", WTERMSIG(status))
                            : absl::StrFormat("ended with exit code %d", WEXITSTATUS(status));
  return true;
}

void LocalCluster::Stop() {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  stopped_ = true;
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    const auto deadline = steady_clock::now() + kStopTimeout;
    while (waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (steady_clock::now() > deadline) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        break;
      }
      std::this_thread::sleep_for(kPollInterval);
    }
    pid_ = -1;
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace loadtest
