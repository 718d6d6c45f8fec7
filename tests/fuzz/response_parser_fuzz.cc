// Any bytes, in any pieces: no crash, nothing consumed that is not there, and the same outcome as
// in one piece, with and without a memo of the head. The first byte says how the rest is cut.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "driver/engine/response_parser.h"

namespace loadtest {
namespace {

struct Result {
  ResponseParser::Outcome outcome = ResponseParser::Outcome::kNeedMore;
  size_t consumed = 0;
  int status = 0;
  bool keep_alive = false;
  bool operator==(const Result&) const = default;
};

void Require(bool holds) {
  if (!holds) std::abort();
}

// Feeds pieces of `step` bytes; 0: everything at once.
Result Parse(std::string_view bytes, size_t step, bool no_body, ResponseParser::HeadMemo* memo) {
  ResponseParser parser;
  parser.Reset(no_body);
  Result result;
  while (result.consumed < bytes.size()) {
    const std::string piece(bytes.substr(result.consumed, step == 0 ? bytes.size() : step));
    const ResponseParser::Progress progress = parser.Feed(piece, memo);
    Require(progress.consumed <= piece.size());
    result.outcome = progress.outcome;
    result.consumed += progress.consumed;
    if (progress.outcome != ResponseParser::Outcome::kNeedMore) break;
    Require(progress.consumed == piece.size());
  }
  const bool refused = result.outcome == ResponseParser::Outcome::kMalformed ||
                       result.outcome == ResponseParser::Outcome::kTooLarge;
  Require(!refused || !parser.error().empty());
  if (refused) {
    // Where in a line it is refused depends on how much of the line is there.
    result.consumed = 0;
  } else if (result.outcome == ResponseParser::Outcome::kDone) {
    result.status = parser.status();
    result.keep_alive = parser.keep_alive();
    Require(result.status >= 200 && result.status <= 999);
  }
  return result;
}

}  // namespace
}  // namespace loadtest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace loadtest;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool no_body = (data[0] & 0x80) != 0;
  const size_t step = 1 + (data[0] & 0x7f);
  const Result whole = Parse(bytes, 0, no_body, nullptr);
  Require(Parse(bytes, step, no_body, nullptr) == whole);
  ResponseParser::HeadMemo memo;
  Require(Parse(bytes, 0, no_body, &memo) == whole);
  Require(Parse(bytes, 0, no_body, &memo) == whole);
  Require(Parse(bytes, step, no_body, &memo) == whole);
  return 0;
}
