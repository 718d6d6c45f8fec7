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
  // A line on `err` can be drawn again.
  bool err_redraws = false;
  // Of `err`, columns.
  int width = 100;
  // `out` shows colours, and the person wants them (no NO_COLOR).
  bool out_colors = false;
};

}  // namespace loadtest
