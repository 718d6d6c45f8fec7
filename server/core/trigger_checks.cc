// What must hold of a decision that is read back.
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/base/time.h"
#include "common/spec/body_parts.h"
#include "common/spec/load_test_spec.h"
#include "server/core/record_checks.h"

namespace loadtest {
namespace {

// A hundred years in nanoseconds.
constexpr int64_t kLargestTimeNs = int64_t{3'155'760'000} * kNanosPerSecond;
constexpr int64_t kLargestStride = int64_t{1} << 40;

absl::Status CheckStarted(const v1::Started& started) {
  RETURN_IF_ERROR(ValidateSpec(started.spec(), BodyIn::kParts).status());
  RETURN_IF_ERROR(CheckTime("started.start_time_ns", started.start_time_ns()));
  RETURN_IF_ERROR(CheckTime("started.lease_ns", started.lease_ns()));
  if (started.metrics_interval_ns() < kNanosPerMilli) {
    return Wrong("started.metrics_interval_ns", started.metrics_interval_ns(), "1 ms or more");
  }
  if (started.assignments().empty()) return Wrong("started.assignments", 0, "one or more");
  for (const v1::Assignment& a : started.assignments()) {
    RETURN_IF_ERROR(CheckDriverId(a.driver_id(), "started.assignments.driver_id"));
    if (a.slots() != started.assignments_size() || a.slot() < 0 || a.slot() >= a.slots()) {
      return Wrong("started.assignments.slot", a.slot(),
                   "0 <= slot < slots = number of assignments");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckShare(const v1::Share& share) {
  if (share.stride() < 1 || share.stride() > kLargestStride)
    return Wrong("adjusted.shares.stride", share.stride(), "1 to 2^40");
  if (share.first() < 0 || share.first() >= share.stride())
    return Wrong("adjusted.shares.first", share.first(), "0 <= first < stride");
  RETURN_IF_ERROR(CheckTime("adjusted.shares.from_offset_ns", share.from_offset_ns()));
  return CheckTime("adjusted.shares.until_offset_ns", share.until_offset_ns());
}

absl::Status CheckAdjusted(const v1::Adjusted& adjusted) {
  for (const v1::DriverShares& entry : adjusted.shares()) {
    RETURN_IF_ERROR(CheckDriverId(entry.driver_id(), "adjusted.shares.driver_id"));
    for (const v1::Share& share : entry.shares()) RETURN_IF_ERROR(CheckShare(share));
  }
  if (adjusted.joined_size() == 0) return absl::OkStatus();
  RETURN_IF_ERROR(CheckStarted(adjusted.started()));
  const int slots = adjusted.started().assignments_size();
  for (const v1::Assignment& a : adjusted.joined()) {
    RETURN_IF_ERROR(CheckDriverId(a.driver_id(), "adjusted.joined.driver_id"));
    if (a.slots() != slots || a.slot() < 0 || a.slot() >= slots) {
      return Wrong("adjusted.joined.slot", a.slot(), "a slot of the test as it was started");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAlive(const v1::OrchestratorAlive& alive) {
  if (alive.incarnation() <= 0) return Wrong("alive.incarnation", alive.incarnation(), "1 or more");
  if (!v1::OrchestratorAlive::Kind_IsValid(alive.kind()) ||
      alive.kind() == v1::OrchestratorAlive::KIND_UNSPECIFIED) {
    return Wrong("alive.kind", alive.kind(), "ALIVE, CLAIM, TAKEOVER or RETIRED");
  }
  return CheckTime("alive.send_time_ns", alive.send_time_ns());
}

}  // namespace

absl::Status Wrong(std::string_view field, int64_t got, std::string_view want) {
  return absl::InvalidArgumentError(absl::StrFormat("%s: got %d, want %s", field, got, want));
}

absl::Status CheckTime(std::string_view field, int64_t ns) {
  if (ns >= 0 && ns <= kLargestTimeNs) return absl::OkStatus();
  return Wrong(field, ns, "nanoseconds from 0 to 100 years");
}

absl::Status CheckTrigger(const v1::Trigger& m) {
  RETURN_IF_ERROR(CheckTime("decide_time_ns", m.decide_time_ns()));
  if (m.writer() < 0) return Wrong("writer", m.writer(), "0 or more");
  if (m.has_alive()) return CheckAlive(m.alive());
  RETURN_IF_ERROR(CheckLoadTestId(m.test_id(), "test_id"));
  switch (m.event_case()) {
    case v1::Trigger::EVENT_NOT_SET:
      return absl::InvalidArgumentError(
          "event: got none of the known ones, want created, started, adjusted, stop_ordered, "
          "finished, deleted or alive");
    case v1::Trigger::kBodyPart:
      return CheckBodyPart(m.body_part());
    case v1::Trigger::kCreated:
      return ValidateSpec(m.created().spec(), BodyIn::kParts).status();
    case v1::Trigger::kStarted:
      return CheckStarted(m.started());
    case v1::Trigger::kAdjusted:
      return CheckAdjusted(m.adjusted());
    case v1::Trigger::kFinished:
      switch (m.finished().state()) {
        case v1::LoadTest::SUCCEEDED:
        case v1::LoadTest::STOPPED:
        case v1::LoadTest::FAILED:
          return absl::OkStatus();
        default:
          return Wrong("finished.state", m.finished().state(), "SUCCEEDED, STOPPED or FAILED");
      }
    case v1::Trigger::kAlive:
    case v1::Trigger::kNoted:
    case v1::Trigger::kStopOrdered:
    case v1::Trigger::kDeleted:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace loadtest
