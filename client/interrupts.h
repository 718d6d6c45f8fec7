// Ctrl-C (SIGINT) and SIGTERM.
#pragma once

#include <csignal>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace loadtest {

// From construction on, a thread of its own takes these signals: the first one is given to what
// OnFirst set, the second one ends the program at once, with exit code 128 + its number. Without
// OnFirst, the first one does that.
//
// Make it before any other thread, so that all inherit the blocked signals; one a process.
// Thread-safe.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();

  // `on_first` is called by a thread of its own. nullptr takes it away, and waits for the end of a
  // call that is under way: what it refers to may go then.
  void OnFirst(std::function<void(int signal)> on_first);
  // While it lives, `clean_up` is called before the program is ended at once, to leave nothing
  // behind: the youngest one first.
  class CleanUp {
   public:
    CleanUp(Interrupts& interrupts, std::function<void()> clean_up);
    ~CleanUp();
    CleanUp(const CleanUp&) = delete;
    CleanUp& operator=(const CleanUp&) = delete;

   private:
    Interrupts& interrupts_;
    std::list<std::function<void()>>::iterator place_;
  };

  // The first signal that came; 0: none.
  int received() const;
  // 128 + received(): 130 after Ctrl-C.
  int exit_code() const { return 128 + received(); }

 private:
  void Run();
  void Take(int signal);

  sigset_t signals_;
  sigset_t signals_before_;
  const int stop_fd_;
  mutable std::mutex mutex_;
  std::function<void(int)> on_first_;
  std::list<std::function<void()>> clean_ups_;  // the youngest first
  int received_ = 0;
  std::thread first_;
  std::thread thread_;
};

}  // namespace loadtest
