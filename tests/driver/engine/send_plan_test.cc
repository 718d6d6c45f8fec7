#include "driver/engine/send_plan.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

int64_t DueOf(const SendPlan& plan, int64_t n) {
  DueCursor cursor(plan);
  cursor.Skip(n);
  return cursor.due_ns();
}

int64_t CountDue(const SendPlan& plan, int64_t offset_ns) {
  DueCursor cursor(plan);
  cursor.SkipDue(offset_ns);
  return cursor.n();
}

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNano = 1'000'000'000;  // rates are in 10^-9 requests per second

TEST(ScheduleTest, EveryDelayIsAMultipleOfTheDelay) {
  const Schedule schedule = Schedule::EveryDelay(5'000'000);
  EXPECT_EQ(schedule.Due(0), 0);
  EXPECT_EQ(schedule.Due(1), 5'000'000);
  EXPECT_EQ(schedule.Due(999), 4'995'000'000);
}

TEST(ScheduleTest, RateRoundsEachDueTimeDownByItself) {
  const Schedule schedule = Schedule::AtRate(3 * kNano);
  EXPECT_EQ(schedule.Due(1), 333'333'333);
  EXPECT_EQ(schedule.Due(2), 666'666'666);
  EXPECT_EQ(schedule.Due(3), 1'000'000'000);
}

TEST(ScheduleTest, RateDoesNotDriftInTenMinutesAt700000PerSecond) {
  const Schedule schedule = Schedule::AtRate(700'000 * kNano);
  EXPECT_EQ(schedule.Due(420'000'000), 600 * kSecond);
}

TEST(ScheduleTest, RateIsExactAfterAWeekAtTheHighestRate) {
  const Schedule schedule = Schedule::AtRate(1'000'000'000 * kNano);
  EXPECT_EQ(schedule.Due(604'800'000'000'000), 604'800 * kSecond);
}

TEST(ScheduleTest, RateBelowOnePerSecond) {
  const Schedule schedule = Schedule::AtRate(kNano / 4);
  EXPECT_EQ(schedule.Due(3), 12 * kSecond);
}

TEST(ScheduleTest, CountBeforeDoesNotCountWhatIsDueAtTheEnd) {
  const Schedule schedule = Schedule::EveryDelay(5'000'000);
  EXPECT_EQ(schedule.CountBefore(0), 0);
  EXPECT_EQ(schedule.CountBefore(1), 1);
  EXPECT_EQ(schedule.CountBefore(5 * kSecond), 1000);
  EXPECT_EQ(schedule.CountBefore(5 * kSecond + 1), 1001);
}

TEST(ScheduleTest, CountBeforeAgreesWithDueAtEveryIndex) {
  const Schedule schedule = Schedule::AtRate(7 * kNano + 123'456'789);
  for (int64_t index = 0; index < 1000; ++index) {
    EXPECT_EQ(schedule.CountBefore(schedule.Due(index)), index);
    EXPECT_EQ(schedule.CountBefore(schedule.Due(index) + 1), index + 1);
  }
}

TEST(ScheduleTest, AnAmountBetweenTwoRequestsIsDueBetweenThem) {
  const Schedule schedule = Schedule::AtRate(4 * kNano);
  EXPECT_EQ(schedule.DueOf(3 * kOneRequest), schedule.Due(3));
  EXPECT_EQ(schedule.DueOf(3 * kOneRequest + kOneRequest / 2), 875'000'000);
}

TEST(ScheduleTest, WhatIsDueInCenturiesIsDueNever) {
  EXPECT_EQ(Schedule::AtRate(1'000).Due(1'000'000), kNeverNs);
  EXPECT_EQ(Schedule::EveryDelay(3'600 * kSecond).Due(1'000'000'000'000), kNeverNs);
}

TEST(SlotTest, SlotsCoverEveryIndexOnce) {
  EXPECT_EQ(Slot(0, 3).IndexOf(2), 6);
  EXPECT_EQ(Slot(1, 3).IndexOf(2), 7);
  EXPECT_EQ(Slot(2, 3).IndexOf(2), 8);
  // Of the indices 0 to 9: {0, 3, 6, 9}, {1, 4, 7}, {2, 5, 8}.
  EXPECT_EQ(Slot(0, 3).CountBelow(10), 4);
  EXPECT_EQ(Slot(1, 3).CountBelow(10), 3);
  EXPECT_EQ(Slot(2, 3).CountBelow(10), 3);
  EXPECT_EQ(Slot(2, 3).CountBelow(2), 0);
}

TEST(SendPlanTest, DurationSendsWhatIsDueBeforeItsEnd) {
  const SendPlan plan =
      SendPlan::OpenLoop(Schedule::EveryDelay(5'000'000), Slot(), {.duration_ns = 5 * kSecond});
  EXPECT_EQ(plan.requests(), 1000);
  EXPECT_EQ(DueOf(plan, plan.requests() - 1), 4'995'000'000);
}

TEST(SendPlanTest, WhicheverLimitComesFirstEndsAnOpenLoop) {
  const Schedule schedule = Schedule::EveryDelay(5'000'000);
  EXPECT_EQ(
      SendPlan::OpenLoop(schedule, Slot(), {.requests = 7, .duration_ns = kSecond}).requests(), 7);
  EXPECT_EQ(
      SendPlan::OpenLoop(schedule, Slot(), {.requests = 700, .duration_ns = kSecond}).requests(),
      200);
}

TEST(SendPlanTest, FleetRateIsDealtToTheSlotsWithoutRest) {
  // 10/s for 1 s over 3 drivers: 4 + 3 + 3.
  int64_t all = 0;
  for (int slot = 0; slot < 3; ++slot) {
    const SendPlan plan =
        SendPlan::OpenLoop(Schedule::AtRate(10 * kNano), Slot(slot, 3), {.duration_ns = kSecond});
    EXPECT_EQ(DueOf(plan, 0), slot * 100'000'000);
    EXPECT_EQ(DueOf(plan, 1), (slot + 3) * 100'000'000);
    all += plan.requests();
  }
  EXPECT_EQ(all, 10);
}

TEST(SendPlanTest, CountDueIncludesWhatIsDueNow) {
  const SendPlan plan = SendPlan::OpenLoop(Schedule::EveryDelay(1'000), Slot(), {.requests = 5});
  EXPECT_EQ(CountDue(plan, -1), 0);
  EXPECT_EQ(CountDue(plan, 0), 1);
  EXPECT_EQ(CountDue(plan, 1'999), 2);
  EXPECT_EQ(CountDue(plan, 2'000), 3);
  EXPECT_EQ(CountDue(plan, kSecond), 5);
}

TEST(SendPlanTest, TheWarmUpComesBeforeBothLimits) {
  const Schedule schedule = Schedule::EveryDelay(10'000'000);
  const SendPlan by_count =
      SendPlan::OpenLoop(schedule, Slot(), {.requests = 10, .warmup_ns = kSecond});
  EXPECT_EQ(by_count.requests(), 110);
  EXPECT_EQ(by_count.warmup_ns(), kSecond);
  const SendPlan by_time =
      SendPlan::OpenLoop(schedule, Slot(), {.duration_ns = 2 * kSecond, .warmup_ns = kSecond});
  EXPECT_EQ(by_time.requests(), 300);
  EXPECT_EQ(by_time.duration_ns(), 3 * kSecond);
}

TEST(SendPlanTest, ACursorGoesThroughTheRequestsOfItsSlot) {
  const SendPlan plan =
      SendPlan::OpenLoop(Schedule::AtRate(10 * kNano), Slot(1, 3), {.duration_ns = kSecond});
  DueCursor at(plan);
  EXPECT_EQ(at.n(), 0);
  EXPECT_EQ(at.due_ns(), 100'000'000);
  at.Advance();
  EXPECT_EQ(at.due_ns(), 400'000'000);
  at.Skip(1);
  EXPECT_EQ(at.due_ns(), 700'000'000);
  at.Advance();
  EXPECT_TRUE(at.at_end());
  EXPECT_EQ(at.n(), 3);
  EXPECT_EQ(at.due_ns(), kNeverNs);
}

TEST(SendPlanTest, ACursorSkipsWhatIsDueNowToo) {
  const SendPlan plan = SendPlan::OpenLoop(Schedule::EveryDelay(1'000), Slot(), {.requests = 5});
  DueCursor at(plan);
  at.SkipDue(-1);
  EXPECT_EQ(at.n(), 0);
  at.SkipDue(1'999);
  EXPECT_EQ(at.n(), 2);
  at.SkipDue(2'000);
  EXPECT_EQ(at.n(), 3);
  at.SkipDue(kSecond);
  EXPECT_EQ(at.n(), 5);
  EXPECT_TRUE(at.at_end());
}

TEST(SendPlanTest, ACursorOfAnEmptyPlanIsAtItsEnd) {
  const SendPlan plan =
      SendPlan::OpenLoop(Schedule::EveryDelay(kSecond), Slot(3, 8), {.duration_ns = kSecond});
  EXPECT_TRUE(DueCursor(plan).at_end());
}

TEST(SendPlanTest, InAClosedLoopACursorOnlyCounts) {
  const SendPlan plan = SendPlan::ClosedLoop({.requests = 2});
  DueCursor at(plan);
  at.Advance();
  at.Skip(6);
  EXPECT_EQ(at.n(), 7);
  EXPECT_FALSE(at.at_end());
  EXPECT_EQ(at.due_ns(), kNeverNs);
}

}  // namespace
}  // namespace loadtest
