#include "server/core/report_merger.h"

#include <algorithm>
#include <limits>

#include "common/base/time.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

// Sequences skipped by one report that are remembered one by one. A jump beyond it is a driver that
// makes numbers up.
constexpr int64_t kLargestJump = 100'000;
// Closed intervals that late reports can still be merged into with their percentiles: some 20 KB
// each at a high rate.
constexpr size_t kAmendableIntervals = 300;
// How much later than its last possible end a test's reports may be: stalls, suspended machines.
constexpr int64_t kLatestAfterNs = 3'600 * kNanosPerSecond;

bool AddsUp(const v1::RequestCounts& c) {
  return c.due() == c.sent() + c.dropped() + c.waiting() &&
         c.sent() == c.completed() + c.failed() + c.in_flight();
}

ThresholdJudge JudgeOf(const v1::Started& started) {
  // They were checked when the test was created.
  absl::StatusOr<std::vector<Threshold>> thresholds =
      ParseThresholds(started.spec().thresholds(), "spec.thresholds");
  return ThresholdJudge(thresholds.ok() ? *std::move(thresholds) : std::vector<Threshold>(),
                        {.spec = started.spec(),
                         .drivers = started.assignments_size(),
                         .interval_ns = started.metrics_interval_ns()});
}

}  // namespace

ReportMerger::ReportMerger(const v1::Started& started)
    : spec_(started.spec()),
      interval_ns_(started.metrics_interval_ns()),
      slots_(started.assignments_size()),
      shares_(started),
      judge_(JudgeOf(started)) {
  const int64_t longest = LongestRunNs(spec_, slots_);
  latest_end_ns_ =
      longest < 0 || longest > kNeverNs - kLatestAfterNs ? kNeverNs : longest + kLatestAfterNs;
  for (const v1::Assignment& assignment : started.assignments()) PartOf(assignment);
}

ReportMerger::DriverPart& ReportMerger::PartOf(const v1::Assignment& assignment) {
  const auto [it, is_new] = drivers_.try_emplace(LifeOf(assignment));
  if (is_new) it->second.index = drivers_.size() - 1;
  it->second.assignment = assignment;
  return it->second;
}

ReportMerger::Added ReportMerger::Add(const v1::MetricsReport& report) {
  const auto it = drivers_.find(LifeOf(report));
  if (it == drivers_.end()) return Added::kUnknownDriver;
  if (report.end_offset_ns() > latest_end_ns_) return Added::kOutOfRange;
  DriverPart& part = it->second;
  const int64_t sequence = report.sequence();
  const bool newest = sequence > part.highest_sequence;
  if (!newest && !part.missing.contains(sequence)) return Added::kDuplicate;
  if (sequence - part.highest_sequence > kLargestJump) return Added::kOutOfRange;
  // Decoding has checked the measurements; what is left is a sum beyond 63 bits. What fits into the
  // totals fits into their parts.
  if (!totals_.Reserve(report.measurements())) return Added::kOutOfRange;
  totals_with_open_.reset();
  part.sum.AddChecked(report.measurements()).IgnoreError();
  part.missing.erase(sequence);
  for (int64_t skipped = part.highest_sequence + 1; skipped < sequence; ++skipped)
    part.missing.insert(skipped);
  ++part.reports;
  part.highest_sequence = std::max(part.highest_sequence, sequence);
  part.highest_end_ns = std::max(part.highest_end_ns, report.end_offset_ns());
  if (report.has_sent()) {
    part.has_sent = true;
    part.first_send_ns = report.first_send_offset_ns();
  }
  if (newest) SetGauges(part, report.measurements());
  if (report.final()) {
    part.finished = true;
    part.lost = false;
    part.last_send_ns = report.last_send_offset_ns();
    part.end_reason = report.end_reason();
    part.error = report.error();
  }
  // An interval [start, end) that was merged from several is shown where it ends. An end on a
  // boundary belongs to the interval before it.
  const int64_t index = std::max<int64_t>(0, (report.end_offset_ns() - 1) / interval_ns_);
  if (index >= closed_to_index_) {
    const auto [at, is_new] = open_.try_emplace(index);
    // There may be many of them at once.
    if (is_new && replaying_) at->second.sum = MeasurementSum::Packed();
    AddTo(at->second, part, report);
  } else {
    Amend(index, part, report);
  }
  CloseIntervals();
  return Added::kNew;
}

