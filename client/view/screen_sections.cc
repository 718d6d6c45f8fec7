#include "client/view/screen_sections.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace loadtest {

void DrawSections(const std::vector<Section>& sections, int rows) {
  std::vector<size_t> by_priority(sections.size());
  std::iota(by_priority.begin(), by_priority.end(), size_t{0});
  std::stable_sort(by_priority.begin(), by_priority.end(),
                   [&](size_t a, size_t b) { return sections[a].priority < sections[b].priority; });

  int left = std::max(rows, 0);
  std::vector<int> granted(sections.size(), 0);
  for (const size_t i : by_priority) {
    if (sections[i].least > left || sections[i].most == 0) continue;
    granted[i] = sections[i].least;
    left -= sections[i].least;
  }
  const auto grow = [&](int Section::*to) {
    for (const size_t i : by_priority) {
      if (granted[i] == 0) continue;
      const int more = std::clamp(sections[i].*to - granted[i], 0, left);
      granted[i] += more;
      left -= more;
    }
  };
  grow(&Section::good);
  std::vector<bool> apart(sections.size(), false);
  bool is_first = true;
  for (size_t i = 0; i < sections.size(); ++i) {
    if (granted[i] == 0) continue;
    if (!is_first && sections[i].apart && left > 0) {
      apart[i] = true;
      --left;
    }
    is_first = false;
  }
  // What is left goes to the least important first: that is where lists are cut.
  std::reverse(by_priority.begin(), by_priority.end());
  grow(&Section::most);

  int row = 0;
  for (size_t i = 0; i < sections.size(); ++i) {
    if (granted[i] == 0) continue;
    if (apart[i]) ++row;
    sections[i].draw(row, granted[i]);
    row += granted[i];
  }
}

}  // namespace loadtest
