#include "common/measure/measurements.h"

#include <cctype>
#include <limits>
#include <tuple>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {
namespace {

// More than any driver can count, and small enough that sums over 10^6 reports cannot overflow.
constexpr int64_t kLargestCount = int64_t{1} << 43;
// The same for nanoseconds and bytes of one interval.
constexpr int64_t kLargestAmount = int64_t{1} << 53;

// `of` is what the field is in, with its dot.
absl::Status CheckAmount(std::string_view field, int64_t value, int64_t largest,
                         std::string_view of = "") {
  if (value >= 0 && value <= largest) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("%s%s: got %d, want 0 to %d", of, field, value, largest));
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

absl::Status CheckCounts(std::string_view of, const v1::RequestCounts& c) {
  for (const auto& [field, value] : {std::pair<std::string_view, int64_t>{"due", c.due()},
                                     {"sent", c.sent()},
                                     {"completed", c.completed()},
                                     {"failed", c.failed()},
                                     {"dropped", c.dropped()},
                                     {"abandoned", c.abandoned()},
                                     {"http_errors", c.http_errors()},
                                     {"in_flight", c.in_flight()},
                                     {"waiting", c.waiting()},
                                     {"drain_completed", c.drain_completed()},
                                     {"drain_failed", c.drain_failed()}}) {
    RETURN_IF_ERROR(CheckAmount(field, value, kLargestCount, of));
  }
  for (const auto& [field, part, whole] :
       {std::tuple{"abandoned", c.abandoned(), c.failed()},
        std::tuple{"drain_completed", c.drain_completed(), c.completed()},
        std::tuple{"drain_failed", c.drain_failed(), c.failed()}}) {
    if (part <= whole) continue;
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s%s: got %d, want at most %d, of which it is a part", of, field, part, whole));
  }
  return absl::OkStatus();
}

using HistogramsOfDelta = std::array<const v1::Histogram*, 3 + kPhases>;

HistogramsOfDelta HistogramsOf(const v1::Measurements& m) {
  return {&m.response_time(), &m.service_time(), &m.send_delay(),     &m.resolve_time(),
          &m.connect_time(),  &m.tls_time(),     &m.first_byte_time()};
}

bool Fits(const v1::Histogram& part, int64_t sum_ns) {
  return part.sum_ns() <= std::numeric_limits<int64_t>::max() - sum_ns;
}

// Adds all but the gauges.
void AddCounts(const v1::RequestCounts& c, v1::RequestCounts& sum) {
  sum.set_due(sum.due() + c.due());
  sum.set_sent(sum.sent() + c.sent());
  sum.set_completed(sum.completed() + c.completed());
  sum.set_failed(sum.failed() + c.failed());
  sum.set_dropped(sum.dropped() + c.dropped());
  sum.set_abandoned(sum.abandoned() + c.abandoned());
  sum.set_http_errors(sum.http_errors() + c.http_errors());
  sum.set_drain_completed(sum.drain_completed() + c.drain_completed());
  sum.set_drain_failed(sum.drain_failed() + c.drain_failed());
}

}  // namespace

