#include "server/fleet/driver_processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

constexpr auto kApart = std::chrono::milliseconds(8);
constexpr int64_t kFirstBackoffNs = 100 * kNanosPerMilli;
constexpr int64_t kLongestBackoffNs = 5 * kNanosPerSecond;
// A life of this length was a good one: the next back-off begins anew.
constexpr int64_t kGoodLifeNs = 30 * kNanosPerSecond;

// Where a child has its life line: the first number after the standard streams.
constexpr int kLifelineFd = 3;
constexpr int kMostDescriptors = 65'536;

// In the child between fork and exec: only async-signal-safe calls.
[[noreturn]] void Become(const char* program, char* const* arguments, char* const* environment,
                         int lifeline_fd) {
  if (lifeline_fd == kLifelineFd) {
    fcntl(lifeline_fd, F_SETFD, 0);  // stays open in the program
  } else {
    dup2(lifeline_fd, kLifelineFd);
  }
  // Libraries open sockets without close-on-exec: a driver that kept the doors or the embedded
  // broker's port open would make a dead orchestrator look alive.
  if (close_range(kLifelineFd + 1, ~0U, 0) != 0) {  // a kernel before 5.9
    for (int fd = kLifelineFd + 1; fd < kMostDescriptors; ++fd) close(fd);
  }
  // A group of its own: Ctrl-C in a terminal reaches the orchestrator alone, which then ends its
  // drivers in order.
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(program, arguments, environment);
  _exit(127);
}

// This process's variables but for settings: those count in it already, and what came of them and
// of its flags stands in the drivers' configuration file, which they would win over.
std::vector<char*> EnvironmentOfADriver() {
  const std::map<std::string, std::string> settings = LoadtestEnvironment();
  std::vector<char*> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!settings.contains(std::string(text.substr(0, text.find('='))))) kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

// The address for the driver of this index, from 0: its port is that of the setting plus the index,
// or any one where that is 0. What is no address is left for the driver to refuse.
std::string MetricsAddress(const std::string& setting, int index) {
  const absl::StatusOr<HostPort> first = ParseHostPort(setting, "driver.metrics_address");
  if (!first.ok() || first->port == 0) return setting;
  return absl::StrFormat("%s:%d", setting.substr(0, setting.rfind(':')), first->port + index);
}

std::string DeathText(int status) {
  if (WIFSIGNALED(status))
    return absl::StrFormat("was ended by signal %d (%s)", WTERMSIG(status),
                           strsignal(WTERMSIG(status)));
  return absl::StrFormat("ended with exit code %d", WEXITSTATUS(status));
}

}  // namespace

DriverProcesses::~DriverProcesses() {
  Stop(std::chrono::milliseconds(0));
  for (const int fd : lifeline_fds_) {
    if (fd >= 0) close(fd);
  }
}

absl::Status DriverProcesses::Start() {
  if (options_.count > 0 && access(options_.program.c_str(), X_OK) != 0) {
    return absl::NotFoundError(absl::StrFormat("orchestrator.driver_program: cannot run %s: %s",
                                               options_.program, std::strerror(errno)));
  }
  if (pipe2(lifeline_fds_, O_CLOEXEC) != 0)
    return absl::InternalError(absl::StrFormat("cannot make a pipe: %s", std::strerror(errno)));
  for (int number = 1; static_cast<int>(children_.size()) < options_.count; ++number) {
    std::string id = absl::StrFormat("driver-%d", number);
    if (options_.taken_ids.contains(id)) continue;
    Child& child = children_.emplace_back();
    child.id = std::move(id);
    child.metrics_address = MetricsAddress(options_.metrics_address, number - 1);
    RETURN_IF_ERROR(Launch(child, SystemClock().Now()));
    std::this_thread::sleep_for(kApart);
  }
  return absl::OkStatus();
}

absl::Status DriverProcesses::Launch(Child& child, MonotonicTime now) {
  std::vector<std::string> texts = {options_.program};
  texts.insert(texts.end(), options_.arguments.begin(), options_.arguments.end());
  for (std::string text : {std::string("--lifeline_fd"), absl::StrFormat("%d", kLifelineFd),
                           std::string("--id"), child.id})
    texts.push_back(std::move(text));
  if (!child.metrics_address.empty()) {
    texts.push_back("--set");
    texts.push_back("driver.metrics_address=" + child.metrics_address);
  }
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  const std::vector<char*> environment = EnvironmentOfADriver();
  const pid_t pid = fork();
  if (pid < 0)
    return absl::InternalError(
        absl::StrFormat("cannot start %s: %s", options_.program, std::strerror(errno)));
  if (pid == 0) {
    Become(options_.program.c_str(), arguments.data(), environment.data(), lifeline_fds_[0]);
  }
  child.pid = pid;
  child.started_ns = now.ns;
  return absl::OkStatus();
}

void DriverProcesses::Watch(MonotonicTime now) {
  for (Child& child : children_) {
    int status = 0;
    if (child.pid > 0 && waitpid(child.pid, &status, WNOHANG) == child.pid) {
      const bool good_life = now.ns - child.started_ns > kGoodLifeNs;
      child.backoff_ns = good_life || child.backoff_ns == 0
                             ? kFirstBackoffNs
                             : std::min(child.backoff_ns * 2, kLongestBackoffNs);
      child.start_again_ns = now.ns + child.backoff_ns;
      child.pid = -1;
      log_.Warning(absl::StrFormat("%s %s; starting it again in %d ms", child.id, DeathText(status),
                                   child.backoff_ns / kNanosPerMilli));
    }
    if (child.pid < 0 && now.ns >= child.start_again_ns) {
      const absl::Status launched = Launch(child, now);
      if (!launched.ok()) {
        log_.Error(std::string(launched.message()));
        child.start_again_ns = now.ns + kLongestBackoffNs;
      }
    }
  }
}

void DriverProcesses::Stop(std::chrono::milliseconds patience) {
  for (const Child& child : children_) {
    if (child.pid > 0) kill(child.pid, SIGTERM);
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (Child& child : children_) {
    if (child.pid <= 0) continue;
    while (waitpid(child.pid, nullptr, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() > deadline) {
        kill(child.pid, SIGKILL);
        waitpid(child.pid, nullptr, 0);
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    child.pid = -1;
  }
  children_.clear();
}

}  // namespace loadtest
