#include "client/interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

namespace loadtest {

Interrupts::Interrupts() : stop_fd_(eventfd(0, EFD_CLOEXEC)) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, &signals_before_);
  thread_ = std::thread(&Interrupts::Run, this);
}

Interrupts::~Interrupts() {
  eventfd_write(stop_fd_, 1);
  thread_.join();
  if (first_.joinable()) first_.join();
  close(stop_fd_);
  pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
}

void Interrupts::OnFirst(std::function<void(int)> on_first) {
  const bool taken_away = on_first == nullptr;
  std::thread under_way;
  {
    std::lock_guard lock(mutex_);
    on_first_ = std::move(on_first);
    if (taken_away) under_way = std::move(first_);
  }
  if (under_way.joinable()) under_way.join();
}

Interrupts::CleanUp::CleanUp(Interrupts& interrupts, std::function<void()> clean_up)
    : interrupts_(interrupts) {
  std::lock_guard lock(interrupts_.mutex_);
  place_ = interrupts_.clean_ups_.insert(interrupts_.clean_ups_.begin(), std::move(clean_up));
}

Interrupts::CleanUp::~CleanUp() {
  std::lock_guard lock(interrupts_.mutex_);
  interrupts_.clean_ups_.erase(place_);
}

int Interrupts::received() const {
  std::lock_guard lock(mutex_);
  return received_;
}

void Interrupts::Run() {
  const int signal_fd = signalfd(-1, &signals_, SFD_CLOEXEC);
  while (true) {
    pollfd wanted[2] = {{.fd = stop_fd_, .events = POLLIN, .revents = 0},
                        {.fd = signal_fd, .events = POLLIN, .revents = 0}};
    if (poll(wanted, 2, -1) < 0) continue;
    if (wanted[0].revents != 0) break;
    signalfd_siginfo info{};
    if (read(signal_fd, &info, sizeof(info)) == sizeof(info))
      Take(static_cast<int>(info.ssi_signo));
  }
  close(signal_fd);
}

void Interrupts::Take(int signal) {
  std::lock_guard lock(mutex_);
  if (received_ == 0) {
    received_ = signal;
    if (on_first_) {
      // Not by this thread, which must see a second signal at once.
      first_ = std::thread(on_first_, signal);
      return;
    }
  }
  for (const std::function<void()>& clean_up : clean_ups_) clean_up();
  // Not exit(): other threads are in the middle of something.
  _exit(128 + signal);
}

}  // namespace loadtest
