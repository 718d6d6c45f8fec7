#include "common/measure/measurements.h"

#include <cctype>
#include <limits>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

// More than any driver can count, and small enough that sums over 10^6 reports cannot overflow.
constexpr int64_t kLargestCount = int64_t{1} << 43;
// The same for nanoseconds and bytes of one interval.
constexpr int64_t kLargestAmount = int64_t{1} << 53;

absl::Status CheckAmount(std::string_view field, int64_t value, int64_t largest) {
  if (value >= 0 && value <= largest) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: got %d, want 0 to %d", field, value, largest));
}

absl::Status CheckEqual(std::string_view what, int64_t got, std::string_view other, int64_t want) {
  if (got == want) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: got %d, want %d as %s has", what, got, want, other));
}

absl::Status CheckHistogram(std::string_view field, const v1::Histogram& h) {
  const absl::Status status = Histogram::CheckProto(h);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrFormat("%s.%s", field, std::string(status.message())));
}

}  // namespace

absl::Status CheckMeasurements(const v1::Measurements& m) {
  const v1::RequestCounts& c = m.counts();
  for (const auto& [field, value] : {std::pair<std::string_view, int64_t>{"counts.due", c.due()},
                                     {"counts.sent", c.sent()},
                                     {"counts.completed", c.completed()},
                                     {"counts.failed", c.failed()},
                                     {"counts.dropped", c.dropped()},
                                     {"counts.abandoned", c.abandoned()},
                                     {"counts.http_errors", c.http_errors()},
                                     {"counts.in_flight", c.in_flight()},
                                     {"counts.waiting", c.waiting()},
                                     {"connects", m.connects()},
                                     {"connect_failures", m.connect_failures()}}) {
    RETURN_IF_ERROR(CheckAmount(field, value, kLargestCount));
  }
  for (const auto& [field, value] :
       {std::pair<std::string_view, int64_t>{"bytes_sent", m.bytes_sent()},
        {"bytes_received", m.bytes_received()},
        {"cpu_ns", m.cpu_ns()},
        {"loop_cpu_ns", m.loop_cpu_ns()},
        {"measured_ns", m.measured_ns()}}) {
    RETURN_IF_ERROR(CheckAmount(field, value, kLargestAmount));
  }
  RETURN_IF_ERROR(CheckHistogram("response_time", m.response_time()));
  RETURN_IF_ERROR(CheckHistogram("service_time", m.service_time()));
  RETURN_IF_ERROR(CheckHistogram("send_delay", m.send_delay()));

  int64_t by_status = 0;
  int64_t http_errors = 0;
  for (const auto& [code, count] : m.status_codes()) {
    if (code < 100 || code > 999) {
      return absl::InvalidArgumentError(
          absl::StrFormat("status_codes: got code %d, want 100 to 999", code));
    }
    RETURN_IF_ERROR(CheckAmount(absl::StrFormat("status_codes[%d]", code), count, kLargestCount));
    by_status += count;
    if (code >= 400) http_errors += count;
  }
  int64_t by_kind = 0;
  for (const v1::ErrorCount& error : m.errors()) {
    if (!v1::ErrorKind_IsValid(error.kind()) || error.kind() == v1::ERROR_KIND_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          absl::StrFormat("errors.kind: got %d, want a kind of ErrorKind", error.kind()));
    }
    RETURN_IF_ERROR(CheckAmount("errors.count", error.count(), kLargestCount));
    by_kind += error.count();
  }
  RETURN_IF_ERROR(CheckEqual("response_time.count", m.response_time().count(), "counts.completed",
                             c.completed()));
  RETURN_IF_ERROR(CheckEqual("service_time.count", m.service_time().count(), "counts.completed",
                             c.completed()));
  RETURN_IF_ERROR(CheckEqual("send_delay.count", m.send_delay().count(), "counts.sent", c.sent()));
  RETURN_IF_ERROR(CheckEqual("status_codes", by_status, "counts.completed", c.completed()));
  RETURN_IF_ERROR(CheckEqual("counts.http_errors", c.http_errors(), "status_codes", http_errors));
  return CheckEqual("errors", by_kind, "counts.failed + counts.dropped", c.failed() + c.dropped());
}

