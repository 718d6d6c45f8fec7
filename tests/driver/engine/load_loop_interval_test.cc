// How a run is cut into intervals.
#include "tests/driver/engine/load_loop_fixture.h"

namespace loadtest {
namespace {

using Reply = SimulatedTransport::Reply;

using IntervalTest = LoadLoopTest;

TEST_F(IntervalTest, IntervalsAreCutAtMultiplesOfTheirLength) {
  UseTsunami(100 * kMs, {.duration_ns = 2'500 * kMs});
  Run();
  ASSERT_EQ(reports_.size(), 3u);
  EXPECT_EQ(reports_[0].start_offset_ns(), 0);
  EXPECT_EQ(reports_[0].end_offset_ns(), kSecond);
  EXPECT_EQ(reports_[1].start_offset_ns(), kSecond);
  EXPECT_EQ(reports_[1].end_offset_ns(), 2 * kSecond);
  EXPECT_EQ(reports_[2].start_offset_ns(), 2 * kSecond);
  EXPECT_EQ(reports_[2].end_offset_ns(), 2'401 * kMs);
  EXPECT_FALSE(reports_[0].final());
  EXPECT_FALSE(reports_[1].final());
  EXPECT_TRUE(reports_[2].final());
}

TEST_F(IntervalTest, CutsDoNotDrift) {
  UseTsunami(kMs / 2, {.duration_ns = 3'500 * kMs});
  plan_.connections = 4;
  Run();
  // The first has both its ends: what is due at the very moment of a cut was sent before it.
  EXPECT_EQ(reports_[0].measurements().counts().due(), 2001);
  EXPECT_EQ(reports_[1].measurements().counts().due(), 2000);
  EXPECT_EQ(reports_[2].measurements().counts().due(), 2000);
}

TEST_F(IntervalTest, ASilentTargetDoesNotDelayTheCut) {
  plan_.sends = SendPlan::ClosedLoop({.requests = 2});
  transport_.reply = [](int) { return Reply{.after_ns = 2'500 * kMs}; };
  Run();
  ASSERT_EQ(reports_.size(), 3u);
  EXPECT_EQ(reports_[0].measurements().counts().in_flight(), 2);
  EXPECT_EQ(reports_[1].measurements().counts().in_flight(), 2);
  EXPECT_EQ(reports_[2].measurements().counts().in_flight(), 0);
  EXPECT_EQ(reports_[1].measurements().counts().sent(), 0);
  EXPECT_EQ(reports_[1].measurements().measured_ns(), kSecond);
}

TEST_F(IntervalTest, WaitingRequestsAreAGauge) {
  UseTsunami(100 * kMs, {.requests = 11});
  plan_.connections = plan_.max_connections = 1;
  transport_.reply = [](int) { return Reply{.after_ns = 2'050 * kMs}; };
  plan_.drain_timeout_ns = 60 * kSecond;
  Run();
  // At 1 s eleven are due, and the first is in flight.
  EXPECT_EQ(reports_[0].measurements().counts().due(), 11);
  EXPECT_EQ(reports_[0].measurements().counts().waiting(), 10);
  EXPECT_EQ(counts().completed(), 11);
}

TEST_F(IntervalTest, IntervalsThatNobodyTakesAreMergedAndStayExact) {
  spares_ = 1;  // and nobody gives any back while the loop runs
  UseTsunami(100 * kMs, {.duration_ns = 5 * kSecond});
  Run();
  ASSERT_EQ(reports_.size(), 2u);
  EXPECT_EQ(reports_[0].end_offset_ns(), kSecond);
  EXPECT_EQ(reports_[1].start_offset_ns(), kSecond);
  EXPECT_EQ(reports_[1].end_offset_ns(), 4'901 * kMs);
  EXPECT_EQ(reports_[1].measurements().measured_ns(), 3'901 * kMs);
  EXPECT_EQ(counts().completed(), 50);
}

TEST_F(IntervalTest, ALoopThatWasHeldUpCutsOneLongInterval) {
  UseTsunami(100 * kMs, {.duration_ns = 5 * kSecond});
  plan_.connections = 60;
  transport_.At(kStart + 500 * kMs, [this] { clock_.Advance(2'700 * kMs); });  // until 3.2 s
  Run();
  EXPECT_EQ(reports_[0].start_offset_ns(), 0);
  EXPECT_EQ(reports_[0].end_offset_ns(), 3 * kSecond);
  EXPECT_EQ(reports_[1].end_offset_ns(), 4 * kSecond);
  EXPECT_EQ(counts().completed(), 50);
}

TEST_F(IntervalTest, ConnectionsMadeWhileArmingAreInTheFirstInterval) {
  plan_.sends = SendPlan::ClosedLoop({.duration_ns = 1'500 * kMs});
  Run();
  EXPECT_EQ(reports_[0].measurements().connects(), 2);
  EXPECT_EQ(reports_[1].measurements().connects(), 0);
}

TEST_F(IntervalTest, BytesAreCounted) {
  plan_.sends = SendPlan::ClosedLoop({.requests = 2});
  Run();
  EXPECT_EQ(total_.ToProto().bytes_sent(), 2 * 27);
  EXPECT_EQ(total_.ToProto().bytes_received(), 2 * 40);
}

}  // namespace
}  // namespace loadtest
