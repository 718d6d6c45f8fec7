#include "driver/engine/load_plan.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"
#include "driver/engine/request_bytes.h"

namespace loadtest {
namespace {

SendPlan MakeSendPlan(const v1::LoadTestSpec& spec, const v1::Assignment& assignment) {
  SendPlan::Limits limits;
  if (spec.requests_per_driver() > 0) limits.requests = spec.requests_per_driver();
  if (spec.has_duration()) limits.duration_ns = ToNanos(spec.duration());
  switch (spec.load_case()) {
    case v1::LoadTestSpec::kTsunami:
      return SendPlan::OpenLoop(Schedule::EveryDelay(ToNanos(spec.tsunami().delay())), Slot(),
                                limits);
    case v1::LoadTestSpec::kRate: {
      const auto nano_rate = std::llround(spec.rate().requests_per_second() * 1e9);
      return SendPlan::OpenLoop(Schedule::AtRate(nano_rate),
                                Slot(assignment.slot(), assignment.slots()), limits);
    }
    case v1::LoadTestSpec::kAvalanche:
    case v1::LoadTestSpec::LOAD_NOT_SET:
      break;
  }
  return SendPlan::ClosedLoop(limits);
}

}  // namespace

absl::StatusOr<LoadPlan> MakeLoadPlan(const v1::LoadTestSpec& spec,
                                      const v1::Assignment& assignment,
                                      int64_t metrics_interval_ns) {
  if (assignment.slot() < 0 || assignment.slot() >= assignment.slots()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("assignment.slot: got %d, want 0 to slots - 1 (slots is %d)",
                        assignment.slot(), assignment.slots()));
  }
  if (metrics_interval_ns <= 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("metrics_interval_ns: got %d, want more than 0", metrics_interval_ns));
  }
  ASSIGN_OR_RETURN(const Url url, ParseUrl(spec.request().url()));
  LoadPlan plan;
  plan.sends = MakeSendPlan(spec, assignment);
  plan.request_bytes = BuildRequestBytes(spec.request(), url);
  plan.is_head = spec.request().method() == "HEAD";
  plan.connections = spec.connections();
  plan.max_connections = plan.sends.is_open_loop() ? spec.max_connections() : spec.connections();
  plan.connect_timeout_ns = ToNanos(spec.connect_timeout());
  plan.request_timeout_ns = ToNanos(spec.request_timeout());
  plan.drain_timeout_ns = ToNanos(spec.drain_timeout());
  plan.metrics_interval_ns = metrics_interval_ns;
  plan.host = url.host;
  plan.port = url.port;
  return plan;
}

}  // namespace loadtest
