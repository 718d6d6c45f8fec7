#include "server/core/share_plan.h"

#include <algorithm>

#include "common/config/config.h"
#include "common/schedule/slot.h"
#include "common/schedule/spec_schedule.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

// A share so thin is given to one heir as it is.
constexpr int64_t kLargestStride = 1'000'000;

bool IsOver(const v1::Share& share, int64_t at_ns) {
  return share.until_offset_ns() != 0 && share.until_offset_ns() <= at_ns;
}

// The part of `share` from `at_ns` on is taken away; false when nothing is left of it.
bool Cut(v1::Share& share, int64_t at_ns) {
  if (IsOver(share, at_ns)) return true;
  if (share.from_offset_ns() >= at_ns) return false;
  share.set_until_offset_ns(at_ns);
  return true;
}

void Put(v1::Adjusted& out, const DriverLife& life, const std::vector<v1::Share>& shares) {
  v1::DriverShares& entry = *out.add_shares();
  entry.set_driver_id(life.driver_id);
  entry.set_incarnation(life.incarnation);
  for (const v1::Share& share : shares) *entry.add_shares() = share;
}

}  // namespace

SharePlan::SharePlan(const v1::Started& started) {
  const v1::LoadTestSpec& spec = started.spec();
  shares_one_schedule_ = spec.has_rate() || spec.has_stages();
  is_even_ = spec.arrivals() != v1::LoadTestSpec::POISSON;
  requests_per_driver_ = spec.requests_per_driver();
  warmup_ns_ = ToNanos(spec.warmup());
  if (IsOpenLoop(spec)) schedule_ = ScheduleOf(spec);
  if (spec.has_duration()) duration_end_ns_ = warmup_ns_ + ToNanos(spec.duration());
  const double sending = LongestSendingNs(spec, started.assignments_size());
  if (sending >= 0 && sending < 9e18) end_ns_ = static_cast<int64_t>(sending);
  for (const v1::Assignment& a : started.assignments()) {
    assignments_[LifeOf(a)] = a;
    shares_[LifeOf(a)] = {OwnShare(a)};
  }
}

v1::Share SharePlan::OwnShare(const v1::Assignment& assignment) const {
  v1::Share share;
  share.set_first(shares_one_schedule_ ? assignment.slot() : 0);
  share.set_stride(shares_one_schedule_ ? assignment.slots() : 1);
  return share;
}

const std::vector<v1::Share>& SharePlan::SharesOf(const DriverLife& life) const {
  static const std::vector<v1::Share> kNone;
  const auto it = shares_.find(life);
  return it == shares_.end() ? kNone : it->second;
}

bool SharePlan::HoldsAfter(const DriverLife& life, int64_t at_ns) const {
  const std::vector<v1::Share>& shares = SharesOf(life);
  return std::any_of(shares.begin(), shares.end(),
                     [&](const v1::Share& share) { return !IsOver(share, at_ns); });
}

std::optional<int64_t> SharePlan::EndOfShares(const DriverLife& life) const {
  int64_t end = 0;
  for (const v1::Share& share : SharesOf(life)) {
    if (share.until_offset_ns() == 0) return std::nullopt;
    end = std::max(end, share.until_offset_ns());
  }
  return end;
}

bool SharePlan::HasLostShares(const DriverLife& life) const {
  const auto it = assignments_.find(life);
  if (it == assignments_.end()) return false;
  const std::vector<v1::Share>& shares = SharesOf(life);
  // What was taken from it before it began is no longer among them.
  return shares.empty() || std::any_of(shares.begin(), shares.end(), [](const v1::Share& share) {
           return share.until_offset_ns() != 0;
         });
}

