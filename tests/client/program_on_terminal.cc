#include "client/program_on_terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <string_view>

namespace loadtest {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{20};
// No program writes that.
constexpr std::string_view kEnd = "\x01\x02the program has ended\x03";

winsize Winsize(TerminalSize size) {
  return {.ws_row = size.rows, .ws_col = size.columns, .ws_xpixel = 0, .ws_ypixel = 0};
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

template <typename Value>
void Tell(int fd, const Value& value) {
  if (write(fd, &value, sizeof(value)) != sizeof(value)) _exit(99);
}

// Async-signal-safe, as Lead: other threads of the test were not copied by fork.
void Become(char* const* command, char* const* environment) {
  signal(SIGTTOU, SIG_IGN);  // else taking the foreground from the background stops it
  setpgid(0, 0);
  tcsetpgrp(STDIN_FILENO, getpid());
  signal(SIGTTOU, SIG_DFL);
  execve(command[0], command, environment);
  _exit(99);
}

void Lead(char* const* command, char* const* environment, int tell) {
  const pid_t program = fork();
  if (program == 0) Become(command, environment);
  Tell(tell, program);
  int status = 0;
  do {
    if (waitpid(program, &status, WUNTRACED) != program) {
      if (errno == EINTR) continue;
      _exit(99);
    }
    // Before the status, so that who knows that it has ended can read the mark.
    if (!WIFSTOPPED(status) && write(STDOUT_FILENO, kEnd.data(), kEnd.size()) < 0) _exit(99);
    Tell(tell, status);
  } while (WIFSTOPPED(status));
  while (true) pause();
}

}  // namespace

ProgramOnTerminal::ProgramOnTerminal(std::vector<std::string> command,
                                     std::vector<std::string> environment, TerminalSize size) {
  // Before the fork, since neither may allocate after it.
  const std::vector<char*> command_pointers = Pointers(command);
  const std::vector<char*> environment_pointers = Pointers(environment);
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const winsize window = Winsize(size);
  leader_ = forkpty(&terminal_, nullptr, nullptr, &window);
  if (leader_ == 0) Lead(command_pointers.data(), environment_pointers.data(), ends[1]);
  close(ends[1]);
  from_leader_ = ends[0];
  EXPECT_GT(leader_, 0);
  EXPECT_EQ(read(from_leader_, &program_, sizeof(program_)), ssize_t{sizeof(program_)});
}

ProgramOnTerminal::~ProgramOnTerminal() {
  if (program_ > 0) kill(program_, SIGKILL);
  if (leader_ > 0) {
    ReadToTheEnd();
    kill(leader_, SIGKILL);
    waitpid(leader_, nullptr, 0);
  }
  close(from_leader_);
  close(terminal_);
}

void ProgramOnTerminal::ReadUntil(const std::string& text, size_t begin) {
  const auto deadline = steady_clock::now() + kPatience;
  while (!has_ended_ && drawn_.find(text, begin) == std::string::npos) {
    ASSERT_LT(steady_clock::now(), deadline) << "no " << text << " in " << drawn_;
    pollfd wanted = {.fd = terminal_, .events = POLLIN, .revents = 0};
    if (poll(&wanted, 1, 100) == 0) continue;
    char block[4096];
    const ssize_t size = read(terminal_, block, sizeof(block));
    ASSERT_GT(size, 0) << "the terminal was closed after " << drawn_;
    drawn_.append(block, static_cast<size_t>(size));
    if (!drawn_.ends_with(kEnd)) continue;
    drawn_.resize(drawn_.size() - kEnd.size());
    has_ended_ = true;
  }
}

void ProgramOnTerminal::ReadToTheEnd() { ReadUntil(std::string(kEnd)); }

void ProgramOnTerminal::Type(char c) { ASSERT_EQ(write(terminal_, &c, 1), 1); }

void ProgramOnTerminal::Resize(TerminalSize size) {
  const winsize window = Winsize(size);
  ASSERT_EQ(ioctl(terminal_, TIOCSWINSZ, &window), 0);
}

bool ProgramOnTerminal::Echoes() const {
  termios modes{};
  tcgetattr(terminal_, &modes);
  return (modes.c_lflag & ECHO) != 0;
}

void ProgramOnTerminal::Signal(int signal) const {
  ASSERT_GT(program_, 0);
  kill(program_, signal);
}

bool ProgramOnTerminal::IsSuspended() { return WIFSTOPPED(NextStatus()); }

int ProgramOnTerminal::Wait() {
  int status = NextStatus();
  while (WIFSTOPPED(status)) status = NextStatus();
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int ProgramOnTerminal::NextStatus() {
  int status = 0;
  pollfd wanted = {.fd = from_leader_, .events = POLLIN, .revents = 0};
  const int patience_ms = static_cast<int>(std::chrono::milliseconds(kPatience).count());
  EXPECT_EQ(poll(&wanted, 1, patience_ms), 1) << "no end after " << drawn_;
  if (wanted.revents != 0) {
    EXPECT_EQ(read(from_leader_, &status, sizeof(status)), ssize_t{sizeof(status)});
  }
  if (!WIFSTOPPED(status)) program_ = -1;
  return status;
}

}  // namespace loadtest
