// A running test on a whole screen: a pure function of what is known and of the screen's size.
#pragma once

#include <cstdint>
#include <string>

#include "client/view/canvas.h"
#include "client/view/live_state.h"

namespace loadtest {

struct LiveScreenOptions {
  int columns = 100;
  int rows = 30;
  // Whether the terminal shows characters beyond ASCII.
  bool unicode = true;
  // Since the newest update.
  int64_t age_ns = 0;
  // What Ctrl-C does, for the last row.
  std::string footer = {};
};

// What does not fit is left out, the least important first. Any size, also none at all.
Canvas LiveScreen(const LiveState& state, const LiveScreenOptions& options);

}  // namespace loadtest