absl::Status CheckMeasurements(const v1::Measurements& m) {
  const v1::RequestCounts& c = m.counts();
  RETURN_IF_ERROR(CheckCounts("counts.", c));
  RETURN_IF_ERROR(CheckCounts("warmup.", m.warmup()));
  for (const auto& [field, value] : {std::pair<std::string_view, int64_t>{"connects", m.connects()},
                                     {"connect_failures", m.connect_failures()},
                                     {"tls_resumed", m.tls_resumed()}}) {
    RETURN_IF_ERROR(CheckAmount(field, value, kLargestCount));
  }
  for (const auto& [field, value] :
       {std::pair<std::string_view, int64_t>{"bytes_sent", m.bytes_sent()},
        {"bytes_received", m.bytes_received()},
        {"cpu_ns", m.cpu_ns()},
        {"loop_cpu_ns", m.loop_cpu_ns()},
        {"loop_wait_ns", m.loop_wait_ns()},
        {"measured_ns", m.measured_ns()}}) {
    RETURN_IF_ERROR(CheckAmount(field, value, kLargestAmount));
  }
  RETURN_IF_ERROR(CheckHistogram("response_time", m.response_time()));
  RETURN_IF_ERROR(CheckHistogram("service_time", m.service_time()));
  RETURN_IF_ERROR(CheckHistogram("send_delay", m.send_delay()));
  RETURN_IF_ERROR(CheckHistogram("resolve_time", m.resolve_time()));
  RETURN_IF_ERROR(CheckHistogram("connect_time", m.connect_time()));
  RETURN_IF_ERROR(CheckHistogram("tls_time", m.tls_time()));
  RETURN_IF_ERROR(CheckHistogram("first_byte_time", m.first_byte_time()));

  int64_t by_status = 0;
  int64_t http_errors = 0;
  for (const auto& [code, count] : m.status_codes()) {
    if (code < 100 || code > 999) {
      return absl::InvalidArgumentError(
          absl::StrFormat("status_codes: got code %d, want 100 to 999", code));
    }
    if (count < 0 || count > kLargestCount)
      return CheckAmount(absl::StrFormat("status_codes[%d]", code), count, kLargestCount);
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
  if (m.first_byte_time().count() != 0) {
    RETURN_IF_ERROR(CheckEqual("first_byte_time.count", m.first_byte_time().count(),
                               "counts.completed", c.completed()));
  }
  if (m.connect_time().count() != 0) {
    RETURN_IF_ERROR(
        CheckEqual("connect_time.count", m.connect_time().count(), "connects", m.connects()));
  }
  RETURN_IF_ERROR(CheckAmount("tls_time.count", m.tls_time().count(), m.connects()));
  RETURN_IF_ERROR(CheckAmount("tls_resumed", m.tls_resumed(), m.connects()));
  RETURN_IF_ERROR(CheckEqual("send_delay.count", m.send_delay().count(), "counts.sent", c.sent()));
  RETURN_IF_ERROR(CheckEqual("status_codes", by_status, "counts.completed", c.completed()));
  RETURN_IF_ERROR(CheckEqual("counts.http_errors", c.http_errors(), "status_codes", http_errors));
  return CheckEqual("errors", by_kind, "counts.failed + counts.dropped", c.failed() + c.dropped());
}

MeasurementSum MeasurementSum::Packed() {
  MeasurementSum sum;
  sum.response_time_ = Histogram::Packed();
  sum.service_time_ = Histogram::Packed();
  sum.send_delay_ = Histogram::Packed();
  sum.phases_.fill(Histogram::Packed());
  return sum;
}

absl::Status MeasurementSum::Add(const v1::Measurements& delta) {
  RETURN_IF_ERROR(CheckMeasurements(delta));
  return AddChecked(delta);
}

absl::Status MeasurementSum::AddChecked(const v1::Measurements& delta) {
  const HistogramsOfDelta parts = HistogramsOf(delta);
  const std::array<Histogram*, parts.size()> sums = {
      &response_time_,
      &service_time_,
      &send_delay_,
      &MutablePhase(Phase::kResolve),
      &MutablePhase(Phase::kConnect),
      &MutablePhase(Phase::kTls),
      &MutablePhase(Phase::kFirstByte)};
  for (size_t i = 0; i < parts.size(); ++i) {
    // Asked of all before the first is merged, so that none fails half way. Counts cannot overflow
    // before this does: they are at most kLargestCount a delta.
    if (!Fits(*parts[i], sums[i]->sum()))
      return absl::InvalidArgumentError("sum_ns: the merged sum does not fit into 63 bits");
  }
  for (size_t i = 0; i < parts.size(); ++i) sums[i]->MergeCheckedProto(*parts[i]);
  AddCounts(delta.counts(), counts_);
  AddCounts(delta.warmup(), warmup_);
  for (const auto& [code, count] : delta.status_codes()) status_codes_[code] += count;
  for (const v1::ErrorCount& error : delta.errors()) AddError(error);
  bytes_sent_ += delta.bytes_sent();
  bytes_received_ += delta.bytes_received();
  connects_ += delta.connects();
  connect_failures_ += delta.connect_failures();
  tls_resumed_ += delta.tls_resumed();
  cpu_ns_ += delta.cpu_ns();
  loop_cpu_ns_ += delta.loop_cpu_ns();
  loop_wait_ns_ += delta.loop_wait_ns();
  measured_ns_ += delta.measured_ns();
  return absl::OkStatus();
}

void MeasurementSum::Merge(const MeasurementSum& other) {
  response_time_.Merge(other.response_time_);
  service_time_.Merge(other.service_time_);
  send_delay_.Merge(other.send_delay_);
  for (size_t i = 0; i < phases_.size(); ++i) phases_[i].Merge(other.phases_[i]);
  AddCounts(other.counts_, counts_);
  AddCounts(other.warmup_, warmup_);
  for (const auto& [code, count] : other.status_codes_) status_codes_[code] += count;
  for (const auto& [kind, error] : other.errors_) AddError(error);
  bytes_sent_ += other.bytes_sent_;
  bytes_received_ += other.bytes_received_;
  connects_ += other.connects_;
  connect_failures_ += other.connect_failures_;
  tls_resumed_ += other.tls_resumed_;
  cpu_ns_ += other.cpu_ns_;
  loop_cpu_ns_ += other.loop_cpu_ns_;
  loop_wait_ns_ += other.loop_wait_ns_;
  measured_ns_ += other.measured_ns_;
}

void MeasurementSum::AddError(const v1::ErrorCount& error) {
  v1::ErrorCount& mine = errors_[error.kind()];
  mine.set_kind(error.kind());
  mine.set_count(mine.count() + error.count());
  if (mine.example().empty()) mine.set_example(error.example());
}

bool TimeSums::Add(const v1::Measurements& delta) {
  const HistogramsOfDelta parts = HistogramsOf(delta);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!Fits(*parts[i], sums_[i])) return false;
  }
  for (size_t i = 0; i < parts.size(); ++i) sums_[i] += parts[i]->sum_ns();
  return true;
}

