#include "tests/sim/plan_check.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/config/config.h"
#include "common/schedule/spec_schedule.h"
#include "server/core/driver_life.h"

namespace loadtest::sim {

PlanCheck::PlanCheck(const TriggerLog& log, const std::string& id, const v1::Report& report)
    : log_(log), report_(report) {
  for (const TriggerLog::Decision& decision : log.decisions()) {
    const v1::Trigger& trigger = decision.trigger;
    if (trigger.test_id() != id) continue;
    if (trigger.has_started() && !plan_) {
      plan_.emplace(trigger.started());
      start_ns_ = trigger.started().start_time_ns();
    }
    if (trigger.has_finished()) return;
    if (!plan_) continue;
    if (trigger.has_stop_ordered() && !stopped_ns_)
      stopped_ns_ = std::max<int64_t>(0, trigger.decide_time_ns() - start_ns_);
    if (!trigger.has_adjusted()) continue;
    plan_->Apply(trigger.adjusted());
    is_adjusted_ = true;
  }
}

int PlanCheck::OwnersOf(int64_t due_ns) const {
  if (!plan_) return 0;
  const int64_t index = ScheduleOf(report_.load_test().spec()).CountBefore(due_ns);
  int owners = 0;
  for (const v1::DriverResult& driver : report_.drivers()) {
    const std::vector<v1::Share>& shares = plan_->SharesOf(LifeOf(driver.assignment()));
    owners += std::any_of(shares.begin(), shares.end(), [&](const v1::Share& share) {
      return index % share.stride() == share.first() && due_ns >= share.from_offset_ns() &&
             (share.until_offset_ns() == 0 || due_ns < share.until_offset_ns());
    });
  }
  return owners;
}

std::string PlanCheck::WrongWith(const v1::DriverResult& driver, const RunRecord& run) const {
  for (std::string wrong : {NotTaken(run), WrongNumber(driver, run), WrongUnknown(driver)}) {
    if (!wrong.empty()) return wrong;
  }
  return "";
}

// What a driver handled beyond what it was given in the end, or less, is named.
std::string PlanCheck::WrongNumber(const v1::DriverResult& driver, const RunRecord& run) const {
  if (!driver.finished() || driver.intervals_missing() > 0 || !plan_ || !plan_->is_exact() ||
      !is_adjusted_ || stopped_ns_)
    return "";
  const auto handled = static_cast<int64_t>(run.sent.size() + run.dropped.size());
  const int64_t planned = plan_->Planned(LifeOf(driver.assignment()), 0, kNeverNs);
  if (handled > planned && !IsNamed(run.driver_id, "went on with its part"))
    return absl::StrFormat("handled %d of %d requests, and nobody says so", handled, planned);
  if (handled < planned && !IsNamed(run.driver_id, ""))
    return absl::StrFormat("handled only %d of %d requests, and nobody says so", handled, planned);
  return "";
}

// After a stop nothing more was to be sent, and so nothing of it can be unknown.
std::string PlanCheck::WrongUnknown(const v1::DriverResult& driver) const {
  if (!plan_ || !stopped_ns_) return "";
  const int64_t planned = plan_->Planned(LifeOf(driver.assignment()), 0, *stopped_ns_);
  if (driver.unknown_requests() <= planned) return "";
  return absl::StrFormat("%d of its requests are unknown; until the stop it had %d",
                         driver.unknown_requests(), planned);
}

// A driver that is given shares sends them, or says that it does not.
std::string PlanCheck::NotTaken(const RunRecord& run) const {
  if (run.killed || run.refusals > 0 || run.end_reason == v1::MetricsReport::DRIVER_STOPPED)
    return "";
  for (const int64_t offset : run.offered) {
    if (!log_.IsVoid(offset) && !run.obeyed.contains(offset))
      return absl::StrFormat("was given shares (record %d), and said nothing", offset);
  }
  return "";
}

bool PlanCheck::IsNamed(const std::string& driver_id, std::string_view what) const {
  const auto& reasons = report_.verdict().reasons();
  return std::any_of(reasons.begin(), reasons.end(), [&](const v1::VerdictReason& reason) {
    return reason.driver_id() == driver_id && reason.message().find(what) != std::string::npos;
  });
}

}  // namespace loadtest::sim
