#include "client/view/canvas.h"

#include <algorithm>

#include "client/view/characters.h"

namespace loadtest {
namespace {

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

Canvas::Canvas(int columns, int rows)
    : columns_(std::max(columns, 0)),
      rows_(std::max(rows, 0), std::vector<Cell>(std::max(columns, 0))) {}

int Canvas::Put(int row, int column, std::string_view text, Ink ink) {
  if (row < 0 || row >= rows()) return column;
  std::vector<Cell>& cells = rows_[row];
  while (!text.empty()) {
    const Character character = TakeCharacter(text);
    if (character.columns == 0) {
      if (column > 0 && column <= columns_) cells[column - 1].text += character.shown;
      continue;
    }
    if (column >= 0 && column + character.columns <= columns_) {
      cells[column] = {.text = std::string(character.shown), .ink = ink};
      if (character.columns == 2) cells[column + 1] = {.text = "", .ink = ink};
    }
    column += character.columns;
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
