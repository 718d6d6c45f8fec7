// Finds the end of an HTTP/1.x response, and checks its framing on the way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace loadtest {

// An incremental parser of responses (RFC 9112). Bytes may come in pieces of any size. Works on the
// caller's buffer, and copies only a line that is split between two pieces. Bodies are skipped, not
// kept.
//
// What makes the end of a response uncertain is refused, what is merely untidy is borne with
// (sections of RFC 9112 unless said otherwise; response_parser_rules_test.cc has a case of each):
//
//   line ends       LF alone ends a line of the head (2.2), but not of chunks and trailers (7.1);
//                   refused: another CR, or NUL, within a line (2.2; RFC 9110, 5.5)
//   status line     "HTTP/1." and any digit, 100 to 999, with or without a reason (4); refused at
//                   its first wrong byte: anything else, also an empty line before it
//   1xx             any number of them, together no longer than a head; refused: 101, for nobody
//                   asked for another protocol
//   fields          refused: no name, a blank before the colon (5.1), no colon; trailers too. A
//                   folded line (5.2) continues any field but the two that say the length
//   Content-Length  refused: different values, a sign, 2^63 and more; equal ones are one (6.3)
//   Transfer-Enc.   last chunked: chunks; last another: to the end of the connection (6.3);
//                   refused: chunked twice (6.1) or with parameters (7), Content-Length beside it
//                   (6.3: "ought to be handled as an error"). In HTTP/1.0 the connection is closed
//                   after it (6.1)
//   chunks          any extension, leading zeros, blanks after the size; refused: blanks before it,
//                   a sign, "0x", 2^63 and more, bytes between a chunk and its CR LF (7.1)
//   trailers        change nothing, whatever they claim (7.1.2)
//   Connection      close wins over keep-alive (9.3)
//   no body         after HEAD, 204 and 304, whatever the fields claim (6.3)
//
// One per connection, about 40 bytes. Not thread-safe.
class ResponseParser {
 public:
  // Status line and header fields together, with those of interim responses before it; trailers
  // have the same limit.
  static constexpr int kMaxHeadBytes = 64 * 1024;
  static constexpr int kMaxChunkLineBytes = 4096;

  enum class Outcome : uint8_t {
    kNeedMore,
    kDone,       // a whole, well-formed response
    kMalformed,  // error() says what and where
    kTooLarge,   // a head or trailers of more than kMaxHeadBytes
  };

  struct Progress {
    Outcome outcome;
    // Bytes that belong to this response.
    size_t consumed;
  };

  // The last head that came in one piece, and what it says. Most heads of a test are the same to
  // the byte, and then need not be understood anew: for all responses to one request, on any
  // connection.
  class HeadMemo;

  // Begins a new response. `no_body`: it answers a HEAD request.
  void Reset(bool no_body);

  // Takes the next bytes. Not to be called after an outcome other than kNeedMore. `memo` changes
  // nothing but the time it takes.
  Progress Feed(std::string_view bytes, HeadMemo* memo = nullptr);

  // The connection was closed by its peer: kDone when that ends the body, else kNeedMore.
  Outcome FeedEnd() const;

  // Whether a byte of the response has come.
  bool started() const { return started_; }
  // After kDone: the status code, and whether the connection can carry another request.
  int status() const { return status_; }
  bool keep_alive() const { return keep_alive_; }

  // After kMalformed or kTooLarge: `header line 2 "Content-Length: -1": want digits`.
  std::string error() const { return text_ ? *text_ : std::string(); }

 private:
  enum class Phase : uint8_t {
    kStatusLine,
    kHeaderLine,
    kBodyOfLength,
    kBodyToClose,
    kChunkSize,
    kChunkBytes,
    kChunkEnd,
    kTrailerLine,
    kDone,
  };

  // What the header line before was, for its folded continuations.
  enum class Field : uint8_t { kOther, kConnection, kLength };

  bool InHead() const { return phase_ == Phase::kStatusLine || phase_ == Phase::kHeaderLine; }
  bool InBody() const { return phase_ == Phase::kBodyOfLength || phase_ == Phase::kChunkBytes; }
  void SkipBody(std::string_view& bytes);
  // The next line up to its LF, without it, from `bytes` and what was kept; false when it is not
  // whole yet, then `line` is what is there.
  bool TakeLine(std::string_view& bytes, std::string_view& line);

  // Takes the head off `bytes` if it is the one in `memo`.
  bool TakeKnownHead(std::string_view& bytes, const HeadMemo& memo);
  void Remember(std::string_view head, HeadMemo& memo) const;

  // These move the phase on and return kNeedMore, or say what is wrong.
  Outcome TakeAndParseLine(std::string_view& bytes);
  Outcome TakeChunkEnd(std::string_view& bytes);
  Outcome ParseLine(std::string_view line);
  Outcome ParseStatusLine(std::string_view line);
  Outcome ParseHeaderLine(std::string_view line);
  Outcome ParseContentLength(std::string_view line, std::string_view value);
  Outcome ParseTransferEncoding(std::string_view line, std::string_view value);
  void ParseConnection(std::string_view value);
  Outcome EndOfHead();
  Outcome ParseChunkSize(std::string_view line);
  Outcome ParseTrailerLine(std::string_view line);
  Outcome TooLong(std::string_view line);
  // A line of the phase.
  Outcome BadLine(std::string_view line, std::string_view want);
  Outcome Malformed(std::string_view what, std::string_view line, std::string_view want);

  // A line that is not whole yet; after an error, its text. Only there while needed.
  std::unique_ptr<std::string> text_;
  // Bytes to come of a body or chunk; while in the head: Content-Length, or -1; at the end of a
  // chunk: how much of CR LF has come.
  int64_t remaining_ = -1;
  // Of the heads, the trailers, or the chunk-size line.
  int32_t line_bytes_ = 0;
  int32_t lines_ = 0;
  int16_t status_ = 0;
  Phase phase_ = Phase::kStatusLine;
  bool no_body_ = false;
  bool started_ = false;
  bool keep_alive_ = false;
  bool http10_ = false;
  bool connection_close_ = false;
  bool has_transfer_encoding_ = false;
  // One of the codings is chunked; the last one is.
  bool has_chunked_ = false;
  bool chunked_ = false;
  Field field_ = Field::kOther;
};

class ResponseParser::HeadMemo {
 private:
  friend class ResponseParser;
  static constexpr size_t kLongest = 4096;

  std::string head_;
  int64_t remaining_ = -1;
  int16_t status_ = 0;
  Phase phase_ = Phase::kStatusLine;
  bool keep_alive_ = false;
};

}  // namespace loadtest
