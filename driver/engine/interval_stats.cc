#include "driver/engine/interval_stats.h"

namespace loadtest {
namespace {

// One example a kind and interval: enough to understand, small enough for a Kafka record.
constexpr size_t kMaxExampleBytes = 300;

void FillCounts(const IntervalStats::Counts& from, v1::RequestCounts& counts) {
  counts.set_due(from.due);
  counts.set_sent(from.sent);
  counts.set_completed(from.completed);
  counts.set_failed(from.failed);
  counts.set_dropped(from.dropped);
  counts.set_abandoned(from.abandoned);
  counts.set_http_errors(from.http_errors);
  counts.set_in_flight(from.in_flight);
  counts.set_waiting(from.waiting);
  counts.set_drain_completed(from.drain_completed);
  counts.set_drain_failed(from.drain_failed);
}

}  // namespace

void IntervalStats::Clear() {
  counts_.fill(Counts());
  response_time_.Clear();
  service_time_.Clear();
  send_delay_.Clear();
  first_byte_time_.Clear();
  resolve_time_.Clear();
  connect_time_.Clear();
  tls_time_.Clear();
  status_codes_.fill(0);
  for (ErrorTally& tally : errors_) {
    tally.count = 0;
    tally.example.clear();
  }
  start_offset_ns = end_offset_ns = 0;
  bytes_sent = bytes_received = 0;
  connects = connect_failures = tls_resumed = 0;
  cpu_ns = loop_cpu_ns = loop_wait_ns = 0;
  has_sent = final = false;
  first_send_offset_ns = last_send_offset_ns = 0;
  end_reason = v1::MetricsReport::END_REASON_UNSPECIFIED;
  error.clear();
}

void IntervalStats::ToReport(v1::MetricsReport& report) const {
  report.set_start_offset_ns(start_offset_ns);
  report.set_end_offset_ns(end_offset_ns);
  report.set_has_sent(has_sent);
  report.set_first_send_offset_ns(first_send_offset_ns);
  if (final) {
    report.set_final(true);
    report.set_end_reason(end_reason);
    report.set_error(error);
    report.set_last_send_offset_ns(last_send_offset_ns);
  }

  v1::Measurements& out = *report.mutable_measurements();
  FillCounts(counts_[kMeasured], *out.mutable_counts());
  const Counts& warmup = counts_[kWarmup];
  if (warmup.due > 0 || warmup.sent > 0 || warmup.completed > 0 || warmup.failed > 0 ||
      warmup.dropped > 0 || warmup.in_flight > 0 || warmup.waiting > 0) {
    FillCounts(warmup, *out.mutable_warmup());
  }
  response_time_.ToProto(*out.mutable_response_time());
  service_time_.ToProto(*out.mutable_service_time());
  send_delay_.ToProto(*out.mutable_send_delay());
  if (first_byte_time_.count() > 0) first_byte_time_.ToProto(*out.mutable_first_byte_time());
  if (resolve_time_.count() > 0) resolve_time_.ToProto(*out.mutable_resolve_time());
  if (connect_time_.count() > 0) connect_time_.ToProto(*out.mutable_connect_time());
  if (tls_time_.count() > 0) tls_time_.ToProto(*out.mutable_tls_time());
  for (size_t status = 0; status < status_codes_.size(); ++status) {
    if (status_codes_[status] > 0) {
      (*out.mutable_status_codes())[static_cast<int32_t>(status)] = status_codes_[status];
    }
  }
  for (size_t kind = 0; kind < errors_.size(); ++kind) {
    if (errors_[kind].count == 0) continue;
    v1::ErrorCount& error_count = *out.add_errors();
    error_count.set_kind(static_cast<v1::ErrorKind>(kind));
    error_count.set_count(errors_[kind].count);
    error_count.set_example(errors_[kind].example.substr(0, kMaxExampleBytes));
  }
  out.set_bytes_sent(bytes_sent);
  out.set_bytes_received(bytes_received);
  out.set_connects(connects);
  out.set_connect_failures(connect_failures);
  out.set_cpu_ns(cpu_ns);
  out.set_loop_cpu_ns(loop_cpu_ns);
  out.set_loop_wait_ns(loop_wait_ns);
  out.set_tls_resumed(tls_resumed);
  out.set_measured_ns(end_offset_ns - start_offset_ns);
}

}  // namespace loadtest
