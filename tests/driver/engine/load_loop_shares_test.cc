// Orders to go on with other shares, while the loop runs.
#include "tests/driver/engine/load_loop_fixture.h"

namespace loadtest {
namespace {

class SharesTest : public LoadLoopTest {
 protected:
  // A request every 10 ms, of which this driver has every second one: 0, 20, 40 ms ...
  void UseHalfOfARate(SendPlan::Limits limits) {
    plan_.sends = SendPlan::OpenLoop(Schedule::AtRate(100 * kSecond), Slot(0, 2), limits);
    plan_.max_connections = 100;
  }

  void OrderAt(int64_t offset_ns, std::vector<Share> shares) {
    transport_.At(kStart + offset_ns,
                  [this, shares = std::move(shares)] { control_.OrderShares(shares); });
  }
};

TEST_F(SharesTest, WhatIsTakenOverIsSentWhenItIsDue) {
  UseHalfOfARate({.duration_ns = 100 * kMs});
  OrderAt(45 * kMs, {{0, 2}, {1, 2, 50 * kMs}});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 20, 40, 50, 60, 70, 80, 90}));
  EXPECT_EQ(total_.send_delay().max(), 0);
}

TEST_F(SharesTest, WhatWasDueBeforeTheOrderCameIsSentAtOnceAndItsDelayCounts) {
  UseHalfOfARate({.duration_ns = 100 * kMs});
  OrderAt(45 * kMs, {{0, 2}, {1, 2, 25 * kMs}});
  Run();
  // 30 ms of the other half, at 45 ms; a second connection is there for it.
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 20, 40, 45, 50, 60, 70, 80, 90}));
  EXPECT_EQ(total_.send_delay().max(), 15 * kMs);
  EXPECT_EQ(counts().due(), 9);
}

TEST_F(SharesTest, WhatIsGivenUpIsNotSentFromItsEndOn) {
  UseHalfOfARate({.duration_ns = 100 * kMs});
  OrderAt(45 * kMs, {{0, 2, 0, 60 * kMs}});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 20, 40}));
  EXPECT_EQ(last().end_reason(), v1::MetricsReport::PLAN_DONE);
}

TEST_F(SharesTest, NoShareAtAllEndsTheRun) {
  UseHalfOfARate({.duration_ns = 100 * kMs});
  OrderAt(45 * kMs, {});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 20, 40}));
  EXPECT_EQ(counts().due(), 3);
}

TEST_F(SharesTest, RequestsThatWaitAreKeptAndSentInTheOrderOfTheirDueTimes) {
  UseHalfOfARate({.duration_ns = 100 * kMs});
  plan_.connections = plan_.max_connections = 1;
  transport_.reply = [](int request) {
    return SimulatedTransport::Reply{.after_ns = request == 0 ? 65 * kMs : kMs};
  };
  // At 45 ms those of 20 and 40 ms wait; that of 30 ms comes between them.
  OrderAt(45 * kMs, {{1, 2, 25 * kMs}});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 65, 66, 67, 68, 70, 90}));
  EXPECT_EQ(counts().sent(), 7);
  // Due at 0, 20, 30, 40, 50, 70, 90.
  EXPECT_EQ(total_.send_delay().sum(), (45 + 36 + 27 + 18) * kMs);
}

TEST_F(SharesTest, OrdersBeforeTheStartReplaceThePlan) {
  UseHalfOfARate({.duration_ns = 100 * kMs});
  OrderAt(-10 * kMs, {{1, 2}});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{10, 30, 50, 70, 90}));
}

TEST_F(SharesTest, OfSeveralOrdersEachCounts) {
  UseHalfOfARate({.duration_ns = 100 * kMs});
  transport_.At(kStart + 45 * kMs, [this] {
    control_.OrderShares({{0, 2}, {1, 2, 25 * kMs, 40 * kMs}});
    control_.OrderShares({{0, 2}});
  });
  Run();
  // What the first one had made due is kept.
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 20, 40, 45, 60, 80}));
}

TEST_F(SharesTest, ADriverThatDrainsRunsAgain) {
  UseHalfOfARate({.duration_ns = 100 * kMs});
  plan_.connections = 6;
  transport_.reply = [](int) { return SimulatedTransport::Reply{.after_ns = 50 * kMs}; };
  OrderAt(95 * kMs, {{0, 2}, {1, 2, 85 * kMs}});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 20, 40, 60, 80, 95}));
  EXPECT_EQ(counts().completed(), 6);
  EXPECT_FALSE(control_.HasShares());
}

