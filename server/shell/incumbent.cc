#include "server/shell/incumbent.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "absl/strings/str_format.h"
#include "common/base/time.h"

namespace loadtest {
namespace {

std::string FirstLine(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string LinkTarget(const std::string& path) {
  char target[4096];
  const ssize_t length = readlink(path.c_str(), target, sizeof(target));
  return length < 0 ? "" : std::string(target, static_cast<size_t>(length));
}

// Since when the system has been up, seconds since 1970.
int64_t BootSeconds() {
  std::ifstream in("/proc/stat");
  std::string word;
  while (in >> word) {
    int64_t seconds = 0;
    if (word == "btime" && in >> seconds) return seconds;
  }
  return 0;
}

struct ProcessFacts {
  char state = '?';
  int64_t start_ns = 0;  // wall time, right to a second or so
};

// man 5 proc: the name in parentheses may have anything in it, so counting begins after the last
// one.
std::optional<ProcessFacts> ReadProcess(int64_t pid) {
  const std::string stat = FirstLine(absl::StrFormat("/proc/%d/stat", pid));
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  ProcessFacts facts;
  fields >> facts.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  int64_t ticks = 0;
  if (!(fields >> ticks)) return std::nullopt;
  facts.start_ns =
      BootSeconds() * kNanosPerSecond + ticks * (kNanosPerSecond / sysconf(_SC_CLK_TCK));
  return facts;
}

// Times of starts are coarse, and the wall clock may be corrected.
constexpr int64_t kStartToleranceNs = 5 * kNanosPerSecond;

}  // namespace

v1::OrchestratorAlive ThisProcess() {
  v1::OrchestratorAlive self;
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  self.set_host_name(host);
  self.set_boot_id(FirstLine("/proc/sys/kernel/random/boot_id") + " " +
                   LinkTarget("/proc/self/ns/pid"));
  self.set_pid(getpid());
  return self;
}

bool IsProvablyGone(const v1::OrchestratorAlive& sign) {
  const v1::OrchestratorAlive self = ThisProcess();
  if (sign.pid() <= 0 || sign.boot_id() != self.boot_id() || sign.host_name() != self.host_name())
    return false;
  if (sign.pid() == self.pid()) return true;
  if (kill(static_cast<pid_t>(sign.pid()), 0) != 0 && errno == ESRCH) return true;
  const std::optional<ProcessFacts> process = ReadProcess(sign.pid());
  if (!process) return false;
  if (process->state == 'Z' || process->state == 'X') return true;
  // Its incarnation is when it began.
  if (process->start_ns > sign.incarnation() + kStartToleranceNs) return true;
  const std::string program = LinkTarget(absl::StrFormat("/proc/%d/exe", sign.pid()));
  const std::string mine = LinkTarget("/proc/self/exe");
  const auto name = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
  // After an update its own file is "(deleted)".
  return !program.empty() && !mine.empty() && name(program).rfind(name(mine), 0) != 0;
}

}  // namespace loadtest
