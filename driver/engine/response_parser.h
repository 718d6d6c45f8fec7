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
// One per connection, about 40 bytes. Not thread-safe.
class ResponseParser {
 public:
  // Status line and header fields together; trailers have the same limit.
  static constexpr int kMaxHeadBytes = 64 * 1024;
  static constexpr int kMaxChunkLineBytes = 4096;

  enum class Outcome : uint8_t {
    kNeedMore,
    kDone,       // a whole, well-formed response
    kMalformed,  // error() says what and where
    kTooLarge,   // a head of more than kMaxHeadBytes
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

  bool InHead() const { return phase_ == Phase::kStatusLine || phase_ == Phase::kHeaderLine; }
  bool InBody() const { return phase_ == Phase::kBodyOfLength || phase_ == Phase::kChunkBytes; }
  void SkipBody(std::string_view& bytes);
  // The next whole line without its line end, from `bytes` and what was kept; false when it is not
  // whole yet.
  bool TakeLine(std::string_view& bytes, std::string_view& line);

  // Takes the head off `bytes` if it is the one in `memo`.
  bool TakeKnownHead(std::string_view& bytes, const HeadMemo& memo);
  void Remember(std::string_view head, HeadMemo& memo) const;

  // These move the phase on and return kNeedMore, or return kMalformed.
  Outcome ParseLine(std::string_view line);
  Outcome ParseStatusLine(std::string_view line);
  Outcome ParseHeaderLine(std::string_view line);
  Outcome ParseContentLength(std::string_view line, std::string_view value);
  Outcome ParseTransferEncoding(std::string_view line, std::string_view value);
  void ParseConnection(std::string_view value);
  Outcome EndOfHead();
  Outcome ParseChunkSize(std::string_view line);
  Outcome BadHeader(std::string_view line, std::string_view want);
  Outcome Malformed(std::string_view what, std::string_view line, std::string_view want);

  // A line that is not whole yet; after an error, its text. Only there while needed.
  std::unique_ptr<std::string> text_;
  // Bytes to come of a body or chunk; while in the head: Content-Length, or -1.
  int64_t remaining_ = -1;
  // Of the head, the trailers, or the chunk-size line.
  int32_t line_bytes_ = 0;
  int32_t lines_ = 0;
  int16_t status_ = 0;
  Phase phase_ = Phase::kStatusLine;
  bool no_body_ = false;
  bool started_ = false;
  bool keep_alive_ = false;
  bool has_transfer_encoding_ = false;
  bool chunked_ = false;
  // The header line before decides framing, so a folded continuation of it is refused.
  bool framing_line_ = false;
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
