// What a driver refuses to do, whatever a test asks for.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/spec/load_test_spec.h"
#include "driver/core/target_policy.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/config.pb.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Immutable; thread-safe.
class DriverPolicy {
 public:
  // InvalidArgument as TargetPolicy::Create.
  static absl::StatusOr<DriverPolicy> Create(const v1::DriverConfig& config);

  const TargetPolicy& targets() const { return targets_; }
  int64_t max_duration_ns() const { return max_duration_ns_; }

  // How long a test with this lease (0: it has none) may go on without its orchestrator.
  int64_t LeaseOf(int64_t lease_ns) const {
    return lease_ns <= 0 || lease_ns > max_lease_ns_ ? max_lease_ns_ : lease_ns;
  }

  // `spec` was validated. PermissionDenied names what is not allowed, the limit, and the setting
  // that raises it.
  absl::Status Check(const v1::LoadTestSpec& spec, const v1::Assignment& assignment) const;

  // Of the shares that a running test is to go on with, in their order: those that are together
  // never above the highest rate allowed here. What is left out is for the caller to tell.
  // `shares` have passed CheckShares.
  std::vector<v1::Share> WithinRate(const v1::LoadTestSpec& spec,
                                    const std::vector<v1::Share>& shares) const;
  double max_rate() const { return max_rate_; }

  // Lowers what an open loop may open if need be to what is allowed here: how many it gets is not
  // part of the plan, and requests that found none are named in the report.
  void Apply(v1::LoadTestSpec& spec) const;

 private:
  // The names by which the target is asked for its page.
  absl::Status CheckServedNames(const v1::LoadTestSpec& spec, const Url& url) const;

  TargetPolicy targets_;
  double max_rate_ = 0;
  int64_t max_duration_ns_ = 0;
  int64_t max_lease_ns_ = 0;
  int32_t max_connections_ = 0;
};

}  // namespace loadtest