v1::Adjusted SharePlan::HandOver(const DriverLife& lost, const std::vector<DriverLife>& heirs,
                                 int64_t at_ns) const {
  v1::Adjusted out;
  std::vector<v1::Share> kept;
  std::vector<std::vector<v1::Share>> inherited(heirs.size());
  for (v1::Share share : SharesOf(lost)) {
    if (IsOver(share, at_ns)) {
      kept.push_back(share);
      continue;
    }
    v1::Share rest = share;
    rest.set_from_offset_ns(std::max(at_ns, share.from_offset_ns()));
    const auto m = static_cast<int64_t>(heirs.size());
    if (share.stride() * m > kLargestStride) {
      inherited[0].push_back(rest);
    } else {
      for (int64_t j = 0; j < m; ++j) {
        v1::Share& part = inherited[static_cast<size_t>(j)].emplace_back(rest);
        part.set_first(share.first() + share.stride() * j);
        part.set_stride(share.stride() * m);
      }
    }
    if (Cut(share, at_ns)) kept.push_back(share);
  }
  Put(out, lost, kept);
  for (size_t j = 0; j < heirs.size(); ++j) {
    if (inherited[j].empty()) continue;
    std::vector<v1::Share> all = SharesOf(heirs[j]);
    all.insert(all.end(), inherited[j].begin(), inherited[j].end());
    Put(out, heirs[j], all);
  }
  return out;
}

v1::Adjusted SharePlan::GiveBack(const v1::Assignment& joined, int64_t at_ns) const {
  v1::Adjusted out;
  v1::Share own = OwnShare(joined);
  // Parts of a slot are progressions within it. Where each driver has a schedule of its own, only
  // the earlier lives of this driver have it.
  const auto is_part_of_own = [&](const DriverLife& life, const v1::Share& share) {
    if (!shares_one_schedule_) return life.driver_id == joined.driver_id();
    return share.stride() % own.stride() == 0 && share.first() % own.stride() == own.first();
  };
  for (const auto& [life, shares] : shares_) {
    std::vector<v1::Share> kept;
    bool changed = false;
    for (v1::Share share : shares) {
      if (is_part_of_own(life, share) && !IsOver(share, at_ns)) {
        changed = true;
        if (!Cut(share, at_ns)) continue;
      }
      kept.push_back(share);
    }
    if (changed) Put(out, life, kept);
  }
  own.set_from_offset_ns(at_ns);
  Put(out, LifeOf(joined), {own});
  *out.add_joined() = joined;
  return out;
}

void SharePlan::Apply(const v1::Adjusted& adjusted) {
  for (const v1::Assignment& a : adjusted.joined()) {
    assignments_[LifeOf(a)] = a;
    shares_[LifeOf(a)] = {OwnShare(a)};
  }
  for (const v1::DriverShares& entry : adjusted.shares()) {
    const auto it = shares_.find(LifeOf(entry));
    if (it != shares_.end()) it->second.assign(entry.shares().begin(), entry.shares().end());
  }
}

int64_t SharePlan::Planned(const DriverLife& life, int64_t from_ns, int64_t to_ns) const {
  int64_t sum = 0;
  for (const v1::Share& share : SharesOf(life)) sum += Count(share, from_ns, to_ns);
  return sum;
}

int64_t SharePlan::PlannedOfOthers(const DriverLife& life, int64_t from_ns, int64_t to_ns) const {
  const auto it = assignments_.find(life);
  if (it == assignments_.end()) return 0;
  const v1::Share own = OwnShare(it->second);
  int64_t sum = 0;
  for (const v1::Share& share : SharesOf(life)) {
    if (share.first() == own.first() && share.stride() == own.stride()) continue;
    sum += Count(share, from_ns, to_ns);
  }
  return sum;
}

int64_t SharePlan::Count(const v1::Share& share, int64_t from_ns, int64_t to_ns) const {
  if (!schedule_) return 0;
  from_ns = std::max(from_ns, share.from_offset_ns());
  if (share.until_offset_ns() != 0) to_ns = std::min(to_ns, share.until_offset_ns());
  to_ns = std::min(to_ns, duration_end_ns_);
  if (to_ns <= from_ns) return 0;
  const Slot slot(share.first(), share.stride());
  const auto count_before = [&](int64_t offset_ns) {
    const int64_t indices = schedule_->CountBefore(offset_ns);
    if (!is_even_) return (indices + share.stride() / 2) / share.stride();
    return slot.CountBelow(indices);
  };
  int64_t before_end = count_before(to_ns);
  if (requests_per_driver_ > 0)
    before_end = std::min(before_end, count_before(warmup_ns_) + requests_per_driver_);
  return std::max<int64_t>(0, before_end - count_before(from_ns));
}

}  // namespace loadtest
