// Each rule of response_parser.h on a response that follows or breaks it. However the bytes are
// cut, the outcome is the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "driver/engine/response_parser.h"

namespace loadtest {
namespace {

using Outcome = ResponseParser::Outcome;
using std::string_literals::operator""s;

constexpr Outcome kNeedMore = Outcome::kNeedMore;
constexpr Outcome kDone = Outcome::kDone;
constexpr Outcome kMalformed = Outcome::kMalformed;
constexpr Outcome kTooLarge = Outcome::kTooLarge;

struct Rule {
  std::string name;
  std::string bytes;
  Outcome outcome = kDone;
  // Of a whole response.
  int status = 200;
  bool keep_alive = true;
  // Bytes after its end.
  size_t surplus = 0;
  bool no_body = false;
  // Whether the end of the connection makes it whole.
  bool ends_with_connection = false;
};

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

class Parsing {
 public:
  explicit Parsing(const Rule& rule) { parser_.Reset(rule.no_body); }

  void Feed(std::string_view piece) {
    if (outcome_ != kNeedMore) return;
    // A copy of its own, so that a sanitizer sees a look beyond its end.
    const std::string copy(piece);
    const ResponseParser::Progress progress = parser_.Feed(copy);
    EXPECT_LE(progress.consumed, piece.size());
    outcome_ = progress.outcome;
    consumed_ += progress.consumed;
  }

  void Expect(const Rule& rule, const std::string& cut) const {
    ASSERT_EQ(outcome_, rule.outcome) << cut << ": " << parser_.error();
    switch (outcome_) {
      case kNeedMore:
        EXPECT_EQ(consumed_, rule.bytes.size()) << cut;
        EXPECT_EQ(parser_.FeedEnd(), rule.ends_with_connection ? kDone : kNeedMore) << cut;
        if (!rule.ends_with_connection) return;
        break;
      case kDone:
        EXPECT_EQ(consumed_, rule.bytes.size() - rule.surplus) << cut;
        break;
      case kMalformed:
      case kTooLarge:
        EXPECT_NE(parser_.error(), "") << cut;
        return;
    }
    EXPECT_EQ(parser_.status(), rule.status) << cut;
    EXPECT_EQ(parser_.keep_alive(), rule.keep_alive) << cut;
  }

 private:
  ResponseParser parser_;
  Outcome outcome_ = kNeedMore;
  size_t consumed_ = 0;
};

class ResponseParserRulesTest : public ::testing::TestWithParam<Rule> {};

TEST_P(ResponseParserRulesTest, HoldsHoweverTheBytesAreCut) {
  const Rule& rule = GetParam();
  const std::string_view bytes = rule.bytes;
  Parsing whole(rule);
  whole.Feed(bytes);
  whole.Expect(rule, "whole");
  Parsing single(rule);
  for (size_t i = 0; i < bytes.size(); ++i) single.Feed(bytes.substr(i, 1));
  single.Expect(rule, "byte by byte");
  for (size_t at = 1; at < bytes.size(); ++at) {
    // Of a long one the ends will do: there lines begin, and limits are.
    if (at == 300 && bytes.size() > 600) at = bytes.size() - 300;
    Parsing split(rule);
    split.Feed(bytes.substr(0, at));
    split.Feed(bytes.substr(at));
    split.Expect(rule, "split at " + std::to_string(at));
  }
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) {
    Parsing pieces(rule);
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = 1 + random() % std::max<size_t>(bytes.size() / 5, 7);
      pieces.Feed(bytes.substr(at, size));
      at += size;
    }
    pieces.Expect(rule, "random pieces, time " + std::to_string(i));
  }
}

std::string Ok(const std::string& rest) { return "HTTP/1.1 200 OK\r\n" + rest; }
std::string Chunked(const std::string& body) {
  return Ok("Transfer-Encoding: chunked\r\n\r\n") + body;
}
const std::string kEmpty = "Content-Length: 0\r\n\r\n";

// A head of exactly `size` bytes.
std::string HeadOfSize(size_t size) {
  const std::string rest = "HTTP/1.1 200 OK\r\nX: \r\n" + kEmpty;
  return "HTTP/1.1 200 OK\r\nX: " + std::string(size - rest.size(), 'x') + "\r\n" + kEmpty;
}

std::string Repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

auto Name = [](const ::testing::TestParamInfo<Rule>& rule) { return rule.param.name; };

