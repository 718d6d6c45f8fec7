// What a driver refuses to do, whatever a test asks for.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "driver/core/target_policy.h"
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

  // `spec` was validated. PermissionDenied names what is not allowed, the limit, and the setting
  // that raises it.
  absl::Status Check(const v1::LoadTestSpec& spec, const v1::Assignment& assignment) const;

  // Lowers what an open loop may open if need be to what is allowed here: how many it gets is not
  // part of the plan, and requests that found none are named in the report.
  void Apply(v1::LoadTestSpec& spec) const;

 private:
  TargetPolicy targets_;
  double max_rate_ = 0;
  int64_t max_duration_ns_ = 0;
  int32_t max_connections_ = 0;
};

}  // namespace loadtest