absl::Status MeasurementSum::Add(const v1::Measurements& delta) {
  RETURN_IF_ERROR(CheckMeasurements(delta));
  for (const Histogram* h : {&response_time_, &service_time_, &send_delay_}) {
    // The three sums of one delta are each below 2^62 (CheckProto), so this keeps the merge from
    // failing half way.
    if (h->sum() > std::numeric_limits<int64_t>::max() / 2) {
      return absl::InvalidArgumentError("sum_ns: the merged sum does not fit into 63 bits");
    }
  }
  RETURN_IF_ERROR(response_time_.MergeProto(delta.response_time()));
  RETURN_IF_ERROR(service_time_.MergeProto(delta.service_time()));
  RETURN_IF_ERROR(send_delay_.MergeProto(delta.send_delay()));
  AddCounts(delta.counts());
  for (const auto& [code, count] : delta.status_codes()) status_codes_[code] += count;
  for (const v1::ErrorCount& error : delta.errors()) AddError(error);
  bytes_sent_ += delta.bytes_sent();
  bytes_received_ += delta.bytes_received();
  connects_ += delta.connects();
  connect_failures_ += delta.connect_failures();
  cpu_ns_ += delta.cpu_ns();
  loop_cpu_ns_ += delta.loop_cpu_ns();
  measured_ns_ += delta.measured_ns();
  return absl::OkStatus();
}

void MeasurementSum::Add(const MeasurementSum& other) {
  response_time_.Merge(other.response_time_);
  service_time_.Merge(other.service_time_);
  send_delay_.Merge(other.send_delay_);
  AddCounts(other.counts_);
  SetGauges(counts_.in_flight() + other.counts_.in_flight(),
            counts_.waiting() + other.counts_.waiting());
  for (const auto& [code, count] : other.status_codes_) status_codes_[code] += count;
  for (const auto& [kind, error] : other.errors_) AddError(error);
  bytes_sent_ += other.bytes_sent_;
  bytes_received_ += other.bytes_received_;
  connects_ += other.connects_;
  connect_failures_ += other.connect_failures_;
  cpu_ns_ += other.cpu_ns_;
  loop_cpu_ns_ += other.loop_cpu_ns_;
  measured_ns_ += other.measured_ns_;
}

void MeasurementSum::AddCounts(const v1::RequestCounts& c) {
  counts_.set_due(counts_.due() + c.due());
  counts_.set_sent(counts_.sent() + c.sent());
  counts_.set_completed(counts_.completed() + c.completed());
  counts_.set_failed(counts_.failed() + c.failed());
  counts_.set_dropped(counts_.dropped() + c.dropped());
  counts_.set_abandoned(counts_.abandoned() + c.abandoned());
  counts_.set_http_errors(counts_.http_errors() + c.http_errors());
}

void MeasurementSum::AddError(const v1::ErrorCount& error) {
  v1::ErrorCount& mine = errors_[error.kind()];
  mine.set_kind(error.kind());
  mine.set_count(mine.count() + error.count());
  if (mine.example().empty()) mine.set_example(error.example());
}

void MeasurementSum::SetGauges(int64_t in_flight, int64_t waiting) {
  counts_.set_in_flight(in_flight);
  counts_.set_waiting(waiting);
}

v1::Measurements MeasurementSum::ToProto() const {
  v1::Measurements out;
  *out.mutable_counts() = counts_;
  response_time_.ToProto(*out.mutable_response_time());
  service_time_.ToProto(*out.mutable_service_time());
  send_delay_.ToProto(*out.mutable_send_delay());
  for (const auto& [code, count] : status_codes_) (*out.mutable_status_codes())[code] = count;
  for (const auto& [kind, error] : errors_) *out.add_errors() = error;
  out.set_bytes_sent(bytes_sent_);
  out.set_bytes_received(bytes_received_);
  out.set_connects(connects_);
  out.set_connect_failures(connect_failures_);
  out.set_cpu_ns(cpu_ns_);
  out.set_loop_cpu_ns(loop_cpu_ns_);
  out.set_measured_ns(measured_ns_);
  return out;
}

std::string ErrorKindName(v1::ErrorKind kind) {
  std::string name = v1::ErrorKind_Name(kind);
  for (char& c : name) c = c == '_' ? ' ' : static_cast<char>(std::tolower(c));
  return name;
}

}  // namespace loadtest
