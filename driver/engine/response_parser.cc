#include "driver/engine/response_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

constexpr size_t kShownBytes = 80;

// RFC 9110, section 5.6.2: the characters of a field name.
constexpr std::array<bool, 256> MakeTokenTable() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kIsToken = MakeTokenTable();

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// `lower` must be in lower case.
bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(),
                                                   [](char a, char b) { return Lower(a) == b; });
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the next element off a comma-separated list; false when the list is at its end.
bool TakeElement(std::string_view& list, std::string_view& element) {
  if (list.data() == nullptr) return false;
  const size_t comma = list.find(',');
  element = Trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  return true;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

constexpr std::string_view kVersion = "HTTP/1.";
constexpr std::string_view kStatusLineShape = "HTTP/1.x and a status of three digits";

// Whether a line of which this much is there may still become a status line.
bool MayBeStatusLine(std::string_view line) {
  const size_t size = std::min(line.size(), kVersion.size());
  return line.substr(0, size) == kVersion.substr(0, size);
}

// Some take a CR for the end of a line, or a NUL for the end of a string.
bool HasCrOrNul(std::string_view line) {
  return std::memchr(line.data(), '\r', line.size()) != nullptr ||
         std::memchr(line.data(), '\0', line.size()) != nullptr;
}

// The size of the name that begins a field line; 0 when it is not one.
size_t FieldNameSize(std::string_view line) {
  size_t colon = 0;
  while (colon < line.size() && kIsToken[static_cast<unsigned char>(line[colon])]) ++colon;
  return colon < line.size() && line[colon] == ':' ? colon : 0;
}

}  // namespace

void ResponseParser::Reset(bool no_body) {
  text_.reset();
  remaining_ = -1;
  line_bytes_ = 0;
  lines_ = 0;
  status_ = 0;
  phase_ = Phase::kStatusLine;
  no_body_ = no_body;
  started_ = false;
  keep_alive_ = false;
  http10_ = false;
  connection_close_ = false;
  has_transfer_encoding_ = false;
  has_chunked_ = false;
  chunked_ = false;
  field_ = Field::kOther;
}

bool ResponseParser::TakeKnownHead(std::string_view& bytes, const HeadMemo& memo) {
  const std::string& head = memo.head_;
  if (head.empty() || bytes.size() < head.size() ||
      std::memcmp(bytes.data(), head.data(), head.size()) != 0) {
    return false;
  }
  bytes.remove_prefix(head.size());
  remaining_ = memo.remaining_;
  status_ = memo.status_;
  phase_ = memo.phase_;
  keep_alive_ = memo.keep_alive_;
  return true;
}

void ResponseParser::Remember(std::string_view head, HeadMemo& memo) const {
  if (head.size() > HeadMemo::kLongest) return;
  memo.head_ = head;
  memo.remaining_ = remaining_;
  memo.status_ = status_;
  memo.phase_ = phase_;
  memo.keep_alive_ = keep_alive_;
}

ResponseParser::Progress ResponseParser::Feed(std::string_view bytes, HeadMemo* memo) {
  const size_t size = bytes.size();
  const char* const begin = bytes.data();
  bool learns = false;
  if (memo != nullptr && !started_ && size > 0) {
    learns = !TakeKnownHead(bytes, *memo);
    if (phase_ == Phase::kDone) return {Outcome::kDone, size - bytes.size()};
  }
  if (size > 0) started_ = true;
  while (!bytes.empty()) {
    if (phase_ == Phase::kBodyToClose) return {Outcome::kNeedMore, size};
    Outcome outcome = Outcome::kNeedMore;
    if (InBody()) {
      SkipBody(bytes);
    } else if (phase_ == Phase::kChunkEnd) {
      outcome = TakeChunkEnd(bytes);
    } else {
      outcome = TakeAndParseLine(bytes);
    }
    if (outcome != Outcome::kNeedMore) return {outcome, size - bytes.size()};
    if (learns && !InHead()) {
      Remember({begin, static_cast<size_t>(bytes.data() - begin)}, *memo);
      learns = false;
    } else if (phase_ == Phase::kStatusLine) {
      learns = false;  // an interim response came first
    }
    if (phase_ == Phase::kDone) return {Outcome::kDone, size - bytes.size()};
  }
  return {Outcome::kNeedMore, size};
}