INSTANTIATE_TEST_SUITE_P(
    LineEnds, ResponseParserRulesTest,
    ::testing::Values(
        Rule{.name = "LfAloneEndsALineOfTheHead",
             .bytes = "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"},
        Rule{.name = "LfAloneEndsNoTrailer",
             .bytes = Chunked("0\r\nA: b\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "LfAloneEndsNoTrailers", .bytes = Chunked("0\r\n\n"), .outcome = kMalformed},
        Rule{.name = "LfAloneEndsNoChunkSize",
             .bytes = Chunked("2\nok\r\n0\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "LfAloneEndsNoChunk",
             .bytes = Chunked("2\r\nok\n0\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "LfAloneEndsNoExtension",
             .bytes = Chunked("2;a\nok\r\n0\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "CrAloneEndsNoLine",
             .bytes = Ok("A: b\rContent-Length: 0\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "CrBeforeCrLf",
             .bytes = Ok("Transfer-Encoding: chunked\r\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "CrInTheReason",
             .bytes = "HTTP/1.1 200 O\rK\r\n" + kEmpty,
             .outcome = kMalformed},
        Rule{.name = "CrInAnExtension", .bytes = Chunked("0;a\rb\r\n\r\n"), .outcome = kMalformed},
        Rule{.name = "NulInAValue", .bytes = Ok("A: b\0c\r\n"s + kEmpty), .outcome = kMalformed},
        Rule{.name = "NulInAName", .bytes = Ok("A\0: b\r\n"s + kEmpty), .outcome = kMalformed},
        Rule{.name = "OtherControlBytesInAValue", .bytes = Ok("A: \x01\x1b\x7f\xff\r\n" + kEmpty)}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    StatusLine, ResponseParserRulesTest,
    ::testing::Values(
        Rule{.name = "NoReason", .bytes = "HTTP/1.1 200\r\n" + kEmpty},
        Rule{.name = "EmptyReason", .bytes = "HTTP/1.1 200 \r\n" + kEmpty},
        Rule{.name = "AnyBytesInTheReason", .bytes = "HTTP/1.1 200 \xc3\x84 : ;\t\r\n" + kEmpty},
        Rule{.name = "Status999", .bytes = "HTTP/1.1 999 No\r\n" + kEmpty, .status = 999},
        Rule{.name = "Status099", .bytes = "HTTP/1.1 099 No\r\n" + kEmpty, .outcome = kMalformed},
        Rule{.name = "Status1000", .bytes = "HTTP/1.1 1000 No\r\n" + kEmpty, .outcome = kMalformed},
        Rule{.name = "Status20", .bytes = "HTTP/1.1 20 No\r\n" + kEmpty, .outcome = kMalformed},
        Rule{
            .name = "StatusMinus20", .bytes = "HTTP/1.1 -20 N\r\n" + kEmpty, .outcome = kMalformed},
        Rule{.name = "NoStatus", .bytes = "HTTP/1.1\r\n" + kEmpty, .outcome = kMalformed},
        Rule{.name = "TwoBlanksBeforeTheStatus",
             .bytes = "HTTP/1.1  200 OK\r\n" + kEmpty,
             .outcome = kMalformed},
        Rule{.name = "BlankFirst", .bytes = " HTTP/1.1 200 OK\r\n", .outcome = kMalformed},
        Rule{.name = "EmptyLineFirst", .bytes = "\r\n" + Ok(kEmpty), .outcome = kMalformed},
        Rule{.name = "LowerCase", .bytes = "http/1.1 200 OK\r\n" + kEmpty, .outcome = kMalformed},
        Rule{.name = "Http12", .bytes = "HTTP/1.2 200 OK\r\n" + kEmpty},
        Rule{.name = "Http2", .bytes = "HTTP/2 200\r\n\r\n", .outcome = kMalformed},
        Rule{.name = "Http09", .bytes = "<html>hello</html>", .outcome = kMalformed},
        Rule{.name = "ABinaryProtocolWithoutLines",
             .bytes = "\x15\x03\x03\x02\x02\x46",
             .outcome = kMalformed},
        Rule{.name = "PartOfTheVersion", .bytes = "HTTP/", .outcome = kNeedMore}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Interim, ResponseParserRulesTest,
    ::testing::Values(
        Rule{.name = "ContinueAndEarlyHints",
             .bytes = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
                      Ok(kEmpty)},
        Rule{.name = "FieldsOfAnInterimResponseAreNotOfTheLast",
             .bytes = "HTTP/1.0 100 Continue\r\nConnection: close\r\n\r\n" + Ok(kEmpty)},
        Rule{.name = "NothingAfterAnInterimResponse",
             .bytes = "HTTP/1.1 100 Continue\r\n\r\n",
             .outcome = kNeedMore},
        Rule{.name = "NotEndless",
             .bytes = Repeated("HTTP/1.1 100 Continue\r\n\r\n", 2'622),
             .outcome = kTooLarge},
        Rule{.name = "SwitchingProtocols",
             .bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
             .outcome = kMalformed}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Fields, ResponseParserRulesTest,
    ::testing::Values(
        Rule{.name = "NoName", .bytes = Ok(": b\r\n" + kEmpty), .outcome = kMalformed},
        Rule{.name = "NoColon", .bytes = Ok("A\r\n" + kEmpty), .outcome = kMalformed},
        Rule{.name = "NoValue", .bytes = Ok("A:\r\n" + kEmpty)},
        Rule{.name = "BlankBeforeTheColon",
             .bytes = Ok("Content-Length : 0\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "BlankInAName", .bytes = Ok("A B: c\r\n" + kEmpty), .outcome = kMalformed},
        Rule{.name = "FoldedValue", .bytes = Ok("A: b\r\n \tc\r\n  d\r\n" + kEmpty)},
        Rule{.name = "FoldedNothing", .bytes = Ok("A: b\r\n \r\n" + kEmpty)},
        Rule{.name = "FoldThatLooksLikeAField",
             .bytes = Ok("A: b\r\n Content-Length: 5\r\n" + kEmpty)},
        Rule{.name = "FoldOfNothing", .bytes = Ok(" A: b\r\n" + kEmpty), .outcome = kMalformed},
        Rule{.name = "FoldedContentLength",
             .bytes = Ok("Content-Length: 1\r\n 0\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "FoldedTransferEncoding",
             .bytes = Ok("Transfer-Encoding: gzip,\r\n chunked\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "FoldedConnection",
             .bytes = Ok("Connection: TE,\r\n close\r\n" + kEmpty),
             .keep_alive = false},
        Rule{.name = "HeadOf64KiB", .bytes = HeadOfSize(65'536)},
        Rule{.name = "HeadOf64KiBAndAByte", .bytes = HeadOfSize(65'537), .outcome = kTooLarge},
        Rule{.name = "EndlessLine",
             .bytes = Ok("A: " + std::string(70'000, 'x')),
             .outcome = kTooLarge},
        Rule{.name = "EndlessLines",
             .bytes = Ok(Repeated("A: b\r\n", 11'000)),
             .outcome = kTooLarge},
        Rule{.name = "EndlessReason",
             .bytes = "HTTP/1.1 200 " + std::string(70'000, 'x'),
             .outcome = kTooLarge}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    ContentLength, ResponseParserRulesTest,
    ::testing::Values(
        Rule{.name = "EndsTheBody", .bytes = Ok("Content-Length: 2\r\n\r\nokHTTP"), .surplus = 4},
        Rule{.name = "BlanksAround", .bytes = Ok("content-length:\t 2 \t\r\n\r\nok")},
        Rule{.name = "LeadingZeros",
             .bytes = Ok("Content-Length: 00000000000000000000000002\r\n\r\nok")},
        Rule{.name = "EqualInOneField", .bytes = Ok("Content-Length: 2, 2\r\n\r\nok")},
        Rule{.name = "EqualInTwoFields",
             .bytes = Ok("Content-Length: 2\r\nContent-Length: 02\r\n\r\nok")},
        Rule{.name = "DifferentInOneField",
             .bytes = Ok("Content-Length: 2, 3\r\n\r\nok"),
             .outcome = kMalformed},
        Rule{.name = "DifferentInTwoFields",
             .bytes = Ok("Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
             .outcome = kMalformed},
        Rule{.name = "Plus", .bytes = Ok("Content-Length: +2\r\n\r\nok"), .outcome = kMalformed},
        Rule{.name = "Minus", .bytes = Ok("Content-Length: -2\r\n\r\nok"), .outcome = kMalformed},
        Rule{.name = "Hex", .bytes = Ok("Content-Length: 0x2\r\n\r\nok"), .outcome = kMalformed},
        Rule{.name = "Fraction", .bytes = Ok("Content-Length: 2.0\r\n\r\n"), .outcome = kMalformed},
        Rule{.name = "TwoNumbers",
             .bytes = Ok("Content-Length: 2 2\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "Empty", .bytes = Ok("Content-Length:\r\n\r\n"), .outcome = kMalformed},
        Rule{.name = "EmptyElement",
             .bytes = Ok("Content-Length: 2,\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "MostThereCanBe",
             .bytes = Ok("Content-Length: 9223372036854775807\r\n\r\nx"),
             .outcome = kNeedMore},
        Rule{.name = "OneMoreThanThereCanBe",
             .bytes = Ok("Content-Length: 9223372036854775808\r\n\r\nx"),
             .outcome = kMalformed},
        Rule{.name = "EndOfConnectionInTheBody",
             .bytes = Ok("Content-Length: 5\r\n\r\nhell"),
             .outcome = kNeedMore}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    TransferEncoding, ResponseParserRulesTest,
    ::testing::Values(
        Rule{.name = "GzipThenChunked",
             .bytes = Ok("Transfer-Encoding: gzip, Chunked\r\n\r\n0\r\n\r\n")},
        Rule{.name = "GzipThenChunkedInTwoFields",
             .bytes = Ok("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
        Rule{.name = "EmptyElements",
             .bytes = Ok("Transfer-Encoding: , chunked ,\r\n\r\n0\r\n\r\n")},
        Rule{.name = "ChunkedThenGzip",
             .bytes = Ok("Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
             .outcome = kNeedMore,
             .keep_alive = false,
             .ends_with_connection = true},
        Rule{.name = "NotQuiteChunked",
             .bytes = Ok("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
             .outcome = kNeedMore,
             .keep_alive = false,
             .ends_with_connection = true},
        Rule{.name = "ChunkedWithParameters",
             .bytes = Ok("Transfer-Encoding: chunked ;a=b\r\n\r\n0\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "NotQuiteChunkedEither",
             .bytes = Ok("Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"),
             .outcome = kNeedMore,
             .keep_alive = false,
             .ends_with_connection = true},
        Rule{.name = "ChunkedTwice",
             .bytes = Ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "ContentLengthAfterIt",
             .bytes = Ok("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "ContentLengthBeforeIt",
             .bytes = Ok("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
             .outcome = kMalformed},
        Rule{.name = "InHttp10",
             .bytes = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n0\r\n\r\n",
             .keep_alive = false}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Chunks, ResponseParserRulesTest,
    ::testing::Values(
        Rule{.name = "ThenSurplus", .bytes = Chunked("2\r\nok\r\n0\r\n\r\nHTTP"), .surplus = 4},
        Rule{.name = "LineEndsInsideAChunk", .bytes = Chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n")},
        Rule{.name = "Extensions",
             .bytes = Chunked("2;a\r\nok\r\n1 ; b=\"c;\\\"d\"\r\nx\r\n0;e=f\r\n\r\n")},
        Rule{.name = "BlanksAfterTheSize", .bytes = Chunked("2  \r\nok\r\n0\r\n\r\n")},
        Rule{.name = "LeadingZeros", .bytes = Chunked("00000000000000000002\r\nok\r\n000\r\n\r\n")},
        Rule{.name = "BothCases",
             .bytes = Chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n")},
        Rule{.name = "MissingSize", .bytes = Chunked(";a\r\nok\r\n"), .outcome = kMalformed},
        Rule{.name = "BlankBeforeTheSize", .bytes = Chunked(" 2\r\nok\r\n"), .outcome = kMalformed},
        Rule{.name = "BlankInTheSize", .bytes = Chunked("2 2\r\nok\r\n"), .outcome = kMalformed},
        Rule{.name = "Plus", .bytes = Chunked("+2\r\nok\r\n"), .outcome = kMalformed},
        Rule{.name = "Minus", .bytes = Chunked("-2\r\nok\r\n"), .outcome = kMalformed},
        Rule{.name = "Prefix0x", .bytes = Chunked("0x2\r\nok\r\n"), .outcome = kMalformed},
        Rule{.name = "NotHex", .bytes = Chunked("g\r\n"), .outcome = kMalformed},
        Rule{.name = "MostThereCanBe",
             .bytes = Chunked("7fffffffffffffff\r\nx"),
             .outcome = kNeedMore},
        Rule{.name = "OneMoreThanThereCanBe",
             .bytes = Chunked("8000000000000000\r\nx"),
             .outcome = kMalformed},
        Rule{.name = "SoLargeThatItWraps",
             .bytes = Chunked("10000000000000002\r\nok\r\n"),
             .outcome = kMalformed},
        Rule{.name = "LongerThanItsSize", .bytes = Chunked("2\r\nokay"), .outcome = kMalformed},
        Rule{.name = "NoCrAfterIt", .bytes = Chunked("2\r\nok0\r\n\r\n"), .outcome = kMalformed},
        Rule{.name = "EndlessExtension",
             .bytes = Chunked("2;" + std::string(5'000, 'x')),
             .outcome = kMalformed},
        Rule{.name = "EndOfConnectionBeforeTheLast",
             .bytes = Chunked("2\r\nok\r\n"),
             .outcome = kNeedMore},
        Rule{.name = "EndOfConnectionBeforeTheLastEmptyLine",
             .bytes = Chunked("2\r\nok\r\n0\r\n"),
             .outcome = kNeedMore}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Trailers, ResponseParserRulesTest,
    ::testing::Values(
        Rule{.name = "Lie",
             .bytes = Chunked("0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nConnection: close"
                              "\r\n\r\n")},
        Rule{.name = "Folded", .bytes = Chunked("0\r\nA: b\r\n c\r\n\r\n")},
        Rule{
            .name = "FoldOfNothing", .bytes = Chunked("0\r\n A: b\r\n\r\n"), .outcome = kMalformed},
        Rule{.name = "NextResponseInTheirPlace",
             .bytes = Chunked("0\r\n" + Ok(kEmpty)),
             .outcome = kMalformed},
        Rule{.name = "Nul", .bytes = Chunked("0\r\nA: \0\r\n\r\n"s), .outcome = kMalformed},
        Rule{.name = "Of64KiB",
             .bytes = Chunked("0\r\nA: " + std::string(65'536 - 7, 'x') + "\r\n\r\n")},
        Rule{.name = "Of64KiBAndAByte",
             .bytes = Chunked("0\r\nA: " + std::string(65'536 - 6, 'x') + "\r\n\r\n"),
             .outcome = kTooLarge}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Connection, ResponseParserRulesTest,
    ::testing::Values(
        Rule{.name = "Close", .bytes = Ok("Connection: Close\r\n" + kEmpty), .keep_alive = false},
        Rule{.name = "CloseThenKeepAlive",
             .bytes = Ok("Connection: close, keep-alive\r\n" + kEmpty),
             .keep_alive = false},
        Rule{.name = "CloseAndKeepAliveInTwoFields",
             .bytes = Ok("Connection: close\r\nConnection: keep-alive\r\n" + kEmpty),
             .keep_alive = false},
        Rule{.name = "Closed", .bytes = Ok("Connection: closed\r\n" + kEmpty)},
        Rule{.name = "Http10", .bytes = "HTTP/1.0 200 OK\r\n" + kEmpty, .keep_alive = false},
        Rule{.name = "Http10KeepAlive",
             .bytes = "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + kEmpty},
        Rule{.name = "Http10KeepAliveThenClose",
             .bytes = "HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n" + kEmpty,
             .keep_alive = false}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    NoBody, ResponseParserRulesTest,
    ::testing::Values(
        Rule{.name = "Head", .bytes = Ok("Content-Length: 5\r\n\r\n"), .no_body = true},
        Rule{.name = "HeadWithoutALength", .bytes = Ok("\r\n"), .no_body = true},
        Rule{.name = "HeadOfChunked", .bytes = Chunked(""), .no_body = true},
        Rule{.name = "HeadAndABodyNonetheless",
             .bytes = Ok("Content-Length: 5\r\n\r\nhello"),
             .surplus = 5,
             .no_body = true},
        Rule{.name = "NoContent", .bytes = "HTTP/1.1 204 No Content\r\n\r\n", .status = 204},
        Rule{.name = "NotModified",
             .bytes = "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
             .status = 304},
        Rule{.name = "NotModifiedChunked",
             .bytes = "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             .status = 304,
             .surplus = 5},
        Rule{.name = "NeitherLengthNorChunks",
             .bytes = Ok("\r\nto the end"),
             .outcome = kNeedMore,
             .keep_alive = false,
             .ends_with_connection = true}),
    Name);

}  // namespace
}  // namespace loadtest
