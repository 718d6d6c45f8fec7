// The response parser against one that somebody else wrote: Boost.Beast's.
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <string_view>

#include "driver/engine/response_parser.h"

namespace loadtest {
namespace {

namespace http = boost::beast::http;

struct Verdict {
  enum { kIncomplete, kComplete, kRefused } outcome = kIncomplete;
  size_t length = 0;
  int status = 0;
  bool keep_alive = false;
  // Why it is refused: our words, Beast's code.
  std::string words = {};
  boost::system::error_code error = {};
};

Verdict Ours(const std::string& bytes) {
  ResponseParser parser;
  parser.Reset(false);
  const ResponseParser::Progress progress = parser.Feed(bytes);
  switch (progress.outcome) {
    case ResponseParser::Outcome::kDone:
      return {.outcome = Verdict::kComplete,
              .length = progress.consumed,
              .status = parser.status(),
              .keep_alive = parser.keep_alive()};
    case ResponseParser::Outcome::kNeedMore:
      // The bytes are all there are: the connection ends here.
      if (parser.FeedEnd() != ResponseParser::Outcome::kDone) return {};
      return {.outcome = Verdict::kComplete, .length = bytes.size(), .status = parser.status()};
    case ResponseParser::Outcome::kMalformed:
    case ResponseParser::Outcome::kTooLarge:
      return {.outcome = Verdict::kRefused, .words = parser.error()};
  }
  return {};
}

Verdict Theirs(std::string_view bytes) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.header_limit(1 << 20);
  parser.body_limit(std::numeric_limits<uint64_t>::max());
  size_t used = 0;
  boost::system::error_code error;
  while (!parser.is_done() && used < bytes.size()) {
    used += parser.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), error);
    if (error == http::error::need_more) break;
    if (error) return {.outcome = Verdict::kRefused, .error = error};
  }
  if (!parser.is_done()) {
    if (!parser.is_header_done() || !parser.need_eof()) return {};
    used = bytes.size();
  }
  const int status = static_cast<int>(parser.get().result_int());
  if (status < 200 && status != 101 && used <= bytes.size() && parser.is_done()) {
    // Beast takes an interim response for a whole one.
    Verdict verdict = Theirs(bytes.substr(used));
    if (verdict.outcome == Verdict::kComplete) verdict.length += used;
    return verdict;
  }
  return {.outcome = Verdict::kComplete,
          .length = used,
          .status = status,
          .keep_alive = parser.is_done() && parser.keep_alive()};
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }

  std::string Word(const char* letters, int most) {
    std::string word;
    const int size = 1 + Below(most);
    const std::string_view all = letters;
    for (int i = 0; i < size; ++i) word += all[Below(static_cast<int>(all.size()))];
    return word;
  }

  // A response that both must understand, and find the same in.
  std::string Response() {
    static constexpr int kStatuses[] = {200, 201, 204, 206, 301, 304, 400, 404, 429, 500, 503, 599};
    const int status = kStatuses[Below(std::size(kStatuses))];
    const int framing = Below(4);
    // With chunks HTTP/1.0 is one of the differences.
    const bool http10 = framing != 1 && Below(8) == 0;
    std::string head = "HTTP/1." + std::to_string(http10 ? 0 : 1) + " " + std::to_string(status) +
                       " " + (Below(5) == 0 ? "" : Word("OKnotfund ", 12)) + "\r\n";
    std::string body = Word("abc\r\n :;0", 40);
    std::string fields[4];
    if (framing == 0) {
      fields[Below(3)] =
          Case("Content-Length") + ":" + Blank() + std::to_string(body.size()) + Blank() + "\r\n";
    } else if (framing == 1) {
      fields[Below(3)] = Case("Transfer-Encoding") + ":" + Blank() + Case("chunked") + "\r\n";
      body = Chunked(body);
    }
    if (Below(4) == 0) {
      fields[3] = Case("Connection") + ": " + Case(Below(2) == 0 ? "close" : "keep-alive") + "\r\n";
    }
    for (const std::string& field : fields) {
      for (int i = Below(3); i > 0; --i) {
        head += "X-" + Word("abcXYZ019-_", 9) + ":" + Blank() + Word("value/;=,\"()", 20) + "\r\n";
      }
      head += field;
    }
    if (Below(9) == 0) head = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + head;
    return head + "\r\n" + body + (Below(6) == 0 ? Word("HTTP/1.", 9) : "");
  }

  // One byte changed, left out, doubled or put in; or a line put in; or the end cut off.
  std::string Spoil(std::string bytes) {
    const int at = Below(static_cast<int>(bytes.size()));
    switch (Below(6)) {
      case 0:
        bytes[at] = static_cast<char>(random_() % 256);
        break;
      case 1:
        bytes.erase(at, 1);
        break;
      case 2:
        bytes.insert(at, 1, bytes[at]);
        break;
      case 3:
        bytes.insert(at, 1, std::string_view("\r\n :;,0\t-+x")[Below(11)]);
        break;
      case 4:
        bytes.insert(bytes.find('\n') + 1, kLines[Below(std::size(kLines))]);
        break;
      default:
        bytes.resize(at);
        break;
    }
    return bytes;
  }

 private:
  std::string Blank() { return std::string(Below(3), ' '); }
  std::string Case(std::string text) {
    for (char& c : text) {
      if (Below(3) == 0) c = static_cast<char>(std::toupper(c));
    }
    return text;
  }
  std::string Chunked(const std::string& body) {
    std::string out;
    for (size_t at = 0; at < body.size();) {
      const size_t size = std::min<size_t>(body.size() - at, 1 + Below(9));
      char number[32];
      std::snprintf(number, sizeof(number), Below(2) == 0 ? "%zx" : "%02zX", size);
      out += number;
      if (Below(4) == 0) out += ";name=" + Word("abc", 3);
      out += "\r\n" + body.substr(at, size) + "\r\n";
      at += size;
    }
    return out + "0\r\n" + (Below(4) == 0 ? "Trailer: x\r\n" : "") + "\r\n";
  }

  static constexpr const char* kLines[] = {
      "Content-Length: 3\r\n",
      "Content-Length: 2, 2\r\n",
      "Content-Length: 10\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding: gzip\r\n",
      "Transfer-Encoding: chunked, chunked\r\n",
      "Transfer-Encoding: chunked;a=b\r\n",
      "X: a\r\n b\r\n",
      "Connection:\r\n close\r\n",
      "Connection: keep-alive, close\r\n",
      "\r\n",
  };

  std::mt19937_64 random_;
};

