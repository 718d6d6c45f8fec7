#include "server/shell/incumbent.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "common/base/time.h"

namespace loadtest {
namespace {

v1::OrchestratorAlive SignOf(pid_t pid) {
  v1::OrchestratorAlive sign = ThisProcess();
  sign.set_pid(pid);
  sign.set_incarnation(SystemClock().WallNow().ns);
  return sign;
}

// A process of this program that does nothing until it is ended.
class Child {
 public:
  Child() : pid_(fork()) {
    if (pid_ == 0) {
      while (true) pause();
    }
  }
  ~Child() { End(); }
  pid_t pid() const { return pid_; }
  void Kill() { kill(pid_, SIGKILL); }
  void End() {
    if (std::exchange(ended_, true)) return;
    Kill();
    waitpid(pid_, nullptr, 0);
  }

 private:
  const pid_t pid_;
  bool ended_ = false;
};

TEST(IncumbentTest, SeesAProcessThatIsThere) {
  const Child child;
  EXPECT_FALSE(IsProvablyGone(SignOf(child.pid())));
}

TEST(IncumbentTest, SeesThatAProcessHasEnded) {
  Child child;
  const v1::OrchestratorAlive sign = SignOf(child.pid());
  child.End();
  EXPECT_TRUE(IsProvablyGone(sign));
}

TEST(IncumbentTest, SeesThatAProcessIsOnlyWaitingForItsParent) {
  Child child;
  const v1::OrchestratorAlive sign = SignOf(child.pid());
  child.Kill();
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT);
  EXPECT_TRUE(IsProvablyGone(sign));
}

TEST(IncumbentTest, SeesThatAPidHasANewOwner) {
  const Child child;
  v1::OrchestratorAlive sign = SignOf(child.pid());
  sign.set_incarnation(sign.incarnation() - 3'600 * kNanosPerSecond);
  EXPECT_TRUE(IsProvablyGone(sign)) << "it began an hour before this process";
}

TEST(IncumbentTest, SeesThatAPidBelongsToAnotherProgram) {
  const pid_t other = fork();
  if (other == 0) {
    execl("/bin/sleep", "sleep", "60", nullptr);
    _exit(1);
  }
  // Until exec it is still this program.
  bool gone = false;
  for (int i = 0; i < 2'000 && !gone; ++i) {
    gone = IsProvablyGone(SignOf(other));
    usleep(5'000);
  }
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
  EXPECT_TRUE(gone);
}

TEST(IncumbentTest, CannotKnowOfOtherHostsAndBoots) {
  Child child;
  v1::OrchestratorAlive elsewhere = SignOf(child.pid());
  v1::OrchestratorAlive before = elsewhere;
  child.End();
  elsewhere.set_host_name("elsewhere");
  before.set_boot_id("another");
  EXPECT_FALSE(IsProvablyGone(elsewhere));
  EXPECT_FALSE(IsProvablyGone(before));
}

}  // namespace
}  // namespace loadtest
