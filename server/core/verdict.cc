#include "server/core/verdict.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_format.h"
#include "common/base/time.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

// Send delay that no HTTP measurement notices; below it a schedule counts as kept.
constexpr int64_t kSendDelayFloorNs = kNanosPerMilli;
constexpr double kSendDelayShare = 0.05;
// From this share of a core on, the sending thread has no time left: what it measures is itself.
constexpr double kLoopCpuLimit = 0.95;

// Nanoseconds between the requests of one driver when they are closest; 0 in a closed loop.
double GapNs(const v1::LoadTestSpec& spec, size_t drivers) {
  const double rate = HighestRate(spec, static_cast<int>(drivers));
  return rate > 0 ? static_cast<double>(drivers) / rate * 1e9 : 0;
}

struct Limit {
  v1::ErrorKind kind;
  const char* resource;
  const char* advice;
};

constexpr Limit kOwnLimits[] = {
    {v1::OUT_OF_DESCRIPTORS, "descriptors", "raise the limit of open files (ulimit -n)"},
    {v1::OUT_OF_PORTS, "ports", "widen net.ipv4.ip_local_port_range or use more drivers"},
    {v1::OUT_OF_CONNECTIONS, "connections", "raise max_connections, or take a lower rate"},
    {v1::NOT_SENT_BEFORE_END, "schedule", "use more drivers, or take a lower rate"},
};

class Builder {
 public:
  void Add(v1::Verdict::Level level, std::string driver_id, std::string resource,
           std::string message) {
    v1::VerdictReason* reason = verdict_.add_reasons();
    reason->set_level(level);
    reason->set_driver_id(std::move(driver_id));
    reason->set_resource(std::move(resource));
    reason->set_message(std::move(message));
    worst_ = std::max(worst_, static_cast<int>(level));
  }
  v1::Verdict Take() {
    verdict_.set_level(static_cast<v1::Verdict::Level>(worst_));
    return std::move(verdict_);
  }

 private:
  v1::Verdict verdict_;
  int worst_ = v1::Verdict::VALID;
};

// Whether the send delay kept its bound; a closed loop has none.
bool JudgeSchedule(double gap_ns, const DriverEvidence& driver, Builder& out) {
  if (gap_ns <= 0) return true;
  const auto bound =
      std::max<int64_t>(kSendDelayFloorNs, static_cast<int64_t>(gap_ns * kSendDelayShare));
  const int64_t p99 = driver.send_delay_p99_ns.has_value()
                          ? *driver.send_delay_p99_ns
                          : driver.sum->send_delay().Percentile(0.99);
  if (p99 <= bound) return true;
  out.Add(v1::Verdict::INVALID, driver.driver_id, "send_delay",
          absl::StrFormat("sent late: send delay p99 %s, bound %s", FormatLatency(p99),
                          FormatLatency(bound)));
  return false;
}

std::string Seconds(int64_t ns) { return absl::StrFormat("%.3g s", static_cast<double>(ns) / 1e9); }

// "1,234 requests of its plan (from 2 s to 4.5 s after the start) ".
std::string UnreportedText(const DriverEvidence& driver, const char* verb) {
  if (driver.has_schedule && driver.unreported == 0) return "all requests of its plan are counted";
  const std::string from = Seconds(driver.unreported_from_ns);
  if (!driver.has_schedule) {
    return absl::StrFormat("what it sent after %s%s is not known", from,
                           driver.unreported_to_ns < 0
                               ? std::string()
                               : absl::StrFormat(" (until %s)", Seconds(driver.unreported_to_ns)));
  }
  return absl::StrFormat("%s request%s of its plan %s, in %s from %s to %s after the start",
                         FormatCount(driver.unreported), driver.unreported == 1 ? "" : "s", verb,
                         Seconds(driver.unreported_to_ns - driver.unreported_from_ns), from,
                         Seconds(driver.unreported_to_ns));
}

