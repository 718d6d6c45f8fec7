// What a person sees while a test runs, on standard error.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "client/alternate_screen.h"
#include "client/interrupts.h"
#include "client/terminal.h"
#include "client/view/live_state.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {

// On a terminal the whole screen, drawn by a thread of its own: with each update, each second and
// when the size changes. Elsewhere a line a second, and a line for each event that matters (a
// driver lost, a stop ordered). Used by one thread.
class LiveView {
 public:
  enum class CtrlC { kStopsTheTest, kEndsTheWatching };

  // Does not own the terminal or the interrupts, which give the screen back when they end the
  // program. `quiet` shows nothing.
  LiveView(Terminal& terminal, Interrupts& interrupts, bool quiet, CtrlC ctrl_c);
  ~LiveView() { Finish(); }

  void Update(const v1::LoadTestUpdate& update);
  // Gives the screen back. No update follows.
  void Finish();

 private:
  void Log(const v1::LoadTestUpdate& update);
  void TakeScreen();
  void DrawUntilFinished();
  std::string_view Footer(int columns) const;

  Terminal& terminal_;
  Interrupts& interrupts_;
  const bool quiet_;
  const CtrlC ctrl_c_;
  // Of the log.
  std::string last_waiting_;
  int64_t last_logged_ns_ = -1;
  // Of the screen.
  std::unique_ptr<AlternateScreen> screen_;
  std::unique_ptr<Interrupts::CleanUp> clean_up_;
  std::mutex mutex_;  // guards state_ and updated_at_
  LiveState state_;
  std::chrono::steady_clock::time_point updated_at_;
  std::atomic<bool> is_finished_ = false;
  std::thread painter_;
};

}  // namespace loadtest