void ReportMerger::AddTo(Interval& interval, const DriverPart& part,
                         const v1::MetricsReport& report) {
  interval.sum.AddChecked(report.measurements()).IgnoreError();  // it fitted into the totals
  interval.end_ns = std::max(interval.end_ns, report.end_offset_ns());
  if (interval.gauges.size() <= part.index) interval.gauges.resize(drivers_.size());
  Gauges& gauges = interval.gauges[part.index];
  if (report.sequence() < gauges.sequence) return;
  const v1::RequestCounts& counts = report.measurements().counts();
  const v1::RequestCounts& warmup = report.measurements().warmup();
  gauges = {.sequence = report.sequence(),
            .in_flight = counts.in_flight(),
            .waiting = counts.waiting(),
            .warmup_in_flight = warmup.in_flight(),
            .warmup_waiting = warmup.waiting()};
}

void ReportMerger::Amend(int64_t index, const DriverPart& part, const v1::MetricsReport& report) {
  totals_.Add(report.measurements());
  judge_.OnLateReport(index, report.measurements(), report.end_offset_ns());
  const int64_t start_ns = index * interval_ns_;
  const auto kept = amendable_.find(index);
  if (kept == amendable_.end() && closed_.Contains(start_ns)) {
    // Too long ago for its percentiles; what is counted is counted all the same.
    v1::IntervalResult closed = closed_.Get(start_ns);
    MeasurementSum sum;
    v1::Measurements before;
    *before.mutable_counts() = closed.counts();
    *before.mutable_warmup() = closed.warmup();
    sum.AddChecked(before).IgnoreError();  // counts without their histograms
    v1::Measurements late;
    *late.mutable_counts() = report.measurements().counts();
    *late.mutable_warmup() = report.measurements().warmup();
    sum.AddChecked(late).IgnoreError();
    *closed.mutable_counts() = sum.counts();
    if (HasAny(sum.warmup())) *closed.mutable_warmup() = sum.warmup();
    closed_.Put(closed);
    return;
  }
  Interval interval;
  if (kept != amendable_.end()) {
    v1::Measurements measurements;
    measurements.ParseFromString(kept->second.measurements);
    interval.sum.Add(measurements).IgnoreError();
    interval.gauges = std::move(kept->second.gauges);
    interval.end_ns = kept->second.end_ns;
  }
  AddTo(interval, part, report);
  closed_.Put(Summarize(index, interval));
  Keep(index, std::move(interval));
}

void ReportMerger::Keep(int64_t index, Interval interval) {
  ClosedInterval& kept = amendable_[index];
  v1::Measurements measurements = interval.sum.ToProto();
  for (v1::ErrorCount& error : *measurements.mutable_errors()) error.clear_example();
  kept.measurements = measurements.SerializeAsString();
  kept.gauges = std::move(interval.gauges);
  kept.end_ns = interval.end_ns;
  if (amendable_.size() > kAmendableIntervals) amendable_.erase(amendable_.begin());
}

// The fleet's gauges are the sum of the drivers' newest: what changed for one changes for all.
void ReportMerger::SetGauges(DriverPart& part, const v1::Measurements& newest) {
  const v1::RequestCounts& counts = newest.counts();
  const v1::RequestCounts& warmup = newest.warmup();
  totals_.ChangeGauges(part.sum.counts(), counts);
  totals_.ChangeWarmupGauges(part.sum.warmup(), warmup);
  part.sum.SetGauges(counts.in_flight(), counts.waiting());
  part.sum.SetWarmupGauges(warmup.in_flight(), warmup.waiting());
}

void ReportMerger::MarkLost(const DriverLife& life) {
  const auto it = drivers_.find(life);
  if (it == drivers_.end() || it->second.finished) return;
  it->second.lost = true;
  CloseIntervals();
}

void ReportMerger::MarkHeardAgain(const DriverLife& life) {
  const auto it = drivers_.find(life);
  if (it != drivers_.end()) it->second.lost = false;
}

