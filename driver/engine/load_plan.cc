#include "driver/engine/load_plan.h"

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"
#include "common/schedule/spec_schedule.h"
#include "common/spec/load_test_spec.h"
#include "driver/engine/request_bytes.h"

namespace loadtest {
namespace {

SendPlan MakeSendPlan(const v1::LoadTestSpec& spec, const v1::Assignment& assignment) {
  SendPlan::Limits limits;
  if (spec.requests_per_driver() > 0) limits.requests = spec.requests_per_driver();
  if (spec.has_duration()) limits.duration_ns = ToNanos(spec.duration());
  limits.warmup_ns = ToNanos(spec.warmup());
  if (!IsOpenLoop(spec)) return SendPlan::ClosedLoop(limits);
  // A tsunami is each driver's own, any other rate is shared.
  if (spec.arrivals() == v1::LoadTestSpec::POISSON) {
    const Slot slot(assignment.slot(), spec.has_tsunami() ? 1 : assignment.slots());
    return SendPlan::Poisson(ScheduleOf(spec), spec.arrival_seed(), slot, limits);
  }
  const Slot slot = spec.has_tsunami() ? Slot() : Slot(assignment.slot(), assignment.slots());
  return SendPlan::OpenLoop(ScheduleOf(spec), slot, limits);
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
  plan.is_head = spec.request().method() == "HEAD";
  plan.spin_ns = ToNanos(spec.spin());
  plan.connections = spec.connections();
  plan.max_connections = plan.sends.is_open_loop() ? spec.max_connections() : spec.connections();
  plan.connect_timeout_ns = ToNanos(spec.connect_timeout());
  plan.request_timeout_ns = ToNanos(spec.request_timeout());
  plan.drain_timeout_ns = ToNanos(spec.drain_timeout());
  plan.metrics_interval_ns = metrics_interval_ns;
  plan.host = url.host;
  plan.port = url.port;
  plan.is_tls = url.is_tls;
  plan.tls = spec.tls();
  plan.is_http2 = spec.http_version() == v1::LoadTestSpec::HTTP_2;
  if (plan.is_http2) {
    plan.streams = spec.streams();
    plan.http2_request = BuildHttp2Request(spec.request(), url);
  } else {
    plan.request_bytes = BuildRequestBytes(spec.request(), url);
  }
  return plan;
}

std::vector<Share> SharesOf(const v1::LoadTestSpec& spec, const v1::Assignment& assignment,
                            const std::vector<v1::Share>& shares) {
  // Where each driver has a schedule for itself, `first` is what makes it its own, if anything.
  const int64_t own_first = spec.arrivals() == v1::LoadTestSpec::POISSON ? assignment.slot() : 0;
  std::vector<Share> result;
  for (const v1::Share& share : shares) {
    const int64_t until_ns = share.until_offset_ns() == 0 ? kNeverNs : share.until_offset_ns();
    result.push_back({.first = spec.has_tsunami() ? own_first : share.first(),
                      .stride = share.stride(),
                      .from_ns = share.from_offset_ns(),
                      .until_ns = until_ns});
  }
  return result;
}

}  // namespace loadtest
