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

TEST(LoadPlanTest, StagesAreSharedBySlotsToo) {
  v1::LoadTestSpec spec = Spec();
  v1::Stage* stage = spec.mutable_stages()->add_stages();
  stage->set_from(0.1);
  stage->set_to(0.1);
  *stage->mutable_duration() = ToDuration(100'000'000'000);
  const LoadPlan plan = Plan(spec);
  EXPECT_EQ(plan.sends.requests(), 2);
  EXPECT_EQ(DueOf(plan.sends, 0), 20'000'000'000);
  EXPECT_EQ(plan.sends.duration_ns(), 100'000'000'000);
}

TEST(LoadPlanTest, TheWarmUpOfStagesHasTheirFirstRate) {
  // 10 s at 0.4/s, where the first stage begins; then 0.4/s to 0/s.
  v1::LoadTestSpec spec = Spec();
  v1::Stage* stage = spec.mutable_stages()->add_stages();
  stage->set_from(0.4);
  *stage->mutable_duration() = ToDuration(100'000'000'000);
  *spec.mutable_warmup() = ToDuration(10'000'000'000);
  const LoadPlan falling = Plan(spec);
  EXPECT_EQ(falling.sends.warmup_ns(), 10'000'000'000);
  EXPECT_EQ(falling.sends.duration_ns(), 110'000'000'000);
  // Index 2 of the fleet.
  EXPECT_EQ(DueOf(falling.sends, 0), 5'000'000'000);
  // A ramp from 0 has its first rate at its end.
  stage->set_from(0);
  stage->set_to(0.4);
  EXPECT_EQ(DueOf(Plan(spec).sends, 0), 5'000'000'000);
}

TEST(LoadPlanTest, PoissonArrivalsShareAFleetRateButNotATsunami) {
  v1::LoadTestSpec spec = Spec();
  spec.set_arrivals(v1::LoadTestSpec::POISSON);
  spec.set_arrival_seed(3);
  spec.mutable_rate()->set_requests_per_second(40'000);
  // Slot 2 of 4 has 10,000/s.
  const LoadPlan rate = Plan(spec);
  EXPECT_EQ(rate.sends.requests(), SendPlan::kNoLimit);
  *spec.mutable_tsunami()->mutable_delay() = ToDuration(100'000);
  const LoadPlan tsunami = Plan(spec);
  DueCursor of_rate(rate.sends);
  DueCursor of_tsunami(tsunami.sends);
  of_rate.Skip(1'000);
  of_tsunami.Skip(1'000);
  EXPECT_EQ(of_rate.due_ns(), of_tsunami.due_ns());
  EXPECT_NEAR(static_cast<double>(of_rate.due_ns()), 1e8, 1e7);
}

TEST(LoadPlanTest, TakesOverHowToSpeak) {
  v1::LoadTestSpec spec = Spec();
  spec.mutable_request()->set_url("https://h/");
  spec.mutable_tls()->set_insecure(true);
  spec.set_http_version(v1::LoadTestSpec::HTTP_2);
  spec.set_streams(10);
  *spec.mutable_tsunami()->mutable_delay() = ToDuration(1'000'000);
  *spec.mutable_spin() = ToDuration(50'000);
  const LoadPlan plan = Plan(spec);
  EXPECT_TRUE(plan.is_tls);
  EXPECT_TRUE(plan.tls.insecure());
  EXPECT_EQ(plan.port, 443);
  EXPECT_TRUE(plan.is_http2);
  EXPECT_EQ(plan.streams, 10);
  EXPECT_EQ(plan.spin_ns, 50'000);
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

std::vector<Share> TheShare(const v1::LoadTestSpec& spec) {
  v1::Share share;
  share.set_first(1);
  share.set_stride(4);
  share.set_from_offset_ns(5);
  return SharesOf(spec, Slot2Of4(), {share});
}

TEST(LoadPlanTest, SharesOfAFleetsScheduleAreItsIndices) {
  v1::LoadTestSpec spec = Spec();
  spec.mutable_rate()->set_requests_per_second(10);
  EXPECT_EQ(TheShare(spec), (std::vector<Share>{{1, 4, 5, kNeverNs}}));
}

TEST(LoadPlanTest, SharesOfADriversOwnScheduleKeepWhatIsItsOwn) {
  v1::LoadTestSpec spec = Spec();
  *spec.mutable_tsunami()->mutable_delay() = ToDuration(5'000'000);
  EXPECT_EQ(TheShare(spec), (std::vector<Share>{{0, 4, 5, kNeverNs}}));
  spec.set_arrivals(v1::LoadTestSpec::POISSON);
  EXPECT_EQ(TheShare(spec), (std::vector<Share>{{2, 4, 5, kNeverNs}}));
}

}  // namespace
}  // namespace loadtest