void ReportMerger::MarkRefused(const DriverLife& life) {
  const auto it = drivers_.find(life);
  if (it != drivers_.end()) it->second.refused = true;
}

void ReportMerger::Adjust(const v1::Adjusted& adjusted) {
  shares_.Apply(adjusted);
  for (const v1::Assignment& assignment : adjusted.joined()) {
    DriverPart& part = PartOf(assignment);
    part.joined = true;
    // Intervals before it came do not wait for it.
    const std::vector<v1::Share>& shares = shares_.SharesOf(LifeOf(assignment));
    if (!shares.empty()) part.highest_end_ns = shares.front().from_offset_ns();
  }
  for (const v1::DriverShares& entry : adjusted.shares()) {
    if (shares_.EndOfShares(LifeOf(entry))) MarkLost(LifeOf(entry));
  }
}

int64_t ReportMerger::DriverPart::SendDelayP99Ns() const {
  if (send_delay_count_ != sum.send_delay().count()) {
    send_delay_count_ = sum.send_delay().count();
    send_delay_p99_ns_ = sum.send_delay().Percentile(0.99);
  }
  return send_delay_p99_ns_;
}

const ReportMerger::DriverPart* ReportMerger::Find(const DriverLife& life) const {
  const auto it = drivers_.find(life);
  return it == drivers_.end() ? nullptr : &it->second;
}

bool ReportMerger::IsGone(const DriverPart& part) {
  return part.lost || (part.finished && (part.end_reason == v1::MetricsReport::DRIVER_STOPPED ||
                                         part.end_reason == v1::MetricsReport::LEASE_EXPIRED));
}

ReportMerger::Unreported ReportMerger::UnreportedOf(const DriverPart& part) const {
  const DriverLife life = LifeOf(part.assignment);
  Unreported out{.from_ns = part.highest_end_ns, .to_ns = shares_.end_ns()};
  if (const std::optional<int64_t> end = shares_.EndOfShares(life)) out.to_ns = *end;
  if (stop_ns_ != kNeverNs) out.to_ns = out.to_ns < 0 ? stop_ns_ : std::min(out.to_ns, stop_ns_);
  if (out.to_ns >= 0) out.to_ns = std::max(out.to_ns, out.from_ns);
  const v1::RequestCounts& counts = part.sum.counts();
  out.requests = std::max<int64_t>(
      0, shares_.Planned(life, ToNanos(spec_.warmup()),
                         std::min(stop_ns_, out.to_ns < 0 ? kNeverNs : out.to_ns)) -
             counts.sent() - counts.dropped());
  return out;
}

int64_t ReportMerger::TookOver(const DriverPart& part) const {
  const DriverLife life = LifeOf(part.assignment);
  const int64_t from_ns = ToNanos(spec_.warmup());
  const int64_t to_ns = std::min(stop_ns_, part.highest_end_ns);
  const int64_t of_others = shares_.PlannedOfOthers(life, from_ns, to_ns);
  // What it refused it says by heartbeat, which a process that reads the topics later does not see:
  // where the plan is a number, its counts tell.
  if (!shares_.is_exact()) return part.refused ? 0 : of_others;
  const int64_t own = shares_.Planned(life, from_ns, to_ns) - of_others;
  return std::clamp<int64_t>(part.sum.counts().due() - own, 0, of_others);
}

int64_t ReportMerger::BeyondPlan(const DriverPart& part) const {
  const DriverLife life = LifeOf(part.assignment);
  if (!part.finished || !shares_.HasLostShares(life)) return 0;
  if (shares_.is_exact()) {
    return std::max<int64_t>(
        0, part.sum.counts().due() + part.sum.warmup().due() - shares_.Planned(life, 0, kNeverNs));
  }
  const std::optional<int64_t> end = shares_.EndOfShares(life);
  return end && part.has_sent && part.last_send_ns > *end ? -1 : 0;
}

int64_t ReportMerger::NotTakenOver(const DriverPart& part) const {
  const DriverLife life = LifeOf(part.assignment);
  if (!part.finished || part.end_reason != v1::MetricsReport::PLAN_DONE || !shares_.is_exact() ||
      shares_.PlannedOfOthers(life, 0, kNeverNs) == 0)
    return 0;
  return std::max<int64_t>(
      0, shares_.Planned(life, 0, kNeverNs) - part.sum.counts().due() - part.sum.warmup().due());
}

