#include "server/core/report_slice.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"
#include "server/core/threshold_judge.h"

namespace loadtest {
namespace {

constexpr int64_t kLatestOffsetNs = int64_t{400} * 24 * 3'600 * 1'000'000'000;

absl::StatusOr<int64_t> Offset(std::string_view field, const google::protobuf::Duration& value) {
  const bool whole = value.seconds() >= 0 && value.seconds() <= kLatestOffsetNs / 1'000'000'000 &&
                     value.nanos() >= 0 && value.nanos() < 1'000'000'000;
  if (whole) return ToNanos(value);
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: got %ds, want 0s to 400d after the start", field, value.seconds()));
}

double PerSecond(int64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

double Cores(int64_t cpu_ns, int64_t measured_ns) {
  return measured_ns > 0 ? static_cast<double>(cpu_ns) / static_cast<double>(measured_ns) : 0;
}

// The spec as `some` of `all` drivers have it: a fleet's rate is shared.
v1::LoadTestSpec ShareOf(v1::LoadTestSpec spec, size_t some, int all) {
  const double share = static_cast<double>(some) / all;
  if (spec.has_rate()) {
    spec.mutable_rate()->set_requests_per_second(spec.rate().requests_per_second() * share);
  }
  if (spec.has_stages()) {
    for (v1::Stage& stage : *spec.mutable_stages()->mutable_stages()) {
      stage.set_from(stage.from() * share);
      stage.set_to(stage.to() * share);
    }
  }
  return spec;
}

}  // namespace

absl::StatusOr<SliceRequest> ParseSlice(const v1::GetReportRequest& request) {
  SliceRequest out;
  ASSIGN_OR_RETURN(out.from_ns, Offset("from", request.from()));
  ASSIGN_OR_RETURN(out.to_ns, Offset("to", request.to()));
  if (request.has_to() && out.to_ns <= out.from_ns) {
    return absl::InvalidArgumentError(absl::StrFormat("to: got %s, want more than from (%s)",
                                                      FormatDuration(out.to_ns),
                                                      FormatDuration(out.from_ns)));
  }
  for (const std::string& id : request.exclude_drivers()) {
    RETURN_IF_ERROR(CheckDriverId(id, "exclude_drivers"));
    out.excluded.insert(id);
  }
  ASSIGN_OR_RETURN(out.thresholds, ParseThresholds(request.thresholds(), "thresholds"));
  out.own_thresholds = request.thresholds().empty();
  return out;
}

absl::StatusOr<SlicedReport> SlicedReport::Create(SliceRequest request, v1::Report whole,
                                                  int64_t interval_ns) {
  std::vector<std::string> ids;
  for (const v1::DriverResult& driver : whole.drivers())
    ids.push_back(driver.assignment().driver_id());
  for (const std::string& id : request.excluded) {
    if (std::find(ids.begin(), ids.end(), id) != ids.end()) continue;
    if (ids.size() > 10) ids.resize(10);
    return absl::InvalidArgumentError(
        absl::StrFormat("exclude_drivers: got \"%s\", want a driver of the test: %s", id,
                        absl::StrJoin(ids, ", ")));
  }
  if (!ids.empty() && request.excluded.size() >= ids.size()) {
    return absl::InvalidArgumentError(
        "exclude_drivers: got every driver of the test, want one to be left");
  }
  if (request.own_thresholds) {
    ASSIGN_OR_RETURN(request.thresholds,
                     ParseThresholds(whole.load_test().spec().thresholds(), "spec.thresholds"));
  }
  SlicedReport sliced(std::move(request), std::move(whole), interval_ns);
  for (const v1::DriverResult& driver : sliced.report_.drivers()) {
    const v1::Assignment& a = driver.assignment();
    if (!sliced.request_.excluded.contains(a.driver_id()))
      sliced.drivers_[{a.driver_id(), a.incarnation()}];
  }
  return sliced;
}

void SlicedReport::Add(const v1::MetricsReport& report) {
  // Excluded, or not part of the test in that life.
  const auto it = drivers_.find({report.driver_id(), report.incarnation()});
  if (it == drivers_.end()) return;
  Driver& driver = it->second;
  if (report.final()) driver.end_reason = report.end_reason();
  // A whole interval lies within [from, to). One that was merged from several, or cut short at the
  // end, is taken for where it ends, as in the report of the whole.
  const int64_t index = std::max<int64_t>(0, (report.end_offset_ns() - 1) / interval_ns_);
  const int64_t start_ns = std::min(report.start_offset_ns(), index * interval_ns_);
  if (start_ns < request_.from_ns) return;
  if (request_.to_ns > 0 && report.end_offset_ns() > request_.to_ns) return;
  if (!driver.seen.insert(report.sequence()).second) return;
  if (!driver.sum.Add(report.measurements()).ok() || !totals_.Add(report.measurements()).ok())
    return;
  driver.end_ns = std::max(driver.end_ns, report.end_offset_ns());
  Interval& interval = intervals_[index];
  interval.sum.Add(report.measurements()).IgnoreError();  // it fitted into the totals
  interval.drivers.insert(report.driver_id());
  interval.end_ns = std::max(interval.end_ns, report.end_offset_ns());
}

absl::StatusOr<v1::Report> SlicedReport::Take() {
  if (intervals_.empty()) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "from, to: got %s to %s, want at least one whole interval of the test; they are %s long",
        FormatDuration(request_.from_ns),
        request_.to_ns > 0 ? FormatDuration(request_.to_ns) : "the end",
        FormatDuration(interval_ns_)));
  }
  FillTotals();
  FillDrivers();
  FillIntervals();
  Judge();
  return std::move(report_);
}