void JudgePresence(const DriverEvidence& driver, bool stopped, Builder& out) {
  if (driver.lost) {
    out.Add(v1::Verdict::DEGRADED, driver.driver_id, "driver",
            absl::StrFormat("lost; %s%s", UnreportedText(driver, "may or may not have been sent"),
                            driver.replaced ? "; then its part was taken over" : ""));
  } else if (driver.ended_early) {
    out.Add(v1::Verdict::DEGRADED, driver.driver_id, "driver",
            absl::StrFormat("ended before its plan was done; %s",
                            driver.has_schedule ? UnreportedText(driver, "were not sent")
                                                : "what it did not send is missing"));
  } else if (driver.refused && !stopped && driver.unreported > 0) {
    out.Add(v1::Verdict::DEGRADED, driver.driver_id, "driver",
            absl::StrFormat("did not take over what it was given of a lost driver: %s requests of "
                            "its plan were not sent",
                            FormatCount(driver.unreported)));
  }
  if (driver.beyond_plan != 0) {
    out.Add(
        v1::Verdict::DEGRADED, driver.driver_id, "driver",
        absl::StrFormat("went on with its part after that had been given to others: %s may have "
                        "been sent twice",
                        driver.beyond_plan < 0
                            ? "requests"
                            : absl::StrFormat("%s request%s", FormatCount(driver.beyond_plan),
                                              driver.beyond_plan == 1 ? "" : "s")));
  }
}

void JudgeLimits(const DriverEvidence& driver, bool stopped, Builder& out) {
  for (const Limit& limit : kOwnLimits) {
    if (stopped && limit.kind == v1::NOT_SENT_BEFORE_END) continue;
    const auto it = driver.sum->errors().find(limit.kind);
    if (it == driver.sum->errors().end() || it->second.count() == 0) continue;
    out.Add(v1::Verdict::INVALID, driver.driver_id, limit.resource,
            absl::StrFormat("%s requests %s; %s", FormatCount(it->second.count()),
                            ErrorKindName(limit.kind), limit.advice));
  }
}

void JudgeCpu(const v1::LoadTestSpec& spec, const DriverEvidence& driver, bool kept_schedule,
              Builder& out) {
  if (driver.sum->measured_ns() <= 0) return;
  const auto measured = static_cast<double>(driver.sum->measured_ns());
  const double used = static_cast<double>(driver.sum->loop_cpu_ns()) / measured;
  // A thread that waits for its core is as late as one that is busy.
  const double waited = static_cast<double>(driver.sum->loop_wait_ns()) / measured;
  if (used + waited < kLoopCpuLimit) return;
  // A thread that was told to stay awake is busy however little there is to do.
  if (ToNanos(spec.spin()) > 0 && kept_schedule) return;
  if (used < kLoopCpuLimit) {
    out.Add(v1::Verdict::INVALID, driver.driver_id, "cpu",
            absl::StrFormat("the sending thread used %.0f %% of a core and waited %.0f %% of the "
                            "time for one, bound %.0f %% together; another process has the core",
                            used * 100, waited * 100, kLoopCpuLimit * 100));
    return;
  }
  out.Add(v1::Verdict::INVALID, driver.driver_id, "cpu",
          absl::StrFormat("the sending thread used %.0f %% of a core, bound %.0f %%; latencies "
                          "include its own delay; use more drivers",
                          used * 100, kLoopCpuLimit * 100));
}

}  // namespace

v1::Verdict Judge(const v1::LoadTestSpec& spec, const std::vector<DriverEvidence>& drivers,
                  bool stopped) {
  Builder out;
  // A driver that came back has two lives and one slot.
  std::set<std::string_view> ids;
  for (const DriverEvidence& driver : drivers) ids.insert(driver.driver_id);
  const double gap_ns = GapNs(spec, ids.size());
  for (const DriverEvidence& driver : drivers) {
    JudgePresence(driver, stopped, out);
    if (driver.intervals_missing > 0) {
      out.Add(v1::Verdict::DEGRADED, driver.driver_id, "intervals",
              absl::StrFormat("%d interval reports did not come", driver.intervals_missing));
    }
    if (!driver.adds_up) {
      out.Add(v1::Verdict::DEGRADED, driver.driver_id, "intervals",
              "its counts do not add up (sent = completed + failed + in flight)");
    }
    const bool kept_schedule = JudgeSchedule(gap_ns, driver, out);
    JudgeLimits(driver, stopped, out);
    JudgeCpu(spec, driver, kept_schedule, out);
  }
  return out.Take();
}

}  // namespace loadtest
