// A screen of text cells, drawn anywhere in any order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loadtest {

// What a piece of text is, not how it looks: that depends on the terminal.
enum class Ink { kPlain, kStrong, kFaint, kGood, kWarning, kBad, kRate, kLatency };

// Text that does not fit is cut at the edge. Not thread-safe.
class Canvas {
 public:
  Canvas(int columns, int rows);

  int columns() const { return columns_; }
  int rows() const { return static_cast<int>(rows_.size()); }

  // Returns the column after the text.
  int Put(int row, int column, std::string_view text, Ink ink = Ink::kPlain);
  // So that it ends before `end_column`.
  void PutRight(int row, int end_column, std::string_view text, Ink ink = Ink::kPlain);

  // Columns of a row up to the last one that is not a space.
  int ColumnsUsed(int row) const;
  // A row without ink, and without spaces at its end.
  std::string Plain(int row) const;
  // A row with its ink as escape sequences of the terminal; `colors` off leaves bold and faint.
  std::string Styled(int row, bool colors) const;

 private:
  struct Cell {
    std::string text = " ";  // empty: the second half of a wide character
    Ink ink = Ink::kPlain;
  };

  int columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace loadtest
