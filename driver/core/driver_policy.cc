#include "driver/core/driver_policy.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "driver/core/share_checks.h"

namespace loadtest {
namespace {

// "api.example:8080" -> "api.example". An address in brackets stays as it is, and is no name.
std::string_view WithoutPort(std::string_view host) { return host.substr(0, host.find(':')); }

}  // namespace

absl::StatusOr<DriverPolicy> DriverPolicy::Create(const v1::DriverConfig& config) {
  DriverPolicy policy;
  const std::vector<std::string> targets(config.allowed_targets().begin(),
                                         config.allowed_targets().end());
  ASSIGN_OR_RETURN(policy.targets_, TargetPolicy::Create(targets));
  policy.max_rate_ = config.max_rate();
  policy.max_duration_ns_ = ToNanos(config.max_duration());
  policy.max_lease_ns_ = ToNanos(config.max_lease());
  policy.max_connections_ = config.max_connections();
  return policy;
}

absl::Status DriverPolicy::Check(const v1::LoadTestSpec& spec,
                                 const v1::Assignment& assignment) const {
  ASSIGN_OR_RETURN(const Url url, ParseUrl(spec.request().url()));
  RETURN_IF_ERROR(targets_.CheckHost(url.host));
  RETURN_IF_ERROR(CheckServedNames(spec, url));
  const int slots = std::max(1, assignment.slots());
  if (max_rate_ > 0 && spec.has_avalanche()) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "rate: got an avalanche, which is as fast as its answers, want a tsunami, rate or stages "
        "of at most %g/s for this driver; allow any there with driver.max_rate=0",
        max_rate_));
  }
  const double rate = HighestRate(spec, slots) / slots;
  if (max_rate_ > 0 && rate > max_rate_) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "rate: got %g/s for this driver, want at most %g/s; raise it there with driver.max_rate",
        rate, max_rate_));
  }
  // -1, when it cannot be known, is allowed: the lease and orders to stop end such a test.
  const double planned_ns = LongestSendingNs(spec, assignment.slots());
  if (planned_ns > static_cast<double>(max_duration_ns_)) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "duration: got %s, want at most %s; raise it at the driver with driver.max_duration",
        FormatDuration(static_cast<int64_t>(std::min(planned_ns, 9e18))),
        FormatDuration(max_duration_ns_)));
  }
  if (spec.connections() > max_connections_) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "connections: got %d, want at most %d; raise it at the driver with driver.max_connections",
        spec.connections(), max_connections_));
  }
  return absl::OkStatus();
}

absl::Status DriverPolicy::CheckServedNames(const v1::LoadTestSpec& spec, const Url& url) const {
  for (const v1::Header& header : spec.request().headers()) {
    if (!absl::EqualsIgnoreCase(header.name(), "host")) continue;
    RETURN_IF_ERROR(targets_.CheckServedName(url.host, WithoutPort(header.value())));
  }
  if (spec.tls().server_name().empty()) return absl::OkStatus();
  return targets_.CheckServedName(url.host, spec.tls().server_name());
}

std::vector<v1::Share> DriverPolicy::WithinRate(const v1::LoadTestSpec& spec,
                                                const std::vector<v1::Share>& shares) const {
  if (max_rate_ <= 0) return shares;
  // Of one driver with all of the schedule.
  const double whole = HighestRate(spec, 1);
  // Thirds add up to one only nearly.
  const double most = max_rate_ * (1 + 1e-9);
  std::vector<v1::Share> allowed;
  for (const v1::Share& share : shares) {
    allowed.push_back(share);
    if (whole * LargestPart(allowed) > most) allowed.pop_back();
  }
  return allowed;
}

void DriverPolicy::Apply(v1::LoadTestSpec& spec) const {
  spec.set_max_connections(std::min(spec.max_connections(), max_connections_));
}

}  // namespace loadtest
