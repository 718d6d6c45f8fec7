// How the rows of a screen are shared out among what wants to be shown on it.
#pragma once

#include <functional>
#include <vector>

#include "client/view/canvas.h"

namespace loadtest {

struct Section {
  // Rows without which it is not shown, rows it is good with, and rows it can use at most.
  int least = 1;
  int good = 1;
  int most = 1;
  // 0 is shown first.
  int priority = 0;
  // Whether an empty row stands before it when there is room.
  bool apart = true;
  // Draws from `row` on, `rows` of them: 1 to `most`.
  std::function<void(int row, int rows)> draw = {};
};

// Draws the sections below each other from row 0 on, in their order, in `rows` rows at most.
void DrawSections(const std::vector<Section>& sections, int rows);

}  // namespace loadtest
