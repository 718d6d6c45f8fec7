#include "driver/engine/load_plan.h"

#include <gtest/gtest.h>

#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

int64_t DueOf(const SendPlan& plan, int64_t n) {
  DueCursor cursor(plan);
  cursor.Skip(n);
  return cursor.due_ns();
}

v1::LoadTestSpec Spec() {
  v1::LoadTestSpec spec;
  spec.mutable_request()->set_url("http://h:81/x");
  spec.mutable_avalanche();
  return spec;
}

v1::Assignment Slot2Of4() {
  v1::Assignment assignment;
  assignment.set_slot(2);
  assignment.set_slots(4);
  return assignment;
}

LoadPlan Plan(const v1::LoadTestSpec& spec) {
  const absl::StatusOr<v1::LoadTestSpec> valid = ValidateSpec(spec);
  EXPECT_TRUE(valid.ok()) << valid.status();
  const absl::StatusOr<LoadPlan> plan = MakeLoadPlan(*valid, Slot2Of4(), 1'000'000'000);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return *plan;
}

TEST(LoadPlanTest, AvalancheIsAClosedLoopWithAsManyConnectionsAsWereAskedFor) {
  v1::LoadTestSpec spec = Spec();
  spec.set_connections(16);
  spec.set_requests_per_driver(20'000);
  const LoadPlan plan = Plan(spec);
  EXPECT_FALSE(plan.sends.is_open_loop());
  EXPECT_EQ(plan.sends.requests(), 20'000);
  EXPECT_EQ(plan.sends.duration_ns(), SendPlan::kNoLimit);
  EXPECT_EQ(plan.connections, 16);
  EXPECT_EQ(plan.max_connections, 16);
  EXPECT_EQ(plan.host, "h");
  EXPECT_EQ(plan.port, 81);
}

TEST(LoadPlanTest, TsunamiIsTheSameOnEachDriver) {
  v1::LoadTestSpec spec = Spec();
  *spec.mutable_tsunami()->mutable_delay() = ToDuration(5'000'000);
  spec.set_requests_per_driver(1000);
  const LoadPlan plan = Plan(spec);
  EXPECT_TRUE(plan.sends.is_open_loop());
  EXPECT_EQ(plan.sends.requests(), 1000);
  EXPECT_EQ(DueOf(plan.sends, 1), 5'000'000);
  EXPECT_EQ(plan.max_connections, 4096);
}

TEST(LoadPlanTest, AFleetRateIsSharedBySlots) {
  v1::LoadTestSpec spec = Spec();
  spec.mutable_rate()->set_requests_per_second(0.1);
  *spec.mutable_duration() = ToDuration(100'000'000'000);
  const LoadPlan plan = Plan(spec);
  // 10 requests of the fleet, one every 10 s; the slot has indices 2 and 6.
  EXPECT_EQ(plan.sends.requests(), 2);
  EXPECT_EQ(DueOf(plan.sends, 0), 20'000'000'000);
  EXPECT_EQ(DueOf(plan.sends, 1), 60'000'000'000);
}

TEST(LoadPlanTest, AnAssignmentOutsideTheSlotsIsRefused) {
  v1::Assignment assignment;
  assignment.set_slot(3);
  assignment.set_slots(3);
  EXPECT_EQ(MakeLoadPlan(*ValidateSpec(Spec()), assignment, 1).status().message(),
            "assignment.slot: got 3, want 0 to slots - 1 (slots is 3)");
}

TEST(LoadPlanTest, AnIntervalOfNothingIsRefused) {
  EXPECT_EQ(MakeLoadPlan(*ValidateSpec(Spec()), Slot2Of4(), 0).status().message(),
            "metrics_interval_ns: got 0, want more than 0");
}

}  // namespace
}  // namespace loadtest
