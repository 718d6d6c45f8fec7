// How a run ends: plan done, drain time over, stopped.
#include "tests/driver/engine/load_loop_fixture.h"

namespace loadtest {
namespace {

using Reply = SimulatedTransport::Reply;

using EndOfRunTest = LoadLoopTest;

TEST_F(EndOfRunTest, RequestsInFlightAtTheEndOfTheDrainTimeAreAbandoned) {
  plan_.drain_timeout_ns = 100 * kMs;
  plan_.sends = SendPlan::ClosedLoop({.requests = 2});
  transport_.reply = [](int) { return Reply{.bytes = ""}; };
  Run();
  EXPECT_EQ(counts().failed(), 2);
  EXPECT_EQ(counts().abandoned(), 2);
  EXPECT_EQ(ErrorsOf(v1::ABANDONED), 2);
  EXPECT_EQ(last().end_offset_ns(), 100 * kMs);
  EXPECT_EQ(last().end_reason(), v1::MetricsReport::PLAN_DONE);
}

TEST_F(EndOfRunTest, ResponsesInTheDrainTimeCount) {
  plan_.sends = SendPlan::ClosedLoop({.requests = 2});
  transport_.reply = [](int) { return Reply{.after_ns = 2 * kSecond}; };
  Run();
  EXPECT_EQ(counts().completed(), 2);
  EXPECT_EQ(last().end_offset_ns(), 2 * kSecond);
}

TEST_F(EndOfRunTest, WaitingRequestsMayBeSentInTheDrainTime) {
  UseTsunami(10 * kMs, {.requests = 4});
  plan_.connections = plan_.max_connections = 1;
  transport_.reply = [](int) { return Reply{.after_ns = 50 * kMs}; };
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 50, 100, 150}));
  EXPECT_EQ(counts().completed(), 4);
}

TEST_F(EndOfRunTest, WaitingRequestsThatFoundAllConnectionsBusyAreDroppedWithThatReason) {
  UseTsunami(10 * kMs, {.requests = 10});
  plan_.connections = plan_.max_connections = 2;
  plan_.drain_timeout_ns = 100 * kMs;
  transport_.reply = [](int) { return Reply{.bytes = ""}; };
  Run();
  EXPECT_EQ(counts().sent(), 2);
  EXPECT_EQ(counts().abandoned(), 2);
  EXPECT_EQ(ErrorsOf(v1::OUT_OF_CONNECTIONS), 8);
  EXPECT_EQ(ExampleOf(v1::OUT_OF_CONNECTIONS), "all 2 connections were busy");
}

TEST_F(EndOfRunTest, AStopSendsNothingMoreAndDropsWhatWaits) {
  UseTsunami(10 * kMs, {.requests = 1000});
  plan_.connections = plan_.max_connections = 1;
  transport_.reply = [](int) { return Reply{.after_ns = 100 * kMs}; };
  transport_.At(kStart + 55 * kMs, [this] { control_.OrderStop(v1::MetricsReport::STOP_ORDERED); });
  Run();
  // Due at 0, 10 ... 50; the first is in flight when the order comes.
  EXPECT_EQ(counts().due(), 6);
  EXPECT_EQ(counts().completed(), 1);
  EXPECT_EQ(ErrorsOf(v1::NOT_SENT_BEFORE_END), 5);
  EXPECT_EQ(last().end_reason(), v1::MetricsReport::STOP_ORDERED);
  EXPECT_EQ(last().end_offset_ns(), 100 * kMs);
}

TEST_F(EndOfRunTest, AStopOfAClosedLoopTakesNoRequestUpAnyMore) {
  plan_.sends = SendPlan::ClosedLoop({.duration_ns = 10 * kSecond});
  transport_.reply = [](int) { return Reply{.after_ns = 10 * kMs}; };
  transport_.At(kStart + 25 * kMs, [this] { control_.OrderStop(v1::MetricsReport::STOP_ORDERED); });
  Run();
  EXPECT_EQ(counts().completed(), 6);
  EXPECT_EQ(last().end_offset_ns(), 30 * kMs);
}

TEST_F(EndOfRunTest, AStopBeforeTheStartEndsAtOnce) {
  UseTsunami(10 * kMs, {.requests = 1000});
  transport_.At(kStart / 2, [this] { control_.OrderStop(v1::MetricsReport::STOP_ORDERED); });
  Run();
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(counts().due(), 0);
  EXPECT_FALSE(last().has_sent());
  EXPECT_EQ(last().end_offset_ns(), 0);
  EXPECT_EQ(clock_.Now().ns, kStart / 2);
}

TEST_F(EndOfRunTest, AStoppedDriverDoesNotWaitForSlowResponses) {
  plan_.sends = SendPlan::ClosedLoop({.duration_ns = 10 * kSecond});
  transport_.reply = [](int) { return Reply{.bytes = ""}; };
  transport_.At(kStart + 100 * kMs,
                [this] { control_.OrderStop(v1::MetricsReport::DRIVER_STOPPED); });
  Run();
  EXPECT_EQ(counts().abandoned(), 2);
  EXPECT_EQ(last().end_reason(), v1::MetricsReport::DRIVER_STOPPED);
  EXPECT_EQ(last().end_offset_ns(), 600 * kMs);
}

TEST_F(EndOfRunTest, AFailedDriverSaysWhy) {
  plan_.sends = SendPlan::ClosedLoop({.duration_ns = 10 * kSecond});
  transport_.At(kStart + 100 * kMs,
                [this] { control_.OrderStop(v1::MetricsReport::DRIVER_FAILED, "no more"); });
  Run();
  EXPECT_EQ(last().end_reason(), v1::MetricsReport::DRIVER_FAILED);
  EXPECT_EQ(last().error(), "no more");
}

TEST_F(EndOfRunTest, ASlotWithoutAnyRequestEndsAtTheStart) {
  UseTsunami(1, {});
  plan_.sends =
      SendPlan::OpenLoop(Schedule::AtRate(kSecond), Slot(5, 8), {.duration_ns = 3 * kSecond});
  Run();
  EXPECT_EQ(counts().due(), 0);
  EXPECT_EQ(last().end_offset_ns(), 0);
  EXPECT_EQ(last().end_reason(), v1::MetricsReport::PLAN_DONE);
}

}  // namespace
}  // namespace loadtest
