// What the target does for each path: known behaviour, and misbehaviour on request.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace httplib {
struct Request;
struct Response;
}  // namespace httplib

namespace loadtest {

enum class Endpoint {
  kPing,
  kMetrics,
  kDelay,
  kStatus,
  kBytes,
  kStream,
  kStall,
  kClose,
  kFlaky,
  kOther,  // the index page, and what does not exist
};
inline constexpr int kEndpoints = 10;
inline constexpr std::array<Endpoint, kEndpoints> kAllEndpoints = {
    Endpoint::kPing,   Endpoint::kMetrics, Endpoint::kDelay, Endpoint::kStatus, Endpoint::kBytes,
    Endpoint::kStream, Endpoint::kStall,   Endpoint::kClose, Endpoint::kFlaky,  Endpoint::kOther};

// "ping", "delay" ...: the first part of the path.
std::string_view EndpointName(Endpoint endpoint);

// The endpoint of a request target such as "/delay/100?x=1".
Endpoint EndpointOf(std::string_view request_target);

// Decides which requests of /flaky fail. The k-th request of a seed always has the same fate,
// whatever other seeds do, so a test can know the answer. Thread-safe.
class FlakySequence {
 public:
  // At most so many seeds are remembered; requests with further ones are refused.
  static constexpr size_t kMaxSeeds = 1'000;

  enum class Fate { kSucceeds, kFails, kTooManySeeds };
  // `percent` from 0 to 100.
  Fate Next(uint64_t seed, double percent);

 private:
  std::mutex mutex_;
  std::map<uint64_t, uint64_t> requests_of_seed_;
};

// Answers requests whose path alone decides the answer: all but /metrics, /stall and /close.
// A parameter that cannot be used gets status 400 and a line saying what was wanted.
// Thread-safe; blocks its caller for the time that /delay and /stream were asked to take.
class Endpoints {
 public:
  // `wait` sleeps for some nanoseconds; false when the server stops meanwhile.
  using Wait = std::function<bool(int64_t ns)>;
  explicit Endpoints(Wait wait) : wait_(std::move(wait)) {}

  void Answer(const httplib::Request& request, httplib::Response& response);

 private:
  void AnswerDelay(std::string_view argument, httplib::Response& response);
  void AnswerStream(std::string_view argument, const httplib::Request& request,
                    httplib::Response& response);
  void AnswerFlaky(std::string_view argument, const httplib::Request& request,
                   httplib::Response& response);

  const Wait wait_;
  FlakySequence flaky_;
};

}  // namespace loadtest