ResponseParser::Outcome ResponseParser::FeedEnd() const {
  return phase_ == Phase::kBodyToClose ? Outcome::kDone : Outcome::kNeedMore;
}

void ResponseParser::SkipBody(std::string_view& bytes) {
  const int64_t skipped = std::min<int64_t>(remaining_, static_cast<int64_t>(bytes.size()));
  bytes.remove_prefix(static_cast<size_t>(skipped));
  remaining_ -= skipped;
  if (remaining_ > 0) return;
  line_bytes_ = 0;
  phase_ = phase_ == Phase::kBodyOfLength ? Phase::kDone : Phase::kChunkEnd;
}

ResponseParser::Outcome ResponseParser::TakeChunkEnd(std::string_view& bytes) {
  if (bytes.front() != (remaining_ == 0 ? '\r' : '\n')) {
    return Malformed("end of chunk", bytes.substr(0, 1), "CR LF");
  }
  bytes.remove_prefix(1);
  if (++remaining_ == 2) phase_ = Phase::kChunkSize;
  return Outcome::kNeedMore;
}

ResponseParser::Outcome ResponseParser::TakeAndParseLine(std::string_view& bytes) {
  std::string_view line;
  const bool whole = TakeLine(bytes, line);
  // A peer that speaks something else may never end a line.
  if (phase_ == Phase::kStatusLine && !MayBeStatusLine(line)) {
    return BadLine(line.substr(0, line.find('\r')), kStatusLineShape);
  }
  const int limit = phase_ == Phase::kChunkSize ? kMaxChunkLineBytes : kMaxHeadBytes;
  if (line_bytes_ > limit) return TooLong(line);
  if (!whole) return Outcome::kNeedMore;
  const Outcome outcome = ParseLine(line);
  if (outcome == Outcome::kNeedMore) text_.reset();
  return outcome;
}

bool ResponseParser::TakeLine(std::string_view& bytes, std::string_view& line) {
  const void* end = std::memchr(bytes.data(), '\n', bytes.size());
  const size_t taken =
      end == nullptr ? bytes.size() : static_cast<const char*>(end) - bytes.data() + 1;
  line = bytes.substr(0, taken);
  bytes.remove_prefix(taken);
  // Saturates well above every limit.
  line_bytes_ += static_cast<int32_t>(std::min<size_t>(taken, 1 << 20));
  if (end == nullptr || text_ != nullptr) {
    if (text_ == nullptr) text_ = std::make_unique<std::string>();
    // What is beyond the limit is refused by the caller, and need not be kept.
    if (line_bytes_ <= kMaxHeadBytes) text_->append(line);
    line = *text_;
  }
  if (end == nullptr) return false;
  line.remove_suffix(std::min<size_t>(line.size(), 1));
  return true;
}

ResponseParser::Outcome ResponseParser::ParseLine(std::string_view line) {
  const bool has_cr = !line.empty() && line.back() == '\r';
  if (has_cr) line.remove_suffix(1);
  if (phase_ == Phase::kHeaderLine || phase_ == Phase::kTrailerLine) ++lines_;
  if (HasCrOrNul(line)) return BadLine(line, "no CR or NUL in it");
  if (!has_cr && !InHead()) return BadLine(line, "CR LF at its end");
  switch (phase_) {
    case Phase::kStatusLine:
      return ParseStatusLine(line);
    case Phase::kHeaderLine:
      return line.empty() ? EndOfHead() : ParseHeaderLine(line);
    case Phase::kChunkSize:
      return ParseChunkSize(line);
    case Phase::kTrailerLine:
      return ParseTrailerLine(line);
    case Phase::kBodyOfLength:
    case Phase::kBodyToClose:
    case Phase::kChunkBytes:
    case Phase::kChunkEnd:
    case Phase::kDone:
      break;
  }
  return Outcome::kNeedMore;
}