void SlicedReport::FillTotals() {
  const double seconds = SendingSeconds();
  report_.set_sending_seconds(seconds);
  *report_.mutable_totals() = totals_.ToProto();
  *report_.mutable_response_time() = totals_.response_time().Summary();
  *report_.mutable_service_time() = totals_.service_time().Summary();
  *report_.mutable_send_delay() = totals_.send_delay().Summary();
  report_.set_completed_per_second(PerSecond(totals_.counts().completed(), seconds));
  report_.set_sent_per_second(PerSecond(totals_.counts().sent(), seconds));
  v1::PhaseSummaries& phases = *report_.mutable_phases();
  *phases.mutable_resolve() = totals_.phase(Phase::kResolve).Summary();
  *phases.mutable_connect() = totals_.phase(Phase::kConnect).Summary();
  *phases.mutable_tls() = totals_.phase(Phase::kTls).Summary();
  *phases.mutable_first_byte() = totals_.phase(Phase::kFirstByte).Summary();
  if (request_.IsWhole()) return;
  report_.clear_unknown_requests();
  v1::ReportSlice& slice = *report_.mutable_slice();
  slice.set_from_offset_ns(request_.from_ns);
  slice.set_to_offset_ns(request_.to_ns);
  for (const std::string& id : request_.excluded) slice.add_excluded_drivers(id);
}

void SlicedReport::FillDrivers() {
  google::protobuf::RepeatedPtrField<v1::DriverResult> all;
  all.Swap(report_.mutable_drivers());
  for (v1::DriverResult& result : all) {
    const auto it =
        drivers_.find({result.assignment().driver_id(), result.assignment().incarnation()});
    if (it == drivers_.end()) continue;
    const Driver& driver = it->second;
    *result.mutable_counts() = driver.sum.counts();
    *result.mutable_response_time() = driver.sum.response_time().Summary();
    *result.mutable_service_time() = driver.sum.service_time().Summary();
    *result.mutable_send_delay() = driver.sum.send_delay().Summary();
    result.set_cpu_cores(Cores(driver.sum.cpu_ns(), driver.sum.measured_ns()));
    result.set_loop_cpu_cores(Cores(driver.sum.loop_cpu_ns(), driver.sum.measured_ns()));
    result.set_loop_wait_cores(Cores(driver.sum.loop_wait_ns(), driver.sum.measured_ns()));
    result.set_intervals_received(static_cast<int64_t>(driver.seen.size()));
    result.set_intervals_missing(driver.missing());
    if (!request_.IsWhole()) {
      // These are known of the whole test only.
      result.clear_unknown_requests();
      result.clear_unknown_from_offset_ns();
      result.clear_unknown_to_offset_ns();
      result.clear_took_over_requests();
    }
    *report_.add_drivers() = std::move(result);
  }
}

