#include "common/spec/load_test_spec.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/base/time.h"
#include "common/config/config.h"
#include "common/spec/spec_checks.h"
#include "common/spec/spec_problems.h"
#include "common/thresholds/threshold.h"

namespace loadtest {
namespace {

constexpr int64_t kDefaultDurationNs = 10 * kNanosPerSecond;
constexpr int64_t kDefaultTimeoutNs = 10 * kNanosPerSecond;
constexpr int kDefaultConnections = 50;
constexpr int kDefaultMaxConnections = 4'096;
constexpr int kLargestConnections = 100'000;
constexpr int64_t kLargestLanes = 1'000'000;
constexpr int kLargestDrivers = 10'000;
constexpr int64_t kLargestRequests = 1'000'000'000'000;
// Without its body, which may go in pieces: a spec travels in a Kafka record, and brokers refuse
// records beyond 1 MB unless they are told otherwise.
constexpr size_t kLargestSpec = 512 << 10;

void CheckConnections(v1::LoadTestSpec& spec, SpecProblems& problems) {
  if (spec.connections() == 0) spec.set_connections(kDefaultConnections);
  problems.CheckNumber("spec.connections", spec.connections(), 1, kLargestConnections);
  if (spec.load_case() == v1::LoadTestSpec::kAvalanche) {
    if (spec.max_connections() != 0) {
      problems.Add(absl::StrFormat(
          "spec.max_connections: got %d, want 0: an avalanche keeps to its connections",
          spec.max_connections()));
    }
    return;
  }
  if (spec.max_connections() == 0)
    spec.set_max_connections(std::max(spec.connections(), kDefaultMaxConnections));
  if (spec.connections() > kLargestConnections) return;  // nothing would be right beside it
  problems.CheckNumber("spec.max_connections", spec.max_connections(),
                       std::max(1, spec.connections()), kLargestConnections);
}

// After CheckConnections.
void CheckLanes(const v1::LoadTestSpec& spec, SpecProblems& problems) {
  const int connections = std::max(spec.connections(), spec.max_connections());
  if (connections > kLargestConnections) return;  // which is said already
  if (int64_t{connections} * spec.streams() <= kLargestLanes) return;
  problems.Add(absl::StrFormat("spec.streams: got %d, want at most %d streams in all connections",
                               spec.streams(), kLargestLanes));
}

void CheckTimes(v1::LoadTestSpec& spec, SpecProblems& problems) {
  problems.CheckNumber("spec.requests_per_driver", spec.requests_per_driver(), 0, kLargestRequests);
  if (!spec.has_duration() && spec.requests_per_driver() == 0)
    *spec.mutable_duration() = ToDuration(kDefaultDurationNs);
  if (spec.has_duration())
    problems.CheckDuration("spec.duration", spec.duration(), kNanosPerMilli, kLongestTestNs);
  if (!spec.has_connect_timeout()) *spec.mutable_connect_timeout() = ToDuration(kDefaultTimeoutNs);
  problems.CheckDuration("spec.connect_timeout", spec.connect_timeout(), kNanosPerMilli,
                         kSpecHourNs);
  if (!spec.has_request_timeout()) *spec.mutable_request_timeout() = ToDuration(kDefaultTimeoutNs);
  problems.CheckDuration("spec.request_timeout", spec.request_timeout(), kNanosPerMilli,
                         kSpecHourNs);
  if (!spec.has_drain_timeout()) *spec.mutable_drain_timeout() = spec.request_timeout();
  problems.CheckDuration("spec.drain_timeout", spec.drain_timeout(), 0, kSpecHourNs);
}

void CheckLabels(const std::string& field,
                 const google::protobuf::Map<std::string, std::string>& labels,
                 SpecProblems& problems) {
  if (labels.size() > 64)
    problems.Add(absl::StrFormat("%s: got %d, want at most 64", field, labels.size()));
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.size() > 63) {
      problems.Add(
          absl::StrFormat("%s: got key \"%s\", want 1 to 63 bytes", field, Printable(key)));
    }
    problems.CheckLength(absl::StrFormat("%s[%s]", field, Printable(key)), value.size(), 255);
  }
}

void CheckThresholds(const v1::LoadTestSpec& spec, SpecProblems& problems) {
  const auto thresholds = ParseThresholds(spec.thresholds(), "spec.thresholds");
  if (!thresholds.ok()) problems.Add(std::string(thresholds.status().message()));
  if (spec.abort_on_threshold() && spec.thresholds().empty()) {
    problems.Add("spec.abort_on_threshold: got true, want it with spec.thresholds only");
  }
}

}  // namespace

absl::StatusOr<v1::LoadTestSpec> ValidateSpec(const v1::LoadTestSpec& spec, BodyIn body_in) {
  v1::LoadTestSpec out = spec;
  SpecProblems problems;
  problems.CheckLength("spec.title", out.title().size(), 200);
  problems.CheckLength("spec.description", out.description().size(), 4'000);
  CheckRequest(out, body_in, problems);
  CheckTls(out, problems);
  CheckLoad(out, problems);
  problems.CheckNumber("spec.drivers", out.drivers(), 0, kLargestDrivers);
  CheckConnections(out, problems);
  CheckLanes(out, problems);
  CheckTimes(out, problems);
  CheckLabels("spec.labels", out.labels(), problems);
  CheckLabels("spec.driver_labels", out.driver_labels(), problems);
  CheckThresholds(out, problems);
  CheckLosses(out, problems);
  problems.CheckLength("spec without its body", out.ByteSizeLong() - out.request().body().size(),
                       kLargestSpec);
  RETURN_IF_ERROR(problems.ToStatus());
  return out;
}

}  // namespace loadtest