TEST_F(SharesTest, AnOrderThatComesAfterTheEndIsLeftForWhoGaveIt) {
  UseHalfOfARate({.duration_ns = 100 * kMs});
  Run();
  control_.OrderShares({{1, 2}});
  EXPECT_TRUE(control_.HasShares());
}

TEST_F(SharesTest, AStopIsNotUndoneByShares) {
  UseHalfOfARate({.duration_ns = 100 * kMs});
  transport_.reply = [](int) { return SimulatedTransport::Reply{.after_ns = 30 * kMs}; };
  transport_.At(kStart + 45 * kMs, [this] {
    control_.OrderStop(v1::MetricsReport::STOP_ORDERED);
    control_.OrderShares({{0, 2}, {1, 2}});
  });
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 20, 40}));
  EXPECT_EQ(last().end_reason(), v1::MetricsReport::STOP_ORDERED);
}

TEST_F(SharesTest, WhatIsTakenOverOfTheWarmUpIsNotMeasured) {
  UseHalfOfARate({.duration_ns = 60 * kMs, .warmup_ns = 40 * kMs});
  // Of the other half 30 ms is in the warm-up; 50 and 70 and 90 ms are not.
  OrderAt(45 * kMs, {{0, 2}, {1, 2, 25 * kMs}});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 20, 40, 45, 50, 60, 70, 80, 90}));
  EXPECT_EQ(counts().sent(), 6);
  int64_t warmup = 0;
  for (const v1::MetricsReport& report : reports_) warmup += report.measurements().warmup().sent();
  EXPECT_EQ(warmup, 3);
}

TEST_F(SharesTest, WhoJoinsBeginsAtItsBeginAndCountsFromTheCommonStart) {
  UseHalfOfARate({.duration_ns = 4 * kSecond});
  plan_.sends = plan_.sends.WithShares({{0, 2, 3'905 * kMs}});
  // The common start was before the driver was there.
  plan_.start = {kStart - 3 * kSecond};
  Run();
  EXPECT_EQ(transport_.send_times.at(0).ns, plan_.start.ns + 3'920 * kMs);
  EXPECT_EQ(counts().sent(), 4);
  EXPECT_EQ(reports_.at(0).start_offset_ns(), 3'905 * kMs);
  EXPECT_EQ(last().first_send_offset_ns(), 3'920 * kMs);
}

TEST_F(SharesTest, WhoJoinsLateWaitsForItsConnectionsAndSendsWhatIsDue) {
  UseHalfOfARate({.duration_ns = 4 * kSecond});
  plan_.sends = plan_.sends.WithShares({{1, 4, 3'500 * kMs}});
  plan_.start = {-3'900 * kMs};
  transport_.connect_ns = 20 * kMs;
  plan_.connections = 20;
  Run();
  // 3,530, 3,570 ... 3,890 are late, 3,930 and 3,970 are not.
  EXPECT_EQ(counts().sent(), 12);
  EXPECT_EQ(transport_.send_times.at(0).ns, 20 * kMs);
  EXPECT_EQ(transport_.send_times.at(9).ns, 20 * kMs);
  EXPECT_EQ(total_.send_delay().max(), (3'920 - 3'530) * kMs);
  // It did not open more for what was late.
  EXPECT_EQ(transport_.connect_times.size(), 20u);
}

TEST_F(SharesTest, WhoJoinsAClosedLoopSendsForTheRestOfTheDuration) {
  plan_.sends =
      SendPlan::ClosedLoop({.duration_ns = 4 * kSecond}).WithShares({{.from_ns = 3'500 * kMs}});
  plan_.start = {-3'900 * kMs};
  Run();
  // Two connections, 1 ms a request, from 0.1 ms to 100 ms.
  EXPECT_EQ(counts().sent(), 200);
  EXPECT_EQ(last().last_send_offset_ns(), 3'999'100'000);
}

TEST_F(SharesTest, AClosedLoopStopsAtTheEndOfItsShare) {
  plan_.sends = SendPlan::ClosedLoop({.duration_ns = 4 * kSecond});
  OrderAt(10 * kMs + 1, {{.until_ns = 20 * kMs}});
  Run();
  EXPECT_EQ(counts().sent(), 40);
  EXPECT_EQ(last().end_reason(), v1::MetricsReport::PLAN_DONE);
}

}  // namespace
}  // namespace loadtest
