#include "client/view/characters.h"

#include <cstdint>

namespace loadtest {
namespace {

struct Decoded {
  std::string_view bytes;
  uint32_t code = 0;
};

// The first character of `text`, which is not empty. A byte that begins none is one by itself, with
// code 0.
Decoded FirstOf(std::string_view text) {
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

}  // namespace

Character TakeCharacter(std::string_view& text) {
  const Decoded first = FirstOf(text);
  text.remove_prefix(first.bytes.size());
  if (IsControl(first.code)) return {.shown = "?", .columns = 1};
  return {.shown = first.bytes, .columns = WidthOf(first.code)};
}

int ColumnsOf(std::string_view text) {
  int columns = 0;
  while (!text.empty()) columns += TakeCharacter(text).columns;
  return columns;
}

}  // namespace loadtest
