#include "driver/core/driver_policy.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

// Requests per second of one driver, at most; 0 in a closed loop.
double RateOfOneDriver(const v1::LoadTestSpec& spec, const v1::Assignment& assignment) {
  const int slots = std::max(1, assignment.slots());
  return HighestRate(spec, slots) / slots;
}

// How long the plan takes when all goes well, nanoseconds; 0 when it cannot be known.
double PlannedNs(const v1::LoadTestSpec& spec, double rate) {
  const auto warmup = static_cast<double>(ToNanos(spec.warmup()));
  const double by_time = warmup + static_cast<double>(ToNanos(spec.duration()));
  if (rate <= 0 || spec.requests_per_driver() == 0) return by_time;
  const double by_count = warmup + static_cast<double>(spec.requests_per_driver()) / rate * 1e9;
  return !spec.has_duration() ? by_count : std::min(by_time, by_count);
}

}  // namespace

absl::StatusOr<DriverPolicy> DriverPolicy::Create(const v1::DriverConfig& config) {
  DriverPolicy policy;
  const std::vector<std::string> targets(config.allowed_targets().begin(),
                                         config.allowed_targets().end());
  ASSIGN_OR_RETURN(policy.targets_, TargetPolicy::Create(targets));
  policy.max_rate_ = config.max_rate();
  policy.max_duration_ns_ = ToNanos(config.max_duration());
  policy.max_connections_ = config.max_connections();
  return policy;
}

absl::Status DriverPolicy::Check(const v1::LoadTestSpec& spec,
                                 const v1::Assignment& assignment) const {
  ASSIGN_OR_RETURN(const Url url, ParseUrl(spec.request().url()));
  RETURN_IF_ERROR(targets_.CheckHost(url.host));
  const double rate = RateOfOneDriver(spec, assignment);
  if (max_rate_ > 0 && rate > max_rate_) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "rate: got %g/s for this driver, want at most %g/s; raise it there with driver.max_rate",
        rate, max_rate_));
  }
  const double planned_ns = PlannedNs(spec, rate);
  if (planned_ns > static_cast<double>(max_duration_ns_)) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "duration: got %s, want at most %s; raise it at the driver with driver.max_duration",
        FormatDuration(static_cast<int64_t>(planned_ns)), FormatDuration(max_duration_ns_)));
  }
  if (spec.connections() > max_connections_) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "connections: got %d, want at most %d; raise it at the driver with driver.max_connections",
        spec.connections(), max_connections_));
  }
  return absl::OkStatus();
}

void DriverPolicy::Apply(v1::LoadTestSpec& spec) const {
  spec.set_max_connections(std::min(spec.max_connections(), max_connections_));
}

}  // namespace loadtest
