#include "driver/engine/response_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

using Outcome = ResponseParser::Outcome;

struct Parsed {
  Outcome outcome = Outcome::kNeedMore;
  size_t consumed = 0;
  int status = 0;
  bool keep_alive = false;
  std::string error;
  bool operator==(const Parsed&) const = default;
};

// Feeds `bytes` in pieces of `piece` bytes.
Parsed ParseInPieces(const std::string& bytes, size_t piece, bool no_body) {
  ResponseParser parser;
  parser.Reset(no_body);
  Parsed parsed;
  for (size_t at = 0; at < bytes.size() && parsed.outcome == Outcome::kNeedMore; at += piece) {
    const auto progress = parser.Feed(std::string_view(bytes).substr(at, piece));
    parsed.outcome = progress.outcome;
    parsed.consumed += progress.consumed;
  }
  parsed.status = parser.status();
  parsed.keep_alive = parser.keep_alive();
  parsed.error = parser.error();
  return parsed;
}

// How much of a refused line is shown depends on how much of it is there; where it is and what was
// wanted does not.
std::string WithoutQuote(const std::string& error) {
  return error.substr(0, error.find('"')) + error.substr(error.rfind('"') + 1);
}

// Parses in one piece, and makes sure that it is the same when split at every byte and into single
// bytes.
Parsed Parse(const std::string& bytes, bool no_body = false) {
  const Parsed whole = ParseInPieces(bytes, bytes.size(), no_body);
  const auto expect_same = [&](const Parsed& split, size_t at) {
    EXPECT_EQ(split.outcome, whole.outcome) << at;
    // And so does how much of it was consumed.
    const bool refused = whole.outcome == Outcome::kMalformed;
    EXPECT_EQ(refused ? 0 : split.consumed, refused ? 0 : whole.consumed) << at;
    EXPECT_EQ(split.status, whole.status) << at;
    EXPECT_EQ(WithoutQuote(split.error), WithoutQuote(whole.error)) << at;
  };
  expect_same(ParseInPieces(bytes, 1, no_body), 0);
  for (size_t at = 1; at < bytes.size() && bytes.size() < 4096; ++at) {
    ResponseParser parser;
    parser.Reset(no_body);
    Parsed split;
    for (std::string_view piece :
         {std::string_view(bytes).substr(0, at), std::string_view(bytes).substr(at)}) {
      if (split.outcome != Outcome::kNeedMore) break;
      const auto progress = parser.Feed(piece);
      split.outcome = progress.outcome;
      split.consumed += progress.consumed;
    }
    split.status = parser.status();
    split.error = parser.error();
    expect_same(split, at);
  }
  return whole;
}

TEST(ResponseParserTest, ContentLengthEndsTheBody) {
  const Parsed parsed = Parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(parsed.outcome, Outcome::kDone);
  EXPECT_EQ(parsed.status, 200);
  EXPECT_TRUE(parsed.keep_alive);
  EXPECT_EQ(parsed.consumed, 43u);
}

TEST(ResponseParserTest, BytesAfterTheResponseAreNotConsumed) {
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
  const Parsed parsed = Parse(response + "HTTP/1.1");
  EXPECT_EQ(parsed.outcome, Outcome::kDone);
  EXPECT_EQ(parsed.consumed, response.size());
}

TEST(ResponseParserTest, AnIncompleteResponseNeedsMore) {
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell").outcome, Outcome::kNeedMore);
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nContent-Le").outcome, Outcome::kNeedMore);
}

TEST(ResponseParserTest, BareLineFeedsEndLinesToo) {
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\nContent-Length: 2\n\nok").outcome, Outcome::kDone);
}

TEST(ResponseParserTest, TheReasonMayBeMissing) {
  EXPECT_EQ(Parse("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n").status, 404);
}

TEST(ResponseParserTest, ChunksWithExtensionsAndTrailers) {
  const Parsed parsed = Parse(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;name=value\r\nhello\r\nA \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n");
  EXPECT_EQ(parsed.outcome, Outcome::kDone);
  EXPECT_TRUE(parsed.keep_alive);
}

TEST(ResponseParserTest, AnotherCodingBeforeChunkedIsChunked) {
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n0\r\n\r\n").outcome,
            Outcome::kDone);
}

TEST(ResponseParserTest, WithoutALengthTheEndOfTheConnectionEndsTheBody) {
  ResponseParser parser;
  parser.Reset(false);
  EXPECT_EQ(parser.Feed("HTTP/1.1 200 OK\r\n\r\nsome").outcome, Outcome::kNeedMore);
  EXPECT_EQ(parser.FeedEnd(), Outcome::kDone);
  EXPECT_FALSE(parser.keep_alive());
}