bool ReportMerger::AllDone() const {
  return std::all_of(drivers_.begin(), drivers_.end(),
                     [](const auto& entry) { return entry.second.finished || entry.second.lost; });
}

void ReportMerger::SetReplaying(bool replaying) {
  replaying_ = replaying;
  CloseIntervals();
}

void ReportMerger::CloseIntervals() {
  if (replaying_) return;
  while (!open_.empty()) {
    const auto first = open_.begin();
    const int64_t boundary = (first->first + 1) * interval_ns_;
    if (IsAwaited(boundary)) return;
    auto closed = open_.extract(first);
    Close(closed.key(), std::move(closed.mapped()));
  }
}

void ReportMerger::Close(int64_t index, Interval interval) {
  totals_with_open_.reset();
  totals_.Add(interval.sum);
  closed_.Put(Summarize(index, interval));
  judge_.OnInterval(index, interval.sum, interval.end_ns);
  closed_to_index_ = index + 1;
  if (spec_.abort_on_threshold() && broken_threshold_.empty())
    broken_threshold_ = judge_.Broken(totals(), closed_to_ns());
  Keep(index, std::move(interval));
}

const MeasurementSum& ReportMerger::totals() const {
  if (open_.empty()) return totals_.sum();
  if (!totals_with_open_.has_value()) {
    totals_with_open_ = totals_.sum();
    for (const auto& [index, interval] : open_) totals_with_open_->Merge(interval.sum);
  }
  return *totals_with_open_;
}

void ReportMerger::CloseAll() {
  while (!open_.empty()) {
    auto closed = open_.extract(open_.begin());
    Close(closed.key(), std::move(closed.mapped()));
  }
}

bool ReportMerger::IsAwaited(int64_t boundary_ns) {
  for (size_t n = 0; n < drivers_.size(); ++n, ++awaited_) {
    if (awaited_ == drivers_.end()) awaited_ = drivers_.begin();
    const DriverPart& part = awaited_->second;
    if (!part.finished && !part.lost && part.highest_end_ns < boundary_ns) return true;
  }
  return false;
}

v1::IntervalResult ReportMerger::Summarize(int64_t index, const Interval& interval) const {
  v1::IntervalResult out;
  out.set_start_offset_ns(index * interval_ns_);
  out.set_end_offset_ns(std::max(interval.end_ns, index * interval_ns_));
  *out.mutable_counts() = interval.sum.counts();
  *out.mutable_response_time() = interval.sum.response_time().Summary();
  *out.mutable_service_time() = interval.sum.service_time().Summary();
  *out.mutable_send_delay() = interval.sum.send_delay().Summary();
  if (HasAny(interval.sum.warmup())) *out.mutable_warmup() = interval.sum.warmup();
  // The gauges of the fleet are those of its reports, whatever has come since.
  int32_t drivers = 0;
  for (const Gauges& gauges : interval.gauges) {
    if (gauges.sequence == 0) continue;
    ++drivers;
    v1::RequestCounts& counts = *out.mutable_counts();
    counts.set_in_flight(counts.in_flight() + gauges.in_flight);
    counts.set_waiting(counts.waiting() + gauges.waiting);
    if (gauges.warmup_in_flight + gauges.warmup_waiting == 0) continue;
    v1::RequestCounts& warmup = *out.mutable_warmup();
    warmup.set_in_flight(warmup.in_flight() + gauges.warmup_in_flight);
    warmup.set_waiting(warmup.waiting() + gauges.warmup_waiting);
  }
  out.set_drivers(drivers);
  for (const auto& [kind, error] : interval.sum.errors()) {
    v1::ErrorCount& count = *out.add_errors();
    count.set_kind(error.kind());
    count.set_count(error.count());
  }
  out.set_bytes_sent(interval.sum.bytes_sent());
  out.set_bytes_received(interval.sum.bytes_received());
  return out;
}