// HTTP/1.1 200 OK
ResponseParser::Outcome ResponseParser::ParseStatusLine(std::string_view line) {
  const bool shaped = line.size() >= 12 && MayBeStatusLine(line) && IsDigit(line[7]) &&
                      line[8] == ' ' && line[9] >= '1' && line[9] <= '9' && IsDigit(line[10]) &&
                      IsDigit(line[11]) && (line.size() == 12 || line[12] == ' ');
  if (!shaped) return BadLine(line, kStatusLineShape);
  http10_ = line[7] == '0';
  keep_alive_ = !http10_;
  status_ = static_cast<int16_t>((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
  if (status_ == 101) return BadLine(line, "no other protocol than HTTP/1.x");
  phase_ = Phase::kHeaderLine;
  return Outcome::kNeedMore;
}

ResponseParser::Outcome ResponseParser::ParseHeaderLine(std::string_view line) {
  if (IsBlank(line.front())) {
    // A folded line continues the value before.
    if (lines_ == 1 || field_ == Field::kLength) return BadLine(line, "a field name");
    if (field_ == Field::kConnection) ParseConnection(line);
    return Outcome::kNeedMore;
  }
  field_ = Field::kOther;
  const size_t colon = FieldNameSize(line);
  if (colon == 0) return BadLine(line, "a field name and a colon");
  const std::string_view name = line.substr(0, colon);
  // Only three fields matter here, and they differ in length.
  switch (name.size()) {
    case 10:
      if (!EqualsIgnoringCase(name, "connection")) return Outcome::kNeedMore;
      field_ = Field::kConnection;
      ParseConnection(line.substr(colon + 1));
      return Outcome::kNeedMore;
    case 14:
      if (!EqualsIgnoringCase(name, "content-length")) return Outcome::kNeedMore;
      field_ = Field::kLength;
      return ParseContentLength(line, line.substr(colon + 1));
    case 17:
      if (!EqualsIgnoringCase(name, "transfer-encoding")) return Outcome::kNeedMore;
      field_ = Field::kLength;
      return ParseTransferEncoding(line, line.substr(colon + 1));
    default:
      return Outcome::kNeedMore;
  }
}

// A list of equal values is one value (RFC 9110, section 8.6).
ResponseParser::Outcome ResponseParser::ParseContentLength(std::string_view line,
                                                           std::string_view value) {
  std::string_view element;
  while (TakeElement(value, element)) {
    if (element.empty() || !std::all_of(element.begin(), element.end(), IsDigit)) {
      return BadLine(line, "digits");
    }
    int64_t length = 0;
    const auto parsed = std::from_chars(element.data(), element.data() + element.size(), length);
    if (parsed.ec != std::errc()) return BadLine(line, "less than 2^63");
    if (remaining_ >= 0 && remaining_ != length) {
      return BadLine(line, "the same length as before");
    }
    remaining_ = length;
  }
  return Outcome::kNeedMore;
}

ResponseParser::Outcome ResponseParser::ParseTransferEncoding(std::string_view line,
                                                              std::string_view value) {
  std::string_view element;
  while (TakeElement(value, element)) {
    if (element.empty()) continue;  // RFC 9110, section 5.6.1
    const std::string_view name = element.substr(0, 7);
    const bool rest_is_name =
        element.size() > 7 && kIsToken[static_cast<unsigned char>(element[7])];
    chunked_ = EqualsIgnoringCase(name, "chunked") && !rest_is_name;
    if (chunked_ && element.size() > 7) return BadLine(line, "chunked without parameters");
    if (chunked_ && has_chunked_) return BadLine(line, "chunked only once");
    has_chunked_ |= chunked_;
  }
  has_transfer_encoding_ = true;
  return Outcome::kNeedMore;
}

void ResponseParser::ParseConnection(std::string_view value) {
  std::string_view element;
  while (TakeElement(value, element)) {
    if (EqualsIgnoringCase(element, "close")) connection_close_ = true;
    if (EqualsIgnoringCase(element, "keep-alive")) keep_alive_ = true;
  }
}

// RFC 9112, section 6.3: how the length of the body is found.
ResponseParser::Outcome ResponseParser::EndOfHead() {
  if (has_transfer_encoding_ && remaining_ >= 0) {
    return Malformed("header", "Content-Length", "no Content-Length beside Transfer-Encoding");
  }
  if (status_ < 200) {
    // An interim response; the one that counts follows, or another, but not without end.
    const int32_t bytes_before = line_bytes_;
    Reset(no_body_);
    started_ = true;
    line_bytes_ = bytes_before;
    return Outcome::kNeedMore;
  }
  line_bytes_ = 0;
  if (connection_close_ || (http10_ && has_transfer_encoding_)) keep_alive_ = false;
  if (no_body_ || status_ == 204 || status_ == 304) {
    phase_ = Phase::kDone;
  } else if (chunked_) {
    phase_ = Phase::kChunkSize;
  } else if (has_transfer_encoding_ || remaining_ < 0) {
    phase_ = Phase::kBodyToClose;
    keep_alive_ = false;
  } else {
    phase_ = remaining_ == 0 ? Phase::kDone : Phase::kBodyOfLength;
  }
  return Outcome::kNeedMore;
}

// 1a3f;extension=value
ResponseParser::Outcome ResponseParser::ParseChunkSize(std::string_view line) {
  std::string_view digits = line.substr(0, line.find(';'));
  while (!digits.empty() && IsBlank(digits.back())) digits.remove_suffix(1);
  int64_t size = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (digits.empty() || digits.front() == '-' || parsed.ptr != digits.data() + digits.size() ||
      parsed.ec != std::errc()) {
    return BadLine(line, "a hexadecimal number below 2^63");
  }
  line_bytes_ = 0;
  lines_ = 0;
  remaining_ = size;
  phase_ = size == 0 ? Phase::kTrailerLine : Phase::kChunkBytes;
  return Outcome::kNeedMore;
}

// Trailer: value
ResponseParser::Outcome ResponseParser::ParseTrailerLine(std::string_view line) {
  if (line.empty()) {
    phase_ = Phase::kDone;
    return Outcome::kNeedMore;
  }
  // Nothing here matters; but what is no field may be the next response already.
  const bool folded = lines_ > 1 && IsBlank(line.front());
  if (!folded && FieldNameSize(line) == 0) return BadLine(line, "a field name and a colon");
  return Outcome::kNeedMore;
}

ResponseParser::Outcome ResponseParser::TooLong(std::string_view line) {
  if (phase_ == Phase::kChunkSize) {
    return BadLine(line, absl::StrFormat("at most %d bytes", kMaxChunkLineBytes));
  }
  text_ = std::make_unique<std::string>(
      absl::StrFormat("%s fields of more than %d bytes",
                      phase_ == Phase::kTrailerLine ? "trailer" : "header", kMaxHeadBytes));
  return Outcome::kTooLarge;
}

ResponseParser::Outcome ResponseParser::BadLine(std::string_view line, std::string_view want) {
  if (phase_ == Phase::kStatusLine) return Malformed("status line", line, want);
  if (phase_ == Phase::kChunkSize) return Malformed("chunk size", line, want);
  const char* const part = phase_ == Phase::kTrailerLine ? "trailer" : "header";
  return Malformed(absl::StrFormat("%s line %d", part, lines_), line, want);
}

ResponseParser::Outcome ResponseParser::Malformed(std::string_view what, std::string_view line,
                                                  std::string_view want) {
  const std::string shown =
      absl::CEscape(absl::string_view(line.data(), std::min(line.size(), kShownBytes)));
  text_ = std::make_unique<std::string>(absl::StrFormat(
      "%s \"%s%s\": want %s", what, shown, line.size() > kShownBytes ? "..." : "", want));
  return Outcome::kMalformed;
}

}  // namespace loadtest
