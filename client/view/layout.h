// Small means of laying out text in columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loadtest {

// Widths are columns of a terminal, not bytes.

// Fills up with spaces to `width`; longer texts stay as they are.
std::string PadLeft(std::string_view text, size_t width);
std::string PadRight(std::string_view text, size_t width);

// At most `width` columns; what is cut ends in "...". Control characters, which could play tricks
// on a terminal, and bytes that are not UTF-8 become '?'.
std::string Clip(std::string_view text, size_t width);
// The same in at most `most` lines, broken at spaces where that is possible. At least one line.
std::vector<std::string> Wrap(std::string_view text, size_t width, size_t most);
// The same for names, whose end tells them apart: "driver-in...ame-12".
std::string ClipMiddle(std::string_view text, size_t width);

// "600/s", "0.25/s"; three digits below 100.
std::string FormatPerSecond(double rate);

// "12.3 %", of 0 when `whole` is 0.
std::string FormatShare(double part, double whole);

// "3 drivers", "1 driver".
std::string Plural(int64_t n, std::string_view noun);

// Rows as wide as their widest cell, two spaces between columns, no space at the end of a line.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
    // Where there is no room, columns are left out, from the highest on; 0 never.
    int leave_out = 0;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // The titles, then the rows, each line after `indent` and with a line break. `room`: columns that
  // there are, 0 for any number.
  std::string Print(std::string_view indent = "", size_t room = 0) const;

 private:
  // Indices of the columns that fit, and the widths of all.
  std::vector<size_t> ColumnsIn(size_t room, const std::vector<size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace loadtest
