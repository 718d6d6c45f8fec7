#include "client/view/live_view.h"

#include <cstdint>
#include <string_view>

#include "absl/strings/str_replace.h"
#include "client/view/events.h"
#include "client/view/layout.h"
#include "client/view/live_screen.h"
#include "client/view/log_line.h"
#include "common/base/time.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kLongestEvent = 200;
// A little less than a second, since intervals of a second end a little early or late.
constexpr int64_t kBetweenLogLinesNs = 9 * kNanosPerSecond / 10;
constexpr milliseconds kBetweenFrames{1'000};
// However many updates come.
constexpr milliseconds kShortestFrame{100};

}  // namespace

LiveView::LiveView(Terminal& terminal, Interrupts& interrupts, bool quiet, CtrlC ctrl_c)
    : terminal_(terminal), interrupts_(interrupts), quiet_(quiet), ctrl_c_(ctrl_c) {}

void LiveView::Update(const v1::LoadTestUpdate& update) {
  if (quiet_) return;
  if (screen_ == nullptr && !AlternateScreen::CanBeTaken(terminal_.screen)) return Log(update);
  {
    std::lock_guard lock(mutex_);
    state_.Apply(update);
    updated_at_ = steady_clock::now();
  }
  if (screen_ != nullptr) {
    screen_->Wake();
  } else if (!state_.has_ended()) {
    TakeScreen();
  }
}

void LiveView::Log(const v1::LoadTestUpdate& update) {
  for (const v1::Event& event : update.events()) {
    // The others say what the lines show anyway.
    if (IsRoutine(event)) continue;
    terminal_.err << absl::StrReplaceAll(event.type(), {{"_", " "}}) << ": "
                  << Clip(event.message(), kLongestEvent) << std::endl;
  }
  const bool is_sending = update.has_interval() && update.load_test().end_time().seconds() == 0;
  const std::string line = LogLine(update);
  if (!is_sending) {
    if (line != last_waiting_) terminal_.err << line << std::endl;
    last_waiting_ = line;
    return;
  }
  const int64_t end_ns = update.interval().end_offset_ns();
  if (last_logged_ns_ >= 0 && end_ns < last_logged_ns_ + kBetweenLogLinesNs) return;
  last_logged_ns_ = end_ns;
  terminal_.err << line << std::endl;
}

void LiveView::TakeScreen() {
  terminal_.err.flush();
  screen_ = std::make_unique<AlternateScreen>(terminal_.screen, terminal_.screen_colors);
  clean_up_ = std::make_unique<Interrupts::CleanUp>(interrupts_, &AlternateScreen::GiveBack);
  painter_ = std::thread(&LiveView::DrawUntilFinished, this);
}

void LiveView::DrawUntilFinished() {
  while (!is_finished_) {
    const steady_clock::time_point began = steady_clock::now();
    const AlternateScreen::Size size = screen_->size();
    Canvas canvas(0, 0);
    {
      std::lock_guard lock(mutex_);
      canvas = LiveScreen(state_, {.columns = size.columns,
                                   .rows = size.rows,
                                   .unicode = terminal_.screen_unicode,
                                   .age_ns = std::chrono::nanoseconds(began - updated_at_).count(),
                                   .footer = std::string(Footer(size.columns))});
    }
    screen_->Draw(canvas);
    screen_->Wait(kBetweenFrames);
    if (is_finished_) break;
    std::this_thread::sleep_until(began + kShortestFrame);
  }
}

std::string_view LiveView::Footer(int columns) const {
  struct Text {
    std::string_view usual;
    std::string_view narrow;
  };
  constexpr Text kWatching = {
      "Ctrl-C ends the watching; the test goes on (loadctl stop NAME stops it)",
      "Ctrl-C: watch no more"};
  constexpr Text kWaiting = {
      "waits for the answers that are still on their way; Ctrl-C quits without the report",
      "Ctrl-C: quit, no report"};
  constexpr Text kRunning = {"Ctrl-C stops the test and prints its report, twice quits at once",
                             "Ctrl-C: stop, twice: quit"};
  const bool waits = state_.update().load_test().state() == v1::LoadTest::STOPPING;
  const Text& text = ctrl_c_ == CtrlC::kEndsTheWatching ? kWatching : waits ? kWaiting : kRunning;
  return static_cast<int>(text.usual.size()) <= columns ? text.usual : text.narrow;
}

void LiveView::Finish() {
  if (screen_ == nullptr) return;
  is_finished_ = true;
  screen_->Wake();
  painter_.join();
  screen_.reset();
  clean_up_.reset();
}

}  // namespace loadtest
