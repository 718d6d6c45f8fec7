// Text (UTF-8) as the characters of a terminal.
#pragma once

#include <string_view>

namespace loadtest {

struct Character {
  // Control characters, which could play tricks on a terminal, and bytes that are not UTF-8 are
  // shown as '?'.
  std::string_view shown;
  // Two for wide characters of East Asia, none for combining marks.
  int columns = 1;
};

// Takes the first character off `text`, which is not empty.
Character TakeCharacter(std::string_view& text);

int ColumnsOf(std::string_view text);

}  // namespace loadtest
