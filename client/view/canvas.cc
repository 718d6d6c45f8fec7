#include "client/view/canvas.h"

#include <algorithm>
#include <cstdint>

namespace loadtest {
namespace {

struct Character {
  std::string_view bytes;
  uint32_t code = 0;
};

// The first character of `text`, which is not empty. A byte that begins none is one by itself, with
// code 0.
Character FirstOf(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  if (length == 0 || length > text.size()) return {.bytes = text.substr(0, 1)};
  uint32_t code = length == 1 ? first : first & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {.bytes = text.substr(0, 1)};
    code = code << 6 | (byte(i) & 0x3f);
  }
  return {.bytes = text.substr(0, length), .code = code};
}

// Not only ASCII's: C1 controls act on some terminals, and the marks of writing direction turn text
// around.
bool IsControl(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

// The blocks of Unicode's East Asian Width "W" and "F", as far as they are whole blocks.
int WidthOf(uint32_t code) {
  if (code >= 0x300 && code < 0x370) return 0;
  const bool is_wide = (code >= 0x1100 && code < 0x1160) || (code >= 0x2e80 && code < 0xa4d0) ||
                       (code >= 0xac00 && code < 0xd7a4) || (code >= 0xf900 && code < 0xfb00) ||
                       (code >= 0xfe30 && code < 0xfe70) || (code >= 0xff00 && code < 0xff61) ||
                       (code >= 0x1f300 && code < 0x1fb00) || (code >= 0x20000 && code < 0x40000);
  return is_wide ? 2 : 1;
}

const char* SequenceOf(Ink ink, bool colors) {
  switch (ink) {
    case Ink::kPlain:
      return "";
    case Ink::kStrong:
      return "\x1b[1m";
    case Ink::kFaint:
      return "\x1b[2m";
    case Ink::kGood:
      return colors ? "\x1b[32m" : "";
    case Ink::kWarning:
      return colors ? "\x1b[33m" : "\x1b[1m";
    case Ink::kBad:
      return colors ? "\x1b[1;31m" : "\x1b[1m";
    case Ink::kRate:
      return colors ? "\x1b[36m" : "";
    case Ink::kLatency:
      return colors ? "\x1b[35m" : "";
  }
  return "";
}

}  // namespace

int ColumnsOf(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const Character character = FirstOf(text);
    columns += IsControl(character.code) ? 1 : WidthOf(character.code);
    text.remove_prefix(character.bytes.size());
  }
  return columns;
}

Canvas::Canvas(int columns, int rows)
    : columns_(std::max(columns, 0)),
      rows_(std::max(rows, 0), std::vector<Cell>(std::max(columns, 0))) {}

int Canvas::Put(int row, int column, std::string_view text, Ink ink) {
  if (row < 0 || row >= rows()) return column;
  std::vector<Cell>& cells = rows_[row];
  while (!text.empty()) {
    const Character character = FirstOf(text);
    text.remove_prefix(character.bytes.size());
    const bool is_control = IsControl(character.code);
    const int width = is_control ? 1 : WidthOf(character.code);
    if (width == 0) {
      if (column > 0 && column <= columns_) cells[column - 1].text += character.bytes;
      continue;
    }
    if (column >= 0 && column + width <= columns_) {
      cells[column] = {.text = is_control ? "?" : std::string(character.bytes), .ink = ink};
      if (width == 2) cells[column + 1] = {.text = "", .ink = ink};
    }
    column += width;
  }
  return column;
}

void Canvas::PutRight(int row, int end_column, std::string_view text, Ink ink) {
  Put(row, end_column - ColumnsOf(text), text, ink);
}

int Canvas::ColumnsUsed(int row) const {
  const std::vector<Cell>& cells = rows_[row];
  size_t used = cells.size();
  while (used > 0 && cells[used - 1].text == " ") --used;
  return static_cast<int>(used);
}

std::string Canvas::Plain(int row) const {
  std::string text;
  for (int i = 0; i < ColumnsUsed(row); ++i) text += rows_[row][i].text;
  return text;
}

std::string Canvas::Styled(int row, bool colors) const {
  std::string text;
  Ink ink = Ink::kPlain;
  const int used = ColumnsUsed(row);
  for (int i = 0; i < used; ++i) {
    const Cell& cell = rows_[row][i];
    if (cell.ink != ink && cell.text != " ") {
      if (ink != Ink::kPlain) text += "\x1b[0m";
      text += SequenceOf(cell.ink, colors);
      ink = cell.ink;
    }
    text += cell.text;
  }
  if (ink != Ink::kPlain) text += "\x1b[0m";
  return text;
}

}  // namespace loadtest