void SlicedReport::FillIntervals() {
  std::map<int64_t, v1::IntervalResult> known;
  for (const v1::IntervalResult& interval : report_.intervals())
    known[interval.start_offset_ns()] = interval;
  report_.clear_intervals();
  for (const auto& [index, interval] : intervals_) {
    v1::IntervalResult& out = *report_.add_intervals();
    out.set_start_offset_ns(index * interval_ns_);
    out.set_end_offset_ns(std::max(interval.end_ns, index * interval_ns_));
    *out.mutable_counts() = interval.sum.counts();
    // Gauges of the fleet, as they were; of a part of it they are not known.
    if (const auto it = known.find(out.start_offset_ns());
        it != known.end() && request_.excluded.empty()) {
      out.mutable_counts()->set_in_flight(it->second.counts().in_flight());
      out.mutable_counts()->set_waiting(it->second.counts().waiting());
    }
    *out.mutable_response_time() = interval.sum.response_time().Summary();
    *out.mutable_service_time() = interval.sum.service_time().Summary();
    *out.mutable_send_delay() = interval.sum.send_delay().Summary();
    if (HasAny(interval.sum.warmup())) *out.mutable_warmup() = interval.sum.warmup();
    out.set_drivers(static_cast<int32_t>(interval.drivers.size()));
    for (const auto& [kind, error] : interval.sum.errors()) {
      v1::ErrorCount& count = *out.add_errors();
      count.set_kind(error.kind());
      count.set_count(error.count());
    }
    out.set_bytes_sent(interval.sum.bytes_sent());
    out.set_bytes_received(interval.sum.bytes_received());
  }
}

void SlicedReport::Judge() {
  const v1::LoadTestSpec& spec = report_.load_test().spec();
  const int drivers = std::max(1, report_.load_test().assignments_size());
  ThresholdJudge judge(
      request_.thresholds,
      {.spec = spec, .drivers = drivers, .interval_ns = interval_ns_, .from_ns = request_.from_ns});
  for (const auto& [index, interval] : intervals_)
    judge.OnInterval(index, interval.sum, interval.end_ns);
  report_.clear_thresholds();
  for (v1::ThresholdResult& result : judge.Results(totals_, report_.sending_seconds()))
    *report_.add_thresholds() = std::move(result);
  if (request_.IsWhole()) return;  // the verdict stands
  std::vector<DriverEvidence> evidence;
  for (const v1::DriverResult& result : report_.drivers()) {
    const Driver& driver =
        drivers_[{result.assignment().driver_id(), result.assignment().incarnation()}];
    DriverEvidence& e = evidence.emplace_back();
    e.driver_id = result.assignment().driver_id();
    e.sum = &driver.sum;
    e.intervals_missing = driver.missing();
    // What happened to it after the slice is not the slice's matter.
    const bool is_cut = driver.end_ns < intervals_.rbegin()->second.end_ns;
    e.lost = is_cut && result.lost();
    e.ended_early = is_cut && (driver.end_reason == v1::MetricsReport::DRIVER_STOPPED ||
                               driver.end_reason == v1::MetricsReport::DRIVER_FAILED);
  }
  const bool stopped = report_.load_test().state() == v1::LoadTest::STOPPED;
  *report_.mutable_verdict() =
      loadtest::Judge(ShareOf(spec, evidence.size(), drivers), evidence, stopped);
}

double SlicedReport::SendingSeconds() const {
  if (request_.IsWhole()) return report_.sending_seconds();
  // The test sent from the end of its warm-up on, for as long as its report says.
  const int64_t warmup_ns = ToNanos(report_.load_test().spec().warmup());
  const int64_t sent_to_ns =
      warmup_ns + static_cast<int64_t>(report_.sending_seconds() * 1e9 + 0.5);
  const int64_t first_ns = intervals_.begin()->first * interval_ns_;
  const int64_t last_ns = (intervals_.rbegin()->first + 1) * interval_ns_;
  const int64_t from_ns = std::max(warmup_ns, first_ns);
  const int64_t to_ns = std::min(sent_to_ns, last_ns);
  return to_ns > from_ns ? static_cast<double>(to_ns - from_ns) / 1e9 : 0;
}

v1::Report JudgeTotals(const std::vector<Threshold>& thresholds, v1::Report report) {
  MeasurementSum totals;
  totals.Add(report.totals()).IgnoreError();  // was checked in its parts
  report.clear_thresholds();
  const ThresholdJudge judge(thresholds, {.spec = report.load_test().spec(), .drivers = 1});
  for (v1::ThresholdResult& result : judge.Results(totals, report.sending_seconds()))
    *report.add_thresholds() = std::move(result);
  return report;
}

}  // namespace loadtest
