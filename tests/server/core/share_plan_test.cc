#include "server/core/share_plan.h"

#include <gtest/gtest.h>

#include <set>

#include "common/base/time.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

constexpr int64_t kSecond = kNanosPerSecond;

// 12/s of the whole fleet: index i is due at i/12 s.
v1::Started StartedAt12PerSecond(int drivers, int seconds) {
  v1::Started started;
  started.mutable_spec()->mutable_rate()->set_requests_per_second(12);
  *started.mutable_spec()->mutable_duration() = ToDuration(seconds * kSecond);
  for (int i = 0; i < drivers; ++i) {
    v1::Assignment* a = started.add_assignments();
    a->set_driver_id(std::string(1, static_cast<char>('a' + i)));
    a->set_incarnation(1);
    a->set_slot(i);
    a->set_slots(drivers);
  }
  return started;
}

const DriverLife kA{"a", 1};
const DriverLife kB{"b", 1};
const DriverLife kC{"c", 1};

// Requests of all lives that are due in [from, to).
int64_t PlannedOfAll(const SharePlan& plan, std::initializer_list<DriverLife> lives, int64_t from,
                     int64_t to) {
  int64_t sum = 0;
  for (const DriverLife& life : lives) sum += plan.Planned(life, from, to);
  return sum;
}

TEST(SharePlanTest, GivesEachDriverItsSlotToTheEndOfThePlan) {
  const SharePlan plan(StartedAt12PerSecond(3, 10));
  EXPECT_EQ(plan.end_ns(), 10 * kSecond);
  EXPECT_EQ(plan.Planned(kA, 0, 100 * kSecond), 40);
  EXPECT_EQ(plan.Planned(kB, 0, kSecond), 4);
  EXPECT_EQ(plan.Planned(kB, kSecond, 3 * kSecond), 8);
  EXPECT_FALSE(plan.EndOfShares(kB).has_value());
}

TEST(SharePlanTest, SplitsALostSlotByArithmeticProgression) {
  SharePlan plan(StartedAt12PerSecond(3, 10));
  const v1::Adjusted adjusted = plan.HandOver(kB, {kA, kC}, 4 * kSecond);
  plan.Apply(adjusted);
  ASSERT_EQ(plan.SharesOf(kA).size(), 2u);
  // b had 1, 4, 7, 10 ...: a gets 1, 7, 13 ... and c gets 4, 10, 16 ...
  EXPECT_EQ(plan.SharesOf(kA)[1].first(), 1);
  EXPECT_EQ(plan.SharesOf(kA)[1].stride(), 6);
  EXPECT_EQ(plan.SharesOf(kC)[1].first(), 4);
  EXPECT_EQ(plan.SharesOf(kC)[1].from_offset_ns(), 4 * kSecond);
  EXPECT_EQ(plan.EndOfShares(kB), 4 * kSecond);
  EXPECT_EQ(plan.Planned(kB, 0, 10 * kSecond), 16) << "4/s for 4 s";
  EXPECT_EQ(plan.PlannedOfOthers(kA, 0, 10 * kSecond), 12) << "2/s for 6 s";
  EXPECT_EQ(PlannedOfAll(plan, {kA, kB, kC}, 0, 10 * kSecond), 120);
}

TEST(SharePlanTest, KeepsEveryIndexOnceWhenAnHeirIsLostToo) {
  SharePlan plan(StartedAt12PerSecond(3, 10));
  plan.Apply(plan.HandOver(kB, {kA, kC}, 4 * kSecond));
  plan.Apply(plan.HandOver(kC, {kA}, 6 * kSecond));
  EXPECT_EQ(plan.Planned(kA, 6 * kSecond, 10 * kSecond), 48) << "alone it sends all";
  // Index by index: nobody sends what another one sends.
  std::multiset<int64_t> indices;
  for (const DriverLife& life : {kA, kB, kC}) {
    for (const v1::Share& share : plan.SharesOf(life)) {
      for (int64_t i = share.first(); i < 120; i += share.stride()) {
        const int64_t due = i * kSecond / 12;
        if (due >= share.from_offset_ns() &&
            (share.until_offset_ns() == 0 || due < share.until_offset_ns()))
          indices.insert(i);
      }
    }
  }
  EXPECT_EQ(indices.size(), 120u);
  EXPECT_EQ(std::set<int64_t>(indices.begin(), indices.end()).size(), 120u);
}

