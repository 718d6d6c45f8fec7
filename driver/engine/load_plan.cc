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

// The warm-up goes at the first rate there is.
RateCurve MakeRateCurve(const v1::RateStages& stages, int64_t warmup_ns) {
  std::vector<RateCurve::Stage> curve;
  if (warmup_ns > 0) {
    const v1::Stage& first = stages.stages(0);
    const double rate = first.from() > 0 ? first.from() : first.to();
    curve.push_back({.from = rate, .to = rate, .duration_ns = warmup_ns});
  }
  for (const v1::Stage& stage : stages.stages()) {
    curve.push_back(
        {.from = stage.from(), .to = stage.to(), .duration_ns = ToNanos(stage.duration())});
  }
  return RateCurve(curve);
}

SendPlan MakeSendPlan(const v1::LoadTestSpec& spec, const v1::Assignment& assignment) {
  SendPlan::Limits limits;
  if (spec.requests_per_driver() > 0) limits.requests = spec.requests_per_driver();
  if (spec.has_duration()) limits.duration_ns = ToNanos(spec.duration());
  limits.warmup_ns = ToNanos(spec.warmup());
  SendPlan::Pace pace = Schedule::EveryDelay(1);
  Slot slot(assignment.slot(), assignment.slots());
  switch (spec.load_case()) {
    case v1::LoadTestSpec::kTsunami:
      pace = Schedule::EveryDelay(ToNanos(spec.tsunami().delay()));
      slot = Slot();
      break;
    case v1::LoadTestSpec::kRate:
      pace = Schedule::AtRate(std::llround(spec.rate().requests_per_second() * 1e9));
      break;
    case v1::LoadTestSpec::kStages:
      pace = MakeRateCurve(spec.stages(), limits.warmup_ns);
      break;
    case v1::LoadTestSpec::kAvalanche:
    case v1::LoadTestSpec::LOAD_NOT_SET:
      return SendPlan::ClosedLoop(limits);
  }
  if (spec.arrivals() == v1::LoadTestSpec::POISSON) {
    return SendPlan::OpenLoop(std::move(pace), slot, limits,
                              {.seed = spec.arrival_seed(), .stream = assignment.slot()});
  }
  return SendPlan::OpenLoop(std::move(pace), slot, limits);
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

}  // namespace loadtest
