// Validation of a spec: the one pure function that every door uses, and what can be computed from a
// spec alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Where the body of the request is: in the spec, or in pieces beside it (BodyPart of bus.proto).
// Then the spec may have body_bytes alone.
enum class BodyIn { kSpec, kParts };

// Checks `spec` and fills its defaults in, and body_bytes. InvalidArgument has a line for each
// wrong field: path, value, what was wanted:
//   spec.tsunami.delay: got 0s, want 1us to 1h
absl::StatusOr<v1::LoadTestSpec> ValidateSpec(const v1::LoadTestSpec& spec,
                                              BodyIn body_in = BodyIn::kSpec);

// The parts of an http or https URL.
struct Url {
  bool is_tls = false;    // https
  std::string host;       // name or address, without the brackets of IPv6
  int port = 80;          // 443 with https
  std::string target;     // path and query as they stand in the request line, "/" at least
  std::string authority;  // host[:port] as it stands in the URL: the default Host header
};
// InvalidArgument: `got "ftp://x", want http[s]://host[:port][/path][?query]`.
absl::StatusOr<Url> ParseUrl(std::string_view text);

// Ids of load tests: 1 to 63 of a-z 0-9 '-', first a letter. Ids of drivers: 1 to 63 of letters,
// digits, '.', '_', '-'.
absl::Status CheckLoadTestId(std::string_view id, std::string_view field);
absl::Status CheckDriverId(std::string_view id, std::string_view field);

// "loadTests/x" -> "x"; InvalidArgument naming `field` otherwise. Any valid id, known or not.
absl::StatusOr<std::string> LoadTestIdOfName(std::string_view name, std::string_view field);

// What was understood, one line: "3 drivers x 200/s = 600/s, open loop (tsunami, delay 5ms), 1,000
// requests a driver". `drivers` is the number that will take part; 0: not known yet.
std::string DescribeSpec(const v1::LoadTestSpec& spec, int drivers);

// Whether requests have due times: all loads but the avalanche.
bool IsOpenLoop(const v1::LoadTestSpec& spec);

// How long all stages together are, nanoseconds. Their durations must be valid.
int64_t StagesNs(const v1::RateStages& stages);

// Requests per second of all `drivers` together at the moment when they are most; with Poisson
// arrivals on average. 0 in a closed loop.
double HighestRate(const v1::LoadTestSpec& spec, int drivers);

// Upper bound of the time in which requests are sent, warm-up included, nanoseconds; may be beyond
// 63 bits. -1 when only requests_per_driver of a closed loop ends it.
double LongestSendingNs(const v1::LoadTestSpec& spec, int drivers);

// Upper bound of the time from start to the last possible final report, nanoseconds: sending +
// drain; -1 when there is none within 290 years.
int64_t LongestRunNs(const v1::LoadTestSpec& spec, int drivers);

}  // namespace loadtest
