#include "client/view/layout.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "common/base/units.h"

namespace loadtest {

std::string PadLeft(std::string_view text, size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + std::string(text);
}

std::string PadRight(std::string_view text, size_t width) {
  return std::string(text) + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

std::string Clip(std::string_view text, size_t width) {
  constexpr std::string_view kMore = "...";
  std::string clipped(text.substr(0, width));
  if (text.size() > width && width > kMore.size()) {
    clipped.replace(width - kMore.size(), kMore.size(), kMore);
  }
  for (char& c : clipped) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return clipped;
}

std::string ClipMiddle(std::string_view text, size_t width) {
  constexpr size_t kMore = 3;
  if (text.size() <= width || width <= kMore) return Clip(text, width);
  const size_t tail = (width - kMore) / 2;
  const size_t head = width - kMore - tail;
  return Clip(text.substr(0, head), head) + "..." + Clip(text.substr(text.size() - tail), tail);
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

std::string Table::Print(std::string_view indent) const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(column.title.size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    std::string line(indent);
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += "  ";
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