TEST(ResponseParserTest, TheEndOfTheConnectionDoesNotEndABodyOfKnownLength) {
  ResponseParser parser;
  parser.Reset(false);
  parser.Feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell");
  EXPECT_EQ(parser.FeedEnd(), Outcome::kNeedMore);
}

TEST(ResponseParserTest, HeadAnd204And304HaveNoBody) {
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", /*no_body=*/true).outcome,
            Outcome::kDone);
  EXPECT_EQ(Parse("HTTP/1.1 204 No Content\r\n\r\n").outcome, Outcome::kDone);
  EXPECT_EQ(Parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").outcome,
            Outcome::kDone);
}

TEST(ResponseParserTest, InterimResponsesAreSkipped) {
  const Parsed parsed = Parse(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(parsed.outcome, Outcome::kDone);
  EXPECT_EQ(parsed.status, 201);
}

TEST(ResponseParserTest, ConnectionCloseIsHonoured) {
  EXPECT_FALSE(
      Parse("HTTP/1.1 200 OK\r\nConnection: TE, Close\r\nContent-Length: 0\r\n\r\n").keep_alive);
}

TEST(ResponseParserTest, Http10KeepsAliveOnlyWhenItSaysSo) {
  EXPECT_FALSE(Parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
  EXPECT_TRUE(
      Parse("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n").keep_alive);
}

TEST(ResponseParserTest, EqualContentLengthsAreOne) {
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\ncontent-length: 2\r\n\r\nok").outcome,
            Outcome::kDone);
}

TEST(ResponseParserTest, AFoldedHeaderLineContinuesTheOneBefore) {
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\nContent-Length: 0\r\n\r\n").outcome,
            Outcome::kDone);
}

TEST(ResponseParserTest, AParserCanBeUsedAgain) {
  ResponseParser parser;
  for (int i = 0; i < 3; ++i) {
    parser.Reset(false);
    EXPECT_FALSE(parser.started());
    EXPECT_EQ(parser.Feed("HTTP/1.1 200 OK\r\nContent-Le").outcome, Outcome::kNeedMore);
    EXPECT_TRUE(parser.started());
    EXPECT_EQ(parser.Feed("ngth: 3\r\n\r\nabc").outcome, Outcome::kDone);
  }
}

