#include "client/view/live_view.h"

#include <cstdint>
#include <string_view>

#include "absl/strings/str_replace.h"
#include "client/view/layout.h"
#include "client/view/progress_line.h"
#include "common/base/time.h"

namespace loadtest {
namespace {

constexpr std::string_view kClearToEndOfLine = "\x1b[K";
constexpr size_t kLongestEvent = 200;
// A little less than a second, since intervals of a second end a little early or late.
constexpr int64_t kBetweenLogLinesNs = 9 * kNanosPerSecond / 10;

// What the progress line shows anyway needs no line of its own.
bool IsWorthALine(const v1::Event& event) {
  for (const char* routine :
       {"created", "started", "driver_armed", "running", "driver_done", "finished"}) {
    if (event.type() == routine) return false;
  }
  return true;
}

}  // namespace

void LiveView::Update(const v1::LoadTestUpdate& update) {
  if (quiet_) return;
  for (const v1::Event& event : update.events()) {
    if (!IsWorthALine(event)) continue;
    Say(absl::StrReplaceAll(event.type(), {{"_", " "}}) + ": " +
        Clip(event.message(), kLongestEvent));
  }
  if (terminal_.err_redraws) return Redraw(ProgressLine(update, terminal_.width - 1));

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

void LiveView::Say(const std::string& line) {
  if (quiet_) return;
  if (line_is_open_) terminal_.err << '\r' << kClearToEndOfLine;
  line_is_open_ = false;
  terminal_.err << line << std::endl;
}

void LiveView::Finish() {
  if (line_is_open_) terminal_.err << '\r' << kClearToEndOfLine << std::flush;
  line_is_open_ = false;
}

void LiveView::Redraw(const std::string& line) {
  terminal_.err << '\r' << line << kClearToEndOfLine << std::flush;
  line_is_open_ = true;
}

}  // namespace loadtest
