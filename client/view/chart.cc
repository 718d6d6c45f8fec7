#include "client/view/chart.h"

#include <algorithm>
#include <cmath>

namespace loadtest {
namespace {

// From empty to full; a step is 1 / (their number - 1) of a row.
constexpr const char* kBlocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr const char* kAscii[] = {" ", ".", ":", "#"};

struct Steps {
  const char* const* glyphs;
  int of_a_row;
};

}  // namespace

std::vector<double> OverTime(const std::vector<HistoryPoint>& points, int64_t span_ns, int columns,
                             bool largest,
                             const std::function<double(const HistoryPoint&)>& value_of) {
  std::vector<double> values(std::max(columns, 0), -1);
  if (span_ns <= 0 || columns <= 0) return values;
  std::vector<double> weights(columns, 0);
  const double part = static_cast<double>(span_ns) / columns;
  for (const HistoryPoint& point : points) {
    const double value = value_of(point);
    if (value < 0 || point.length_ns() <= 0) continue;
    // Half a nanosecond less, so that a point that ends where a part begins is not in that part.
    const int first = std::max(0, static_cast<int>(static_cast<double>(point.start_ns) / part));
    const int last = static_cast<int>((static_cast<double>(point.end_ns) - 0.5) / part);
    for (int i = first; i <= std::min(last, columns - 1); ++i) {
      const double from = std::max(static_cast<double>(point.start_ns), part * i);
      const double to = std::min(static_cast<double>(point.end_ns), part * (i + 1));
      const double weight = std::max(to - from, 0.0);
      if (largest) {
        values[i] = std::max(values[i], value);
      } else {
        values[i] = (std::max(values[i], 0.0) * weights[i] + value * weight) /
                    std::max(weights[i] + weight, 1e-9);
      }
      weights[i] += weight;
    }
  }
  return values;
}

void DrawChart(Canvas& canvas, const ChartPlace& place, const std::vector<ChartColumn>& columns,
               double top, Ink ink, bool unicode) {
  const Steps steps = unicode ? Steps{kBlocks, 8} : Steps{kAscii, 3};
  const int full = place.rows * steps.of_a_row;
  const auto height_of = [&](double value) {
    if (top <= 0) return 0;
    return std::clamp(static_cast<int>(std::lround(value / top * full)), 0, full);
  };
  for (int i = 0; i < std::min<int>(place.columns, static_cast<int>(columns.size())); ++i) {
    const ChartColumn& column = columns[i];
    // What is there at all can be seen.
    const int height = column.value <= 0 ? 0 : std::max(1, height_of(column.value));
    const int wanted =
        column.wanted <= 0 ? -1 : std::max(0, height_of(column.wanted) - 1) / steps.of_a_row;
    for (int up = 0; up < place.rows; ++up) {
      const int row = place.row + place.rows - 1 - up;
      const int level = std::clamp(height - up * steps.of_a_row, 0, steps.of_a_row);
      if (level > 0) {
        canvas.Put(row, place.column + i, steps.glyphs[level], ink);
      } else if (up == wanted) {
        canvas.Put(row, place.column + i, unicode ? "·" : "-", Ink::kFaint);
      }
    }
  }
}

}  // namespace loadtest
