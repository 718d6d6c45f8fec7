// "Now", as the pure core is told it.
#pragma once

#include "common/base/time.h"

namespace loadtest {

// Both clocks read at the same time. Ages are measured with `mono`, what people and other hosts see
// is `wall`.
struct Moment {
  MonotonicTime mono;
  WallTime wall;
};

}  // namespace loadtest