void MeasurementSum::SetGauges(int64_t in_flight, int64_t waiting) {
  counts_.set_in_flight(in_flight);
  counts_.set_waiting(waiting);
}

void MeasurementSum::SetWarmupGauges(int64_t in_flight, int64_t waiting) {
  warmup_.set_in_flight(in_flight);
  warmup_.set_waiting(waiting);
}

v1::Measurements MeasurementSum::ToProto() const {
  v1::Measurements out;
  *out.mutable_counts() = counts_;
  if (HasAny(warmup_)) *out.mutable_warmup() = warmup_;
  const std::pair<Phase, v1::Histogram* (v1::Measurements::*)()> phases[] = {
      {Phase::kResolve, &v1::Measurements::mutable_resolve_time},
      {Phase::kConnect, &v1::Measurements::mutable_connect_time},
      {Phase::kTls, &v1::Measurements::mutable_tls_time},
      {Phase::kFirstByte, &v1::Measurements::mutable_first_byte_time}};
  for (const auto& [which, field] : phases) {
    if (phase(which).count() > 0) phase(which).ToProto(*(out.*field)());
  }
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
  out.set_loop_wait_ns(loop_wait_ns_);
  out.set_tls_resumed(tls_resumed_);
  out.set_measured_ns(measured_ns_);
  return out;
}

bool HasAny(const v1::RequestCounts& counts) {
  return counts.due() > 0 || counts.sent() > 0 || counts.completed() > 0 || counts.failed() > 0 ||
         counts.dropped() > 0 || counts.in_flight() > 0 || counts.waiting() > 0;
}

std::string ErrorKindName(v1::ErrorKind kind) {
  if (kind == v1::TLS_FAILED) return "TLS failed";
  if (kind == v1::HTTP2_NOT_OFFERED) return "HTTP/2 not offered";
  if (kind == v1::HTTP2_ERROR) return "HTTP/2 error";
  std::string name = v1::ErrorKind_Name(kind);
  for (char& c : name) c = c == '_' ? ' ' : static_cast<char>(std::tolower(c));
  return name;
}

}  // namespace loadtest
