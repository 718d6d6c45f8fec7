// A small chart of values over time, of block characters.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "client/view/canvas.h"
#include "client/view/live_state.h"

namespace loadtest {

struct ChartColumn {
  double value = -1;   // -1: not known
  double wanted = -1;  // -1: nothing is wanted
};

struct ChartPlace {
  int row = 0;
  int column = 0;
  int columns = 0;
  int rows = 1;
};

// The value of each of `columns` equal parts of the time from 0 to `span_ns`: the mean over its
// points, or with `largest` the largest. A part of which no point tells is -1; a point that spans
// several parts is in all of them. `value_of` is -1 for a point that has none.
std::vector<double> OverTime(const std::vector<HistoryPoint>& points, int64_t span_ns, int columns,
                             bool largest,
                             const std::function<double(const HistoryPoint&)>& value_of);

// Bars from the bottom of `place`, `top` fills it; what is wanted is a line of dots where no bar
// covers it. Without `unicode`, of ASCII characters.
void DrawChart(Canvas& canvas, const ChartPlace& place, const std::vector<ChartColumn>& columns,
               double top, Ink ink, bool unicode);

}  // namespace loadtest
