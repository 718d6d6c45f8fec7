// The response parser against one that somebody else wrote: Boost.Beast's.
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <random>
#include <string>

#include "driver/engine/response_parser.h"

namespace loadtest {
namespace {

namespace http = boost::beast::http;

struct Verdict {
  enum { kIncomplete, kComplete, kRefused } outcome = kIncomplete;
  size_t length = 0;
  int status = 0;
  bool keep_alive = false;
  // The body went on to the end of the connection.
  bool to_close = false;
};

Verdict Ours(const std::string& bytes) {
  ResponseParser parser;
  parser.Reset(false);
  const ResponseParser::Progress progress = parser.Feed(bytes);
  Verdict verdict;
  switch (progress.outcome) {
    case ResponseParser::Outcome::kDone:
      return {.outcome = Verdict::kComplete,
              .length = progress.consumed,
              .status = parser.status(),
              .keep_alive = parser.keep_alive()};
    case ResponseParser::Outcome::kNeedMore:
      // The bytes are all there are: the connection ends here.
      if (parser.FeedEnd() != ResponseParser::Outcome::kDone) return verdict;
      return {.outcome = Verdict::kComplete,
              .length = bytes.size(),
              .status = parser.status(),
              .to_close = true};
    default:
      verdict.outcome = Verdict::kRefused;
      return verdict;
  }
}

Verdict Theirs(const std::string& bytes) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.header_limit(1 << 20);
  parser.body_limit(boost::none);
  Verdict verdict;
  size_t used = 0;
  boost::system::error_code error;
  while (!parser.is_done() && used < bytes.size()) {
    used += parser.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), error);
    if (error == http::error::need_more) break;
    if (error) {
      verdict.outcome = Verdict::kRefused;
      return verdict;
    }
  }
  if (!parser.is_done()) {
    if (!parser.is_header_done() || !parser.need_eof()) return verdict;
    used = bytes.size();
  }
  return {.outcome = Verdict::kComplete,
          .length = used,
          .status = static_cast<int>(parser.get().result_int()),
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

  // A response that both must understand.
  std::string Response() {
    static constexpr int kStatuses[] = {200, 201, 204, 206, 301, 304, 400, 404, 429, 500, 503, 599};
    const int status = kStatuses[Below(std::size(kStatuses))];
    std::string head = "HTTP/1." + std::to_string(Below(8) == 0 ? 0 : 1) + " " +
                       std::to_string(status) + " " +
                       (Below(5) == 0 ? "" : Word("OKnotfund ", 12)) + "\r\n";
    std::string body = Word("abc\r\n :;0", 40);
    const int framing = Below(4);
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
    return head + "\r\n" + body + (Below(6) == 0 ? Word("HTTP/1.", 9) : "");
  }

  // One byte changed, left out, doubled or put in; or the end cut off.
  std::string Spoil(std::string bytes) {
    const int at = Below(static_cast<int>(bytes.size()));
    switch (Below(5)) {
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

// Two parsers that find different ends of the same bytes are how responses get mixed up. One of
// them may refuse what the other one bears with; the known cases of that, for us:
//   borne with: lines that end in LF alone, other minor versions of HTTP/1, equal lengths repeated
//   refused: status 101, and below 100
// And a Transfer-Encoding that is no list, such as "chunked:", is chunked to Beast up to where it
// breaks; to us it is another coding than chunked, so the body goes on to the end of the connection
// (RFC 9112, section 6.3, item 4).
TEST(ResponseParserDifferentialTest, FindsNoOtherEndThanBeastInSpoiltResponses) {
  Generator generator(2);
  int both = 0;
  int broken_codings = 0;
  for (int i = 0; i < 40'000; ++i) {
    const std::string response = generator.Spoil(generator.Response());
    const Verdict ours = Ours(response);
    const Verdict theirs = Theirs(response);
    if (ours.outcome != Verdict::kComplete || theirs.outcome != Verdict::kComplete) continue;
    // Beast takes an interim response for a whole one.
    if (theirs.status < 200) continue;
    ++both;
    if (ours.to_close && ours.length != theirs.length) {
      ++broken_codings;
      continue;
    }
    ASSERT_EQ(ours.length, theirs.length) << response;
    ASSERT_EQ(ours.status, theirs.status) << response;
  }
  EXPECT_GT(both, 10'000);
  EXPECT_LT(broken_codings, both / 100);
}

}  // namespace
}  // namespace loadtest
