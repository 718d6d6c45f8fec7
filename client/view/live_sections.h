// The sections of the live screen, one function each: what is drawn from `row` on, in `rows` rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/view/canvas.h"
#include "client/view/layout.h"
#include "client/view/live_screen.h"
#include "client/view/live_state.h"

namespace loadtest {

// From here on charts stand beside the numbers; below, a line of each stands under them.
inline constexpr int kColumnsForCharts = 72;
// Names of sections and of numbers; what belongs to them stands right of it.
inline constexpr int kNameColumns = 12;

// What all sections draw from, and onto. References outlive it.
struct LiveScene {
  LiveScene(const LiveState& live_state, const LiveScreenOptions& screen_options, Canvas& screen);

  int columns() const { return options.columns; }
  bool has_numbers() const { return state.interval().end_offset_ns() > 0; }
  bool has_charts() const { return columns() >= kColumnsForCharts; }
  // The name of a section in its first row, faint.
  void Name(int row, std::string_view name) const { canvas.Put(row, 0, name, Ink::kFaint); }
  // Where it does not fit it ends in "...".
  int PutClipped(int row, int column, std::string_view text, Ink ink = Ink::kPlain) const {
    return canvas.Put(row, column, Clip(text, std::max(columns() - column, 0)), ink);
  }

  const LiveState& state;
  const v1::LoadTestUpdate& update;
  const v1::LoadTest& test;
  const LiveScreenOptions& options;
  Canvas& canvas;
  const int drivers;
};

// live_head.cc
void DrawHead(const LiveScene& scene, int row, int rows);
void DrawProgress(const LiveScene& scene, int row);

// live_numbers.cc
void DrawNumbers(const LiveScene& scene, int row, int rows);

// live_lists.cc
void DrawThresholds(const LiveScene& scene, int row, int rows);
void DrawErrors(const LiveScene& scene, int row, int rows);
void DrawDrivers(const LiveScene& scene, int row, int rows);
void DrawEvents(const LiveScene& scene, int row, int rows);
void DrawVerdict(const LiveScene& scene, int row, int rows);
// How many rows all errors need.
int ErrorRows(const LiveScene& scene);
// How many rows the verdict needs by itself, and with all its reasons.
int VerdictRows(const LiveScene& scene);
int VerdictRowsWithReasons(const LiveScene& scene);

int64_t ErrorsIn(const v1::RequestCounts& counts);
// "1m5s"; nothing below zero.
std::string WholeSeconds(double seconds);

}  // namespace loadtest
