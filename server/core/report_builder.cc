#include "server/core/report_builder.h"

#include <algorithm>

#include "common/base/time.h"
#include "common/config/config.h"
#include "server/core/shown.h"

namespace loadtest {
namespace {

constexpr int kReportVersion = 1;

double PerSecond(int64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

double Cores(int64_t cpu_ns, int64_t measured_ns) {
  return measured_ns > 0 ? static_cast<double>(cpu_ns) / static_cast<double>(measured_ns) : 0;
}

void FillDriver(const ReportMerger& merger, const ReportMerger::DriverPart& part,
                v1::DriverResult& out) {
  *out.mutable_assignment() = part.assignment;
  *out.mutable_counts() = part.sum.counts();
  *out.mutable_response_time() = part.sum.response_time().Summary();
  *out.mutable_service_time() = part.sum.service_time().Summary();
  *out.mutable_send_delay() = part.sum.send_delay().Summary();
  out.set_cpu_cores(Cores(part.sum.cpu_ns(), part.sum.measured_ns()));
  out.set_loop_cpu_cores(Cores(part.sum.loop_cpu_ns(), part.sum.measured_ns()));
  out.set_loop_wait_cores(Cores(part.sum.loop_wait_ns(), part.sum.measured_ns()));
  out.set_first_send_offset_ns(part.first_send_ns);
  out.set_intervals_received(part.reports);
  out.set_intervals_missing(static_cast<int64_t>(part.missing.size()));
  out.set_finished(part.finished);
  out.set_lost(part.lost);
  out.set_took_over_requests(merger.TookOver(part));
  if (!part.lost) return;
  const ReportMerger::Unreported unknown = merger.UnreportedOf(part);
  out.set_unknown_requests(unknown.requests);
  out.set_unknown_from_offset_ns(unknown.from_ns);
  out.set_unknown_to_offset_ns(std::max<int64_t>(0, unknown.to_ns));
}

double Progress(Moment now, const v1::LoadTest& test, const ReportMerger& merger) {
  if (test.state() == v1::LoadTest::SUCCEEDED) return 1;
  const v1::LoadTestSpec& spec = test.spec();
  double done = 0;
  if (spec.requests_per_driver() > 0) {
    const double planned = static_cast<double>(spec.requests_per_driver()) *
                           static_cast<double>(merger.drivers().size());
    done = static_cast<double>(merger.totals().counts().due()) / planned;
  }
  if (spec.has_duration()) {
    const int64_t start = test.start_time().seconds() * kNanosPerSecond + test.start_time().nanos();
    // The drivers' reports tell how far they are, also when the clocks of the hosts differ.
    int64_t reached = 0;
    for (const auto& [life, part] : merger.drivers())
      reached = std::max(reached, part.highest_end_ns);
    const int64_t elapsed = test.has_end_time() ? reached : std::max(reached, now.wall.ns - start);
    done =
        std::max(done, static_cast<double>(elapsed) /
                           static_cast<double>(ToNanos(spec.warmup()) + ToNanos(spec.duration())));
  }
  return std::clamp(done, 0.0, 1.0);
}

}  // namespace

void FillReport(const v1::LoadTest& test, const ReportMerger* merger, bool stopped,
                v1::Report& report) {
  report.set_report_version(kReportVersion);
  *report.mutable_load_test() = Shown(test);
  if (merger == nullptr) {
    *report.mutable_verdict() = Judge(test.spec(), {}, stopped);
    return;
  }
  const double seconds = static_cast<double>(merger->SendingNs()) / 1e9;
  report.set_sending_seconds(seconds);
  *report.mutable_totals() = merger->totals().ToProto();
  *report.mutable_response_time() = merger->totals().response_time().Summary();
  *report.mutable_service_time() = merger->totals().service_time().Summary();
  *report.mutable_send_delay() = merger->totals().send_delay().Summary();
  report.set_completed_per_second(PerSecond(merger->totals().counts().completed(), seconds));
  report.set_sent_per_second(PerSecond(merger->totals().counts().sent(), seconds));
  int64_t unknown = 0;
  for (const auto& [life, part] : merger->drivers()) {
    FillDriver(*merger, part, *report.add_drivers());
    unknown += report.drivers().rbegin()->unknown_requests();
  }
  report.set_unknown_requests(unknown);
  for (v1::IntervalResult& interval : merger->AllIntervals())
    *report.add_intervals() = std::move(interval);
  *report.mutable_verdict() = Judge(test.spec(), merger->Evidence(), stopped);
  for (v1::ThresholdResult& result : merger->Thresholds())
    *report.add_thresholds() = std::move(result);
  report.set_start_skew_ns(merger->StartSkewNs());
  const MeasurementSum& totals = merger->totals();
  v1::PhaseSummaries& phases = *report.mutable_phases();
  *phases.mutable_resolve() = totals.phase(Phase::kResolve).Summary();
  *phases.mutable_connect() = totals.phase(Phase::kConnect).Summary();
  *phases.mutable_tls() = totals.phase(Phase::kTls).Summary();
  *phases.mutable_first_byte() = totals.phase(Phase::kFirstByte).Summary();
}

void FillManifest(const std::string& version, const std::string& bus,
                  const std::map<DriverLife, v1::DriverRegistration>& registrations,
                  const std::map<DriverLife, v1::DriverManifest>& known, v1::Report& report) {
  v1::Manifest& manifest = *report.mutable_manifest();
  manifest.set_orchestrator_version(version);
  manifest.set_bus(bus);
  for (v1::DriverResult& result : *report.mutable_drivers()) {
    const DriverLife life = LifeOf(result.assignment());
    v1::DriverManifest& driver = *manifest.add_drivers();
    if (const auto it = known.find(life); it != known.end()) driver = it->second;
    driver.set_driver_id(life.driver_id);
    driver.set_clock_offset_ns(result.assignment().clock_offset_ns());
    driver.set_clock_error_ns(result.assignment().clock_error_ns());
    const auto it = registrations.find(life);
    if (it == registrations.end()) continue;
    const v1::DriverRegistration& registration = it->second;
    driver.set_version(registration.version());
    driver.set_host_name(registration.host_name());
    driver.set_kernel(registration.kernel());
    driver.set_cpu_model(registration.cpu_model());
    driver.set_cpus(registration.cpus());
    driver.set_max_open_files(registration.max_open_files());
    result.set_ip_address(registration.ip_address());
    result.set_host_name(registration.host_name());
  }
}

void ReadManifest(const v1::Report& report,
                  std::map<DriverLife, v1::DriverRegistration>& registrations,
                  std::map<DriverLife, v1::DriverManifest>& known) {
  // FillManifest writes both lists in one order.
  const int drivers = std::min(report.drivers_size(), report.manifest().drivers_size());
  for (int i = 0; i < drivers; ++i) {
    const v1::DriverResult& result = report.drivers(i);
    const v1::DriverManifest& driver = report.manifest().drivers(i);
    const DriverLife life = LifeOf(result.assignment());
    known[life] = driver;
    v1::DriverRegistration& registration = registrations[life];
    registration.set_version(driver.version());
    registration.set_host_name(driver.host_name());
    registration.set_kernel(driver.kernel());
    registration.set_cpu_model(driver.cpu_model());
    registration.set_cpus(driver.cpus());
    registration.set_max_open_files(driver.max_open_files());
    registration.set_ip_address(result.ip_address());
  }
}

void FillUpdate(Moment now, const v1::LoadTest& test, const ReportMerger* merger, bool stopped,
                const DriverRegistry& drivers, v1::LoadTestUpdate& update) {
  *update.mutable_load_test() = Shown(test);
  if (merger == nullptr) return;
  if (merger->has_closed_intervals())
    *update.mutable_interval() = merger->newest_closed_interval();
  *update.mutable_totals() = merger->totals().counts();
  *update.mutable_response_time() = merger->totals().response_time().Summary();
  *update.mutable_service_time() = merger->totals().service_time().Summary();
  *update.mutable_send_delay() = merger->totals().send_delay().Summary();
  const double seconds = static_cast<double>(merger->SendingNs()) / 1e9;
  update.set_sending_seconds(seconds);
  update.set_sent_per_second(PerSecond(merger->totals().counts().sent(), seconds));
  update.set_completed_per_second(PerSecond(merger->totals().counts().completed(), seconds));
  for (const auto& [kind, error] : merger->totals().errors()) *update.add_errors() = error;
  for (const auto& [code, count] : merger->totals().status_codes())
    (*update.mutable_status_codes())[code] = count;
  const v1::Verdict verdict = Judge(test.spec(), merger->Evidence(), stopped);
  // Before the first request was due there is nothing that could be believed.
  const bool nothing_yet = !test.has_end_time() && merger->totals().counts().due() == 0;
  if (!nothing_yet || verdict.level() != v1::Verdict::VALID) *update.mutable_verdict() = verdict;
  for (v1::ThresholdResult& result : merger->Thresholds())
    *update.add_thresholds() = std::move(result);
  update.set_progress(Progress(now, test, *merger));
  for (const auto& [life, part] : merger->drivers()) {
    v1::DriverProgress& progress = *update.add_drivers();
    progress.set_driver_id(life.driver_id);
    *progress.mutable_counts() = part.sum.counts();
    progress.set_send_delay_p99_ns(part.SendDelayP99Ns());
    progress.set_cpu_cores(Cores(part.sum.cpu_ns(), part.sum.measured_ns()));
    v1::Driver::State state = v1::Driver::IDLE;
    if (part.lost) {
      state = v1::Driver::LOST;
    } else if (const KnownDriver* driver = drivers.Find(life.driver_id);
               driver != nullptr && !part.finished) {
      state = driver->heartbeat.state() == v1::DriverHeartbeat::ARMED      ? v1::Driver::ARMED
              : driver->heartbeat.state() == v1::DriverHeartbeat::DRAINING ? v1::Driver::DRAINING
                                                                           : v1::Driver::RUNNING;
    }
    progress.set_state(state);
  }
}

}  // namespace loadtest