TEST(SharePlanTest, GivesASlotBackToANewLife) {
  SharePlan plan(StartedAt12PerSecond(3, 10));
  plan.Apply(plan.HandOver(kB, {kA, kC}, 4 * kSecond));
  v1::Assignment joined;
  joined.set_driver_id("b");
  joined.set_incarnation(2);
  joined.set_slot(1);
  joined.set_slots(3);
  const v1::Adjusted adjusted = plan.GiveBack(joined, 7 * kSecond);
  EXPECT_EQ(adjusted.joined_size(), 1);
  plan.Apply(adjusted);
  const DriverLife new_b{"b", 2};
  EXPECT_EQ(plan.Planned(new_b, 0, 10 * kSecond), 12) << "4/s for 3 s";
  EXPECT_EQ(plan.Planned(kA, 7 * kSecond, 10 * kSecond), 12) << "its own slot alone";
  EXPECT_FALSE(plan.EndOfShares(kA).has_value());
  EXPECT_EQ(PlannedOfAll(plan, {kA, kB, kC, new_b}, 0, 10 * kSecond), 120);
}

TEST(SharePlanTest, GivesASlotBackThatNobodyTookOver) {
  SharePlan plan(StartedAt12PerSecond(2, 10));
  v1::Assignment joined;
  joined.set_driver_id("b");
  joined.set_incarnation(2);
  joined.set_slot(1);
  joined.set_slots(2);
  plan.Apply(plan.GiveBack(joined, 5 * kSecond));
  EXPECT_EQ(plan.EndOfShares(kB), 5 * kSecond);
  EXPECT_EQ(PlannedOfAll(plan, {kA, kB, {"b", 2}}, 0, 10 * kSecond), 120);
}

TEST(SharePlanTest, CountsRequestsAfterTheWarmupAgainstTheirNumber) {
  v1::Started started = StartedAt12PerSecond(2, 0);
  started.mutable_spec()->clear_duration();
  started.mutable_spec()->set_requests_per_driver(30);
  *started.mutable_spec()->mutable_warmup() = ToDuration(2 * kSecond);
  const SharePlan plan(started);
  EXPECT_EQ(plan.Planned(kA, 2 * kSecond, 100 * kSecond), 30);
  EXPECT_EQ(plan.Planned(kA, 0, 100 * kSecond), 42) << "6/s for 2 s before";
}

TEST(SharePlanTest, CountsATsunamiOfEachDriverForItself) {
  v1::Started started = StartedAt12PerSecond(3, 10);
  *started.mutable_spec()->mutable_tsunami()->mutable_delay() = ToDuration(kSecond / 4);
  const SharePlan plan(started);
  EXPECT_EQ(plan.Planned(kA, 0, 100 * kSecond), 40);
  EXPECT_EQ(plan.Planned(kC, 9 * kSecond, 100 * kSecond), 4);
}

TEST(SharePlanTest, ExpectsAPoissonProcessToKeepItsRate) {
  v1::Started started = StartedAt12PerSecond(3, 10);
  started.mutable_spec()->set_arrivals(v1::LoadTestSpec::POISSON);
  const SharePlan plan(started);
  EXPECT_EQ(plan.Planned(kB, 0, 5 * kSecond), 20);
}

TEST(SharePlanTest, KnowsNoRequestsOfAClosedLoop) {
  v1::Started started = StartedAt12PerSecond(2, 10);
  started.mutable_spec()->mutable_avalanche();
  const SharePlan plan(started);
  EXPECT_FALSE(plan.is_open_loop());
  EXPECT_EQ(plan.Planned(kA, 0, 10 * kSecond), 0);
  EXPECT_EQ(plan.end_ns(), 10 * kSecond);
}

}  // namespace
}  // namespace loadtest
