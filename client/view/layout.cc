#include "client/view/layout.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_format.h"
#include "client/view/characters.h"
#include "common/base/units.h"

namespace loadtest {

namespace {

constexpr std::string_view kMore = "...";

size_t Width(std::string_view text) { return static_cast<size_t>(ColumnsOf(text)); }

std::string Spaces(size_t width, std::string_view text) {
  const size_t used = Width(text);
  return std::string(width > used ? width - used : 0, ' ');
}

// As many characters from the begin of `text` as take at most `width` columns, as they are shown;
// they are taken off it.
std::string TakeColumns(std::string_view& text, size_t width) {
  std::string taken;
  size_t used = 0;
  while (!text.empty()) {
    std::string_view rest = text;
    const Character character = TakeCharacter(rest);
    if (used + character.columns > width) break;
    used += character.columns;
    taken += character.shown;
    text = rest;
  }
  return taken;
}

}  // namespace

std::string PadLeft(std::string_view text, size_t width) {
  return Spaces(width, text) + std::string(text);
}

std::string PadRight(std::string_view text, size_t width) {
  return std::string(text) + Spaces(width, text);
}

std::string Clip(std::string_view text, size_t width) {
  const bool fits = Width(text) <= width;
  if (fits || width <= kMore.size()) return TakeColumns(text, width);
  return TakeColumns(text, width - kMore.size()) + std::string(kMore);
}

std::vector<std::string> Wrap(std::string_view text, size_t width, size_t most) {
  std::vector<std::string> lines;
  while (lines.size() + 1 < most && Width(text) > width) {
    std::string_view rest = text;
    TakeColumns(rest, std::max<size_t>(width, 2));  // two: any character
    const size_t fitting = text.size() - rest.size();
    size_t end = text.rfind(' ', fitting);
    if (end == std::string_view::npos || end == 0) end = fitting;
    lines.push_back(Clip(text.substr(0, end), width));
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ')));
  }
  lines.push_back(Clip(text, width));
  return lines;
}

std::string ClipMiddle(std::string_view text, size_t width) {
  if (Width(text) <= width || width <= kMore.size()) return Clip(text, width);
  const size_t tail = (width - kMore.size()) / 2;
  std::string clipped = TakeColumns(text, width - kMore.size() - tail) + std::string(kMore);
  while (Width(text) > tail) TakeCharacter(text);
  return clipped + TakeColumns(text, tail);
}

std::string FormatPerSecond(double rate) {
  return (rate >= 99.95 ? FormatCount(std::llround(rate)) : absl::StrFormat("%.3g", rate)) + "/s";
}

std::string FormatShare(double part, double whole) {
  return absl::StrFormat("%.1f %%", whole == 0 ? 0 : 100 * part / whole);
}

std::string Plural(int64_t n, std::string_view noun) {
  return absl::StrFormat("%s %s%s", FormatCount(n), noun, n == 1 ? "" : "s");
}

std::vector<size_t> Table::ColumnsIn(size_t room, const std::vector<size_t>& widths) const {
  std::vector<size_t> shown(columns_.size());
  std::iota(shown.begin(), shown.end(), size_t{0});
  while (room > 0) {
    size_t used = 2 * (shown.size() - 1);
    for (const size_t i : shown) used += widths[i];
    const auto next = std::max_element(shown.begin(), shown.end(), [this](size_t a, size_t b) {
      return columns_[a].leave_out < columns_[b].leave_out;
    });
    if (used <= room || columns_[*next].leave_out == 0) break;
    shown.erase(next);
  }
  return shown;
}

std::string Table::Print(std::string_view indent, size_t room) const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(Width(column.title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  const std::vector<size_t> shown =
      ColumnsIn(room > indent.size() ? room - indent.size() : 0, widths);
  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    std::string line(indent);
    for (const size_t i : shown) {
      if (i != shown.front()) line += "  ";
      line += columns_[i].align == Align::kLeft ? PadRight(cell_of(i), widths[i])
                                                : PadLeft(cell_of(i), widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add_line([&](size_t i) { return columns_[i].title; });
  for (const auto& row : rows_) {
    add_line([&](size_t i) { return i < row.size() ? row[i] : std::string(); });
  }
  return text;
}

}  // namespace loadtest
