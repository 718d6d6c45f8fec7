#include "client/alternate_screen.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string_view>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

// Second screen, no cursor, no wrapping of long lines.
constexpr std::string_view kTake = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
constexpr std::string_view kGiveBack = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
// Terminals that know it show what is between them as one change; others ignore it.
constexpr std::string_view kFrameBegin = "\x1b[?2026h";
constexpr std::string_view kFrameEnd = "\x1b[?2026l";

// Signals that end the process; the terminal must not stay as it is then.
constexpr int kDeadly[] = {SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

// What signal handlers need. Set while there is an AlternateScreen.
std::atomic<int> taken_terminal = -1;
std::atomic<bool> is_suspended = false;
std::atomic<int> wake_fd = -1;
termios modes_before;
struct sigaction deadly_before[std::size(kDeadly)];
struct sigaction resize_before, suspend_before;

// Async-signal-safe, as all that handlers call.
void WriteAll(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      pollfd wanted = {.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&wanted, 1, 100);
      continue;
    }
    if (written <= 0) return;
    bytes += written;
    size -= static_cast<size_t>(written);
  }
}

bool IsInForeground(int terminal) { return tcgetpgrp(terminal) == getpgrp(); }

void SetModes(int terminal, const termios& modes) {
  // Changing them from the background stops the process, unless the signal for that is blocked.
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &stop, &before);
  tcsetattr(terminal, TCSANOW, &modes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Take(int terminal) {
  tcgetattr(terminal, &modes_before);
  termios modes = modes_before;
  modes.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
  // Else Ctrl-C throws away what is still on its way to the terminal: the second one kGiveBack.
  modes.c_lflag |= NOFLSH;
  SetModes(terminal, modes);
  WriteAll(terminal, kTake.data(), kTake.size());
}

void Return(int terminal) {
  WriteAll(terminal, kGiveBack.data(), kGiveBack.size());
  SetModes(terminal, modes_before);
}

void WakeUp() {
  const int fd = wake_fd;
  const uint64_t one = 1;
  if (fd >= 0) [[maybe_unused]]
    const ssize_t written = write(fd, &one, sizeof(one));
}

void OnResize(int) {
  const int error = errno;
  WakeUp();
  errno = error;
}

void OnSuspend(int) {
  const int error = errno;
  const int terminal = taken_terminal;
  if (terminal >= 0 && !is_suspended.exchange(true)) Return(terminal);
  kill(getpid(), SIGSTOP);
  // Goes on here after `fg` or `bg`; Draw takes the screen again when it may.
  WakeUp();
  errno = error;
}

void OnDeadly(int signal) {
  AlternateScreen::GiveBack();
  // With the default action in place it comes again when this handler returns.
  std::signal(signal, SIG_DFL);
  raise(signal);
}

void Handle(int signal, void (*handler)(int), struct sigaction& before) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, &before);
}

}  // namespace

bool AlternateScreen::CanBeTaken(int terminal) {
  return terminal >= 0 && isatty(terminal) && IsInForeground(terminal);
}

AlternateScreen::AlternateScreen(int terminal, bool colors) : terminal_(terminal), colors_(colors) {
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  is_suspended = false;
  Take(terminal);
  taken_terminal = terminal;
  for (size_t i = 0; i < std::size(kDeadly); ++i) Handle(kDeadly[i], OnDeadly, deadly_before[i]);
  Handle(SIGWINCH, OnResize, resize_before);
  Handle(SIGTSTP, OnSuspend, suspend_before);
}

AlternateScreen::~AlternateScreen() {
  sigaction(SIGTSTP, &suspend_before, nullptr);
  sigaction(SIGWINCH, &resize_before, nullptr);
  for (size_t i = 0; i < std::size(kDeadly); ++i) sigaction(kDeadly[i], &deadly_before[i], nullptr);
  GiveBack();
  close(wake_fd.exchange(-1));
}

AlternateScreen::Size AlternateScreen::size() const {
  winsize size{};
  if (ioctl(terminal_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {.columns = size.ws_col, .rows = size.ws_row};
}

void AlternateScreen::Draw(const Canvas& canvas) {
  if (is_suspended) {
    if (!IsInForeground(terminal_)) return;
    Take(terminal_);
    is_suspended = false;
    shown_.clear();
  }
  std::vector<std::string> rows;
  for (int row = 0; row < canvas.rows(); ++row) rows.push_back(canvas.Styled(row, colors_));
  const bool is_resized =
      shown_size_.columns != canvas.columns() || shown_size_.rows != canvas.rows();
  if (is_resized) shown_.clear();
  std::string frame(kFrameBegin);
  // What a terminal does with old rows when its size changes is its own affair.
  if (shown_.empty()) frame += "\x1b[2J";
  for (size_t row = 0; row < rows.size(); ++row) {
    if (row < shown_.size() && shown_[row] == rows[row]) continue;
    frame += absl::StrFormat("\x1b[%d;1H%s", row + 1, rows[row]);
    // After a full row the cursor stands on its last column, and would clear that.
    if (canvas.ColumnsUsed(static_cast<int>(row)) < canvas.columns()) frame += "\x1b[K";
  }
  frame += kFrameEnd;
  Write(frame);
  shown_ = std::move(rows);
  shown_size_ = {.columns = canvas.columns(), .rows = canvas.rows()};
}

void AlternateScreen::Write(const std::string& bytes) {
  if (taken_terminal >= 0 && !is_suspended) WriteAll(terminal_, bytes.data(), bytes.size());
}

void AlternateScreen::Wait(std::chrono::milliseconds longest) {
  pollfd wanted = {.fd = wake_fd, .events = POLLIN, .revents = 0};
  if (poll(&wanted, 1, static_cast<int>(longest.count())) <= 0) return;
  uint64_t times = 0;
  [[maybe_unused]] const ssize_t size = read(wake_fd, &times, sizeof(times));
}

void AlternateScreen::Wake() { WakeUp(); }

void AlternateScreen::GiveBack() {
  const int terminal = taken_terminal.exchange(-1);
  if (terminal >= 0 && !is_suspended) Return(terminal);
}

}  // namespace loadtest
