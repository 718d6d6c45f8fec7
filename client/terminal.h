// Where loadctl reads and writes, and what that place can show.
#pragma once

#include <istream>
#include <ostream>

namespace loadtest {

// Results go to `out`, everything else to `err`, so that JSON on standard output stays alone.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  // Descriptor of the terminal behind `err`, if its whole screen may be drawn on; -1: there is
  // none.
  int screen = -1;
  bool screen_colors = false;
  // It shows characters beyond ASCII.
  bool screen_unicode = false;
  // `out` shows colours, and the person wants them (no NO_COLOR).
  bool out_colors = false;
  // `out` is a terminal that shows characters beyond ASCII.
  bool out_unicode = false;
  // Columns of reports.
  int out_width = 100;
};

}  // namespace loadtest