TEST(ResponseParserTest, AHeadOfMoreThan64KibIsTooLarge) {
  const std::string head = "HTTP/1.1 200 OK\r\nX: " + std::string(65'000, 'x') + "\r\n";
  EXPECT_EQ(ParseInPieces(head + "Content-Length: 0\r\n\r\n", 1000, false).outcome, Outcome::kDone);
  const Parsed parsed =
      ParseInPieces(head + "Y: " + std::string(600, 'y') + "\r\n\r\n", 1000, false);
  EXPECT_EQ(parsed.outcome, Outcome::kTooLarge);
  EXPECT_EQ(parsed.error, "header fields of more than 65536 bytes");
}

TEST(ResponseParserTest, ALineWithoutEndIsTooLarge) {
  const std::string line = "HTTP/1.1 200 " + std::string(70'000, 'x');
  EXPECT_EQ(ParseInPieces(line, line.size(), false).outcome, Outcome::kTooLarge);
}

struct MalformedCase {
  std::string response;
  std::string error;
};

TEST(ResponseParserTest, MalformedResponsesAreRefusedWithPlaceValueAndWish) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  const std::vector<MalformedCase> cases = {
      {"HTTX/1.1 200 OK\r\n",
       "status line \"HTTX/1.1 200 OK\": want HTTP/1.x and a status of three digits"},
      {"HTTP/2.0 200 OK\r\n",
       "status line \"HTTP/2.0 200 OK\": want HTTP/1.x and a status of three digits"},
      {"HTTP/1.1 20 OK\r\n",
       "status line \"HTTP/1.1 20 OK\": want HTTP/1.x and a status of three digits"},
      {"HTTP/1.1 2000\r\n",
       "status line \"HTTP/1.1 2000\": want HTTP/1.x and a status of three digits"},
      {"\x16\x03\x01\n",
       "status line \"\\026\\003\\001\": want HTTP/1.x and a status of three digits"},
      {"HTTP/1.1 101 Switching\r\n",
       "status line \"HTTP/1.1 101 Switching\": want no other protocol than HTTP/1.x"},
      {ok + "no colon\r\n", "header line 1 \"no colon\": want a field name and a colon"},
      {ok + "A: b\r\n: c\r\n", "header line 2 \": c\": want a field name and a colon"},
      {ok + "Name : x\r\n", "header line 1 \"Name : x\": want a field name and a colon"},
      {ok + " folded\r\n", "header line 1 \" folded\": want a field name"},
      {ok + "Content-Length: -1\r\n", "header line 1 \"Content-Length: -1\": want digits"},
      {ok + "Content-Length: 1x\r\n", "header line 1 \"Content-Length: 1x\": want digits"},
      {ok + "Content-Length:\r\n", "header line 1 \"Content-Length:\": want digits"},
      {ok + "Content-Length: 9223372036854775808\r\n",
       "header line 1 \"Content-Length: 9223372036854775808\": want less than 2^63"},
      {ok + "Content-Length: 1\r\nContent-Length: 2\r\n",
       "header line 2 \"Content-Length: 2\": want the same length as before"},
      {ok + "Content-Length: 1\r\n 2\r\n", "header line 2 \" 2\": want a field name"},
      {ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "header \"Content-Length\": want no Content-Length beside Transfer-Encoding"},
      {ok + "Transfer-Encoding: chunked, chunked\r\n",
       "header line 1 \"Transfer-Encoding: chunked, chunked\": want chunked only once"},
      {chunked + "xyz\r\n", "chunk size \"xyz\": want a hexadecimal number below 2^63"},
      {chunked + "-1\r\n", "chunk size \"-1\": want a hexadecimal number below 2^63"},
      {chunked + "\r\n", "chunk size \"\": want a hexadecimal number below 2^63"},
      {chunked + "8000000000000000\r\n",
       "chunk size \"8000000000000000\": want a hexadecimal number below 2^63"},
      {chunked + "5\nhello\r\n", "chunk size \"5\": want CR LF at its end"},
      {chunked + "1\r\nab\r\n", "end of chunk \"b\": want CR LF"},
      {chunked + "0\r\nA: b\r\nno colon\r\n\r\n",
       "trailer line 2 \"no colon\": want a field name and a colon"},
      {ok + "A: b\rContent-Length: 5\r\n",
       "header line 1 \"A: b\\rContent-Length: 5\": want no CR or NUL in it"},
  };
  for (const MalformedCase& c : cases) {
    const Parsed parsed = Parse(c.response);
    EXPECT_EQ(parsed.outcome, Outcome::kMalformed) << c.response;
    EXPECT_EQ(parsed.error, c.error);
  }
}

TEST(ResponseParserTest, AChunkLineHasALimit) {
  const Parsed parsed = ParseInPieces(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + std::string(5000, 'x'), 100,
      false);
  EXPECT_EQ(parsed.outcome, Outcome::kMalformed);
  EXPECT_NE(parsed.error.find("want at most 4096 bytes"), std::string::npos) << parsed.error;
}

TEST(ResponseParserTest, StateIsSmall) { EXPECT_LE(sizeof(ResponseParser), 48u); }

// A memo must change nothing. Each response is parsed after each other one, with the memo that the
// one before has left, whole and split at every byte.
TEST(ResponseParserMemoTest, AMemoOfAnyOtherResponseChangesNothing) {
  const std::vector<std::string> responses = {
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
      "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\nto the end",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\noknext",
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
  };
  const auto describe = [](ResponseParser& parser, const ResponseParser::Progress& progress) {
    return absl::StrFormat("%d consumed %d status %d keep-alive %d end %d",
                           static_cast<int>(progress.outcome), progress.consumed, parser.status(),
                           parser.keep_alive(), static_cast<int>(parser.FeedEnd()));
  };
  for (const std::string& before : responses) {
    for (const std::string& after : responses) {
      for (size_t split = 0; split <= after.size(); ++split) {
        const auto run = [&](ResponseParser::HeadMemo* memo) {
          ResponseParser parser;
          parser.Reset(false);
          parser.Feed(before, memo);
          parser.Reset(false);
          const std::string_view text = after;
          ResponseParser::Progress progress = parser.Feed(text.substr(0, split), memo);
          if (progress.outcome == ResponseParser::Outcome::kNeedMore) {
            progress = parser.Feed(text.substr(split), memo);
          }
          return describe(parser, progress);
        };
        ResponseParser::HeadMemo memo;
        EXPECT_EQ(run(&memo), run(nullptr)) << before << after << split;
      }
    }
  }
}

}  // namespace
}  // namespace loadtest
