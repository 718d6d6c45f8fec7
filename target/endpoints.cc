#include "target/endpoints.h"

#include <httplib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/time.h"

namespace loadtest {
namespace {

constexpr char kPlainText[] = "text/plain";
// Not compressed by httplib even for clients that accept it, so sizes are what was asked for.
constexpr char kBinary[] = "application/octet-stream";

constexpr int64_t kMaxDelayMs = 3'600'000;
constexpr int64_t kMaxBytes = 1'073'741'824;
constexpr int64_t kMaxChunks = 1'000'000;
constexpr int64_t kMaxChunkBytes = 1'048'576;
constexpr int64_t kDefaultChunkBytes = 1'024;

constexpr char kIndex[] =
    "target: a web server with known behaviour\n"
    "\n"
    "  /ping            pong\n"
    "  /metrics         requests received and responses sent (?format=json)\n"
    "  /delay/{ms}      answers after so many milliseconds\n"
    "  /status/{code}   answers with this status, 200 to 599\n"
    "  /bytes/{n}       answers with n bytes\n"
    "  /stream/{n}      answers in n chunks (?size=BYTES &interval=MS)\n"
    "  /stall           takes the request and never answers\n"
    "  /close           closes the connection instead of answering\n"
    "  /flaky/{percent} answers 500 to this share of requests (?seed=N)\n";

std::string_view PathOf(std::string_view request_target) {
  return request_target.substr(0, request_target.find('?'));
}

// "/delay/100" -> "delay"
std::string_view FirstPart(std::string_view path) {
  if (!path.empty()) path.remove_prefix(1);
  return path.substr(0, path.find('/'));
}

// "/delay/100" -> "100"; empty when there is none.
std::string_view Argument(std::string_view path) {
  const size_t slash = path.find('/', 1);
  return slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
}

template <typename Number>
std::optional<Number> ParseBetween(std::string_view text, Number min, Number max) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  // Written so that NaN is refused.
  if (!(number >= min && number <= max)) return std::nullopt;
  return number;
}

void Refuse(httplib::Response& response, std::string_view place, std::string_view got,
            std::string_view wanted) {
  response.status = 400;
  response.set_content(absl::StrFormat("%s: got \"%s\", want %s\n", place, got, wanted),
                       kPlainText);
}

void AnswerStatus(std::string_view argument, httplib::Response& response) {
  const auto code = ParseBetween<int>(argument, 200, 599);
  if (!code) return Refuse(response, "/status/{code}", argument, "a status from 200 to 599");
  response.status = *code;
  const bool has_body = *code != 204 && *code != 304;
  if (has_body) response.set_content(absl::StrFormat("status %d\n", *code), kPlainText);
}

void AnswerBytes(std::string_view argument, httplib::Response& response) {
  const auto bytes = ParseBetween<int64_t>(argument, 0, kMaxBytes);
  if (!bytes) {
    return Refuse(response, "/bytes/{n}", argument,
                  absl::StrFormat("a number of bytes from 0 to %d", kMaxBytes));
  }
  if (*bytes == 0) return response.set_content("", kBinary);
  const auto block = std::make_shared<std::string>(std::min<int64_t>(*bytes, 65'536), 'x');
  response.set_content_provider(*bytes, kBinary,
                                [block](size_t /*offset*/, size_t length, httplib::DataSink& sink) {
                                  return sink.write(block->data(), std::min(length, block->size()));
                                });
}

// An even mix of the bits of x (the finalizer of SplitMix64).
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

std::string_view EndpointName(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kPing:
      return "ping";
    case Endpoint::kMetrics:
      return "metrics";
    case Endpoint::kDelay:
      return "delay";
    case Endpoint::kStatus:
      return "status";
    case Endpoint::kBytes:
      return "bytes";
    case Endpoint::kStream:
      return "stream";
    case Endpoint::kStall:
      return "stall";
    case Endpoint::kClose:
      return "close";
    case Endpoint::kFlaky:
      return "flaky";
    case Endpoint::kOther:
      return "other";
  }
  std::abort();
}

Endpoint EndpointOf(std::string_view request_target) {
  const std::string_view path = PathOf(request_target);
  const std::string_view first = FirstPart(path);
  for (Endpoint endpoint : kAllEndpoints) {
    if (endpoint == Endpoint::kOther || EndpointName(endpoint) != first) continue;
    const bool takes_argument = endpoint != Endpoint::kPing && endpoint != Endpoint::kMetrics &&
                                endpoint != Endpoint::kStall && endpoint != Endpoint::kClose;
    const bool has_more = path.size() > first.size() + 1;
    return has_more && !takes_argument ? Endpoint::kOther : endpoint;
  }
  return Endpoint::kOther;
}

FlakySequence::Fate FlakySequence::Next(uint64_t seed, double percent) {
  uint64_t k = 0;
  {
    std::lock_guard lock(mutex_);
    const auto found = requests_of_seed_.find(seed);
    if (found != requests_of_seed_.end()) {
      k = ++found->second;
    } else {
      if (requests_of_seed_.size() >= kMaxSeeds) return Fate::kTooManySeeds;
      requests_of_seed_[seed] = 0;
    }
  }
  // 53 bits are what a double holds exactly: uniform in [0, 100).
  const uint64_t bits = Mix(Mix(seed + 0x9e3779b97f4a7c15) + k) >> 11;
  const double draw = std::ldexp(static_cast<double>(bits), -53) * 100;
  return draw < percent ? Fate::kFails : Fate::kSucceeds;
}

void Endpoints::Answer(const httplib::Request& request, httplib::Response& response) {
  const std::string_view path = PathOf(request.target);
  const std::string_view argument = Argument(path);
  switch (EndpointOf(request.target)) {
    case Endpoint::kPing:
      return response.set_content("pong", kPlainText);
    case Endpoint::kDelay:
      return AnswerDelay(argument, response);
    case Endpoint::kStatus:
      return AnswerStatus(argument, response);
    case Endpoint::kBytes:
      return AnswerBytes(argument, response);
    case Endpoint::kStream:
      return AnswerStream(argument, request, response);
    case Endpoint::kFlaky:
      return AnswerFlaky(argument, request, response);
    case Endpoint::kMetrics:
    case Endpoint::kStall:
    case Endpoint::kClose:
      break;  // the connection has done these itself
    case Endpoint::kOther:
      if (path == "/") return response.set_content(kIndex, kPlainText);
      break;
  }
  response.status = 404;
  response.set_content(absl::StrFormat("%s: no such path; GET / lists what there is\n", path),
                       kPlainText);
}

void Endpoints::AnswerDelay(std::string_view argument, httplib::Response& response) {
  const auto ms = ParseBetween<double>(argument, 0, kMaxDelayMs);
  if (!ms) {
    return Refuse(response, "/delay/{ms}", argument,
                  absl::StrFormat("milliseconds from 0 to %d", kMaxDelayMs));
  }
  wait_(std::llround(*ms * kNanosPerMilli));
  response.set_content(absl::StrFormat("answered after %s ms\n", argument), kPlainText);
}

void Endpoints::AnswerStream(std::string_view argument, const httplib::Request& request,
                             httplib::Response& response) {
  const auto chunks = ParseBetween<int64_t>(argument, 1, kMaxChunks);
  if (!chunks) {
    return Refuse(response, "/stream/{n}", argument,
                  absl::StrFormat("a number of chunks from 1 to %d", kMaxChunks));
  }
  std::optional<int64_t> size = kDefaultChunkBytes;
  if (request.has_param("size")) {
    size = ParseBetween<int64_t>(request.get_param_value("size"), 1, kMaxChunkBytes);
    if (!size) {
      return Refuse(response, "size", request.get_param_value("size"),
                    absl::StrFormat("bytes a chunk from 1 to %d", kMaxChunkBytes));
    }
  }
  std::optional<double> interval_ms = 0;
  if (request.has_param("interval")) {
    interval_ms = ParseBetween<double>(request.get_param_value("interval"), 0, kMaxDelayMs);
    if (!interval_ms) {
      return Refuse(response, "interval", request.get_param_value("interval"),
                    absl::StrFormat("milliseconds between chunks from 0 to %d", kMaxDelayMs));
    }
  }
  response.set_chunked_content_provider(kBinary,
                                        [this, left = *chunks, chunk = std::string(*size, 'x'),
                                         interval_ns = std::llround(*interval_ms * kNanosPerMilli)](
                                            size_t offset, httplib::DataSink& sink) mutable {
                                          if (offset > 0 && interval_ns > 0 && !wait_(interval_ns))
                                            return false;
                                          if (!sink.write(chunk.data(), chunk.size())) return false;
                                          if (--left == 0) sink.done();
                                          return true;
                                        });
}

void Endpoints::AnswerFlaky(std::string_view argument, const httplib::Request& request,
                            httplib::Response& response) {
  const auto percent = ParseBetween<double>(argument, 0, 100);
  if (!percent) {
    return Refuse(response, "/flaky/{percent}", argument, "a percentage from 0 to 100");
  }
  std::optional<uint64_t> seed = 0;
  if (request.has_param("seed")) {
    seed = ParseBetween<uint64_t>(request.get_param_value("seed"), 0, UINT64_MAX);
    if (!seed) {
      return Refuse(response, "seed", request.get_param_value("seed"),
                    "a whole number from 0 to 2^64 - 1");
    }
  }
  switch (flaky_.Next(*seed, *percent)) {
    case FlakySequence::Fate::kSucceeds:
      return response.set_content("fine\n", kPlainText);
    case FlakySequence::Fate::kFails:
      response.status = 500;
      return response.set_content("flaky\n", kPlainText);
    case FlakySequence::Fate::kTooManySeeds:
      return Refuse(response, "seed", absl::StrFormat("%d", *seed),
                    absl::StrFormat("at most %d different seeds in the life of the target",
                                    FlakySequence::kMaxSeeds));
  }
}

}  // namespace loadtest