std::vector<v1::IntervalResult> ReportMerger::AllIntervals() const {
  std::vector<v1::IntervalResult> all = closed_.All();
  for (const auto& [index, open] : open_) all.push_back(Summarize(index, open));
  return all;
}

std::vector<DriverEvidence> ReportMerger::Evidence() const {
  std::vector<DriverEvidence> evidence;
  for (const auto& [life, part] : drivers_) {
    DriverEvidence e;
    e.driver_id = life.driver_id;
    e.sum = &part.sum;
    e.send_delay_p99_ns = part.SendDelayP99Ns();
    e.intervals_missing = static_cast<int64_t>(part.missing.size());
    e.lost = part.lost;
    e.ended_early = part.end_reason == v1::MetricsReport::DRIVER_STOPPED ||
                    part.end_reason == v1::MetricsReport::DRIVER_FAILED ||
                    part.end_reason == v1::MetricsReport::LEASE_EXPIRED ||
                    // The end of the test stopped it: it counted as lost, and was not.
                    (part.end_reason == v1::MetricsReport::STOP_ORDERED && stop_ns_ == kNeverNs);
    e.beyond_plan = BeyondPlan(part);
    const int64_t not_taken_over = NotTakenOver(part);
    e.refused = part.refused || not_taken_over > 0;
    if (e.lost || e.ended_early || e.refused) {
      const Unreported unreported = UnreportedOf(part);
      e.unreported = std::max(unreported.requests, not_taken_over);
      e.unreported_from_ns = unreported.from_ns;
      e.unreported_to_ns = unreported.to_ns;
      e.has_schedule = shares_.is_open_loop();
      e.replaced = shares_.EndOfShares(life).has_value();
    }
    e.adds_up = !part.missing.empty() || (AddsUp(part.sum.counts()) && AddsUp(part.sum.warmup()));
    evidence.push_back(e);
  }
  return evidence;
}

std::vector<v1::ThresholdResult> ReportMerger::Thresholds() const {
  return judge_.Results(totals(), static_cast<double>(SendingNs()) / 1e9);
}

int64_t ReportMerger::SendingNs() const {
  const int64_t warmup_ns = ToNanos(spec_.warmup());
  int64_t longest = 0;
  for (const auto& [life, part] : drivers_) {
    const int64_t end_ns =
        part.finished && part.has_sent ? SendingEndNs(part) : part.highest_end_ns;
    longest = std::max(longest, end_ns - warmup_ns);
  }
  return longest;
}

int64_t ReportMerger::SendingEndNs(const DriverPart& part) const {
  const int64_t planned_end_ns = ToNanos(spec_.warmup()) + ToNanos(spec_.duration());
  if (!IsOpenLoop(spec_)) {
    // A closed loop is over when the last answer is there.
    return spec_.has_duration()
               ? std::min(part.highest_end_ns, std::max(planned_end_ns, part.last_send_ns))
               : part.highest_end_ns;
  }
  const bool even = spec_.arrivals() != v1::LoadTestSpec::POISSON && !spec_.has_stages();
  const bool by_time =
      spec_.has_duration() && part.end_reason == v1::MetricsReport::PLAN_DONE &&
      (spec_.requests_per_driver() == 0 || part.sum.counts().due() < spec_.requests_per_driver());
  // After the last request of a plan nothing may be due for a while, which is part of the plan.
  if (!even && by_time) return std::max(planned_end_ns, part.last_send_ns);
  if (spec_.has_stages()) return part.last_send_ns;
  // The last request stands for the delay after it, so that n requests every d take n * d.
  const double gap_ns = slots_ / HighestRate(spec_, slots_) * 1e9;
  return part.last_send_ns + static_cast<int64_t>(gap_ns);
}

int64_t ReportMerger::StartSkewNs() const {
  int64_t first = std::numeric_limits<int64_t>::max();
  int64_t last = std::numeric_limits<int64_t>::min();
  int senders = 0;
  for (const auto& [life, part] : drivers_) {
    if (!part.has_sent) continue;
    ++senders;
    first = std::min(first, part.first_send_ns);
    last = std::max(last, part.first_send_ns);
  }
  return senders < 2 ? 0 : last - first;
}

}  // namespace loadtest