TEST(ResponseParserDifferentialTest, UnderstandsWhatBeastUnderstands) {
  Generator generator(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::string response = generator.Response();
    const Verdict ours = Ours(response);
    const Verdict theirs = Theirs(response);
    ASSERT_EQ(theirs.outcome, Verdict::kComplete) << response;
    ASSERT_EQ(ours.outcome, Verdict::kComplete) << response;
    ASSERT_EQ(ours.length, theirs.length) << response;
    ASSERT_EQ(ours.status, theirs.status) << response;
    ASSERT_EQ(ours.keep_alive, theirs.keep_alive) << response;
  }
}

// Whether a line of the head, or of the heads, ends in LF alone.
bool HasLfAlone(std::string_view bytes) {
  size_t end = bytes.find("\r\n\r\n");
  if (bytes.substr(0, 12) == "HTTP/1.1 103") end = bytes.find("\r\n\r\n", end + 1);
  for (size_t at = bytes.find('\n'); at < end; at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') return true;
  }
  return false;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// What we refuse (our words) and Beast does not.
std::string_view WhyRefused(std::string_view words) {
  if (Contains(words, "beside Transfer-Encoding")) {
    return "Content-Length beside Transfer-Encoding ought to be an error (RFC 9112, 6.3)";
  }
  if (Contains(words, "chunked only once")) {
    return "chunked must not be applied twice (RFC 9112, 6.1)";
  }
  if (Contains(words, "chunked without parameters")) {
    return "parameters of chunked should be an error (RFC 9112, 7)";
  }
  if (words.starts_with("header line") && words.ends_with("\": want a field name")) {
    return "a length in a folded line is refused, for some would not see it (RFC 9112, 5.2)";
  }
  if (words.starts_with("chunk size") || words.starts_with("end of chunk") ||
      words.starts_with("trailer line")) {
    return "we judge a line of chunks when it is there, Beast waits for more (RFC 9112, 7.1)";
  }
  return "";
}

// What Beast refuses and we do not.
std::string_view WhyBorneWith(std::string_view response, const Verdict& ours, http::error code) {
  switch (code) {
    case http::error::bad_version:
      return "any minor version of HTTP/1 is understood (RFC 9110, 2.5)";
    case http::error::bad_chunk_extension:
      return "chunk extensions are ignored (RFC 9112, 7.1.1)";
    case http::error::bad_status:
      return "a status needs no blank when there is no reason (RFC 9112, 4, leniently)";
    case http::error::bad_reason:
    case http::error::bad_value:
    case http::error::bad_field:
    case http::error::bad_line_ending:
      break;
    default:
      return "";
  }
  if (HasLfAlone(response)) return "LF alone ends a line of the head (RFC 9112, 2.2)";
  if (ours.outcome == Verdict::kIncomplete) {
    return "we judge a line when all of it is there, Beast before";
  }
  if (code == http::error::bad_reason || code == http::error::bad_value) {
    return "control bytes in values and reasons may be kept (RFC 9110, 5.5)";
  }
  return "";
}

// Two parsers that find different ends of the same bytes are how responses get mixed up, so when
// one of them refuses what the other does not, it has to be for one of these reasons. Empty: none.
std::string_view Reason(std::string_view response, const Verdict& ours, const Verdict& theirs) {
  if (ours.outcome == Verdict::kRefused) return WhyRefused(ours.words);
  if (theirs.outcome == Verdict::kRefused) {
    return WhyBorneWith(response, ours, static_cast<http::error>(theirs.error.value()));
  }
  return "";
}

TEST(ResponseParserDifferentialTest, FindsNoOtherEndThanBeastInSpoiltResponses) {
  Generator generator(2);
  std::map<std::string_view, int> reasons;
  int same = 0;
  for (int i = 0; i < 80'000; ++i) {
    const std::string response = generator.Spoil(generator.Response());
    const Verdict ours = Ours(response);
    const Verdict theirs = Theirs(response);
    if (ours.outcome == theirs.outcome && ours.length == theirs.length &&
        ours.status == theirs.status) {
      ++same;
      continue;
    }
    const std::string_view reason = Reason(response, ours, theirs);
    ASSERT_NE(reason, "") << "ours " << ours.outcome << " " << ours.words << ", theirs "
                          << theirs.outcome << " " << theirs.error.message() << "\n"
                          << response;
    ++reasons[reason];
  }
  EXPECT_GT(same, 70'000);
  EXPECT_EQ(reasons.size(), 11u) << "a reason is not needed any more";
}

}  // namespace
}  // namespace loadtest
