// Decide, of tests that run: the part of a driver that is gone goes to others, or back to its new
// life.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "server/core/orchestrator_core.h"

namespace loadtest {
namespace {

std::string From(int64_t at_ns) {
  return absl::StrFormat("from %.3g s on", static_cast<double>(at_ns) / 1e9);
}

}  // namespace

bool OrchestratorCore::DecideAdjust(Moment now, const Test& test, v1::Trigger& out) const {
  if (test.merger == nullptr || test.stop_ordered) return false;
  // Far enough ahead for all to read it; before the start it holds from the start on.
  const int64_t at_ns =
      std::max<int64_t>(0, now.wall.ns + options_.start_lead_ns - test.start_time_ns);
  const int64_t end_ns = test.merger->shares().end_ns();
  if (end_ns >= 0 && at_ns >= end_ns) return false;
  if (test.resource.spec().rejoin() && DecideRejoin(now, test, at_ns, out)) return true;
  return test.resource.spec().on_driver_loss() == v1::LoadTestSpec::REDISTRIBUTE &&
         DecideHandOver(test, at_ns, out);
}

bool OrchestratorCore::DecideRejoin(Moment now, const Test& test, int64_t at_ns,
                                    v1::Trigger& out) const {
  const v1::HttpRequest& request = test.plan.spec().request();
  // An orchestrator that took over does not have a body that came in pieces.
  if (request.body_bytes() > 0 && request.body().empty() && test.body.empty()) return false;
  const auto& parts = test.merger->drivers();
  for (const KnownDriver* idle : registry_.Idle(now)) {
    const DriverLife life = LifeOf(idle->registration);
    // The newest life of it that took part.
    const auto after = parts.upper_bound(life);
    if (after == parts.begin()) continue;
    const auto& [earlier, part] = *std::prev(after);
    if (earlier.driver_id != life.driver_id || earlier.incarnation >= life.incarnation ||
        !ReportMerger::IsGone(part) || IsTaken(life))
      continue;
    const v1::Assignment joined = Assign(*idle, part.assignment.slot(), part.assignment.slots());
    *out.mutable_adjusted() = test.merger->shares().GiveBack(joined, at_ns);
    out.mutable_adjusted()->set_reason(
        absl::StrFormat("%s is back and takes its part up %s", life.driver_id, From(at_ns)));
    *out.mutable_adjusted()->mutable_started() = test.plan;
    return true;
  }
  return false;
}

bool OrchestratorCore::DecideHandOver(const Test& test, int64_t at_ns, v1::Trigger& out) const {
  const auto& parts = test.merger->drivers();
  std::vector<DriverLife> heirs;
  std::vector<std::string> names;
  for (const auto& [life, part] : parts) {
    // One that was lost, and was heard of again after its part had been given away, is about to
    // end.
    if (part.lost || part.finished || part.refused ||
        registry_.IsGone(life.driver_id, life.incarnation) ||
        !test.merger->shares().HoldsAfter(life, at_ns))
      continue;
    heirs.push_back(life);
    names.push_back(life.driver_id);
  }
  if (heirs.empty()) return false;
  for (const auto& [life, part] : parts) {
    if (!ReportMerger::IsGone(part) || !test.merger->shares().HoldsAfter(life, at_ns)) continue;
    *out.mutable_adjusted() = test.merger->shares().HandOver(life, heirs, at_ns);
    out.mutable_adjusted()->set_reason(
        absl::StrFormat("%s %s; its part goes to %s %s", life.driver_id,
                        part.lost ? "was lost" : "ended", absl::StrJoin(names, ", "), From(at_ns)));
    return true;
  }
  return false;
}

bool OrchestratorCore::IsTaken(const DriverLife& life) const {
  return std::any_of(active_.begin(), active_.end(), [&](const std::string& id) {
    const Test& test = tests_.find(id)->second;
    return test.merger != nullptr && test.merger->Find(life) != nullptr;
  });
}

}  // namespace loadtest
