// Open loop: requests leave when they are due, whatever the target does.
#include "tests/driver/engine/load_loop_fixture.h"

namespace loadtest {
namespace {

using OpenLoopTest = LoadLoopTest;

TEST_F(OpenLoopTest, SendsStartToStartAtEveryDelay) {
  UseTsunami(5 * kMs, {.requests = 4});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 5, 10, 15}));
  EXPECT_EQ(counts().completed(), 4);
  EXPECT_EQ(last().end_offset_ns(), 16 * kMs);
  EXPECT_EQ(last().last_send_offset_ns(), 15 * kMs);
}

TEST_F(OpenLoopTest, FiveSecondsAtFiveMillisecondsAreAThousandRequests) {
  UseTsunami(5 * kMs, {.duration_ns = 5 * kSecond});
  Run();
  EXPECT_EQ(counts().sent(), 1000);
  EXPECT_EQ(last().last_send_offset_ns(), 4'995 * kMs);
}

TEST_F(OpenLoopTest, SendsTheIndicesOfItsSlot) {
  UseTsunami(1, {});
  plan_.sends =
      SendPlan::OpenLoop(Schedule::AtRate(100 * kSecond), Slot(1, 3), {.duration_ns = 100 * kMs});
  Run();
  // Indices 1, 4 and 7 of a request every 10 ms.
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{10, 40, 70}));
}

TEST_F(OpenLoopTest, ASlowResponseDelaysNoOtherRequest) {
  UseTsunami(10 * kMs, {.duration_ns = kSecond});
  transport_.reply = [](int) { return SimulatedTransport::Reply{.after_ns = 100 * kMs}; };
  Run();
  EXPECT_EQ(counts().completed(), 100);
  EXPECT_EQ(total_.response_time().Percentile(0.5), 100 * kMs);
  // The two connections there are take the first requests; later ones have to open theirs, 0.1 ms
  // each.
  EXPECT_EQ(total_.send_delay().max(), kMs / 10);
  EXPECT_EQ(transport_.connect_times.size(), 11u);
}

TEST_F(OpenLoopTest, IdleConnectionsTakeTurns) {
  plan_.connections = 3;
  UseTsunami(5 * kMs, {.requests = 6});
  Run();
  EXPECT_EQ(transport_.send_connections, (std::vector<int>{0, 1, 2, 0, 1, 2}));
}

TEST_F(OpenLoopTest, WaitingForAConnectionCountsInTheResponseTime) {
  UseTsunami(10 * kMs, {.requests = 3});
  plan_.connections = plan_.max_connections = 1;
  transport_.reply = [](int) { return SimulatedTransport::Reply{.after_ns = 25 * kMs}; };
  Run();
  // Due at 0, 10, 20; sent at 0, 25, 50; answered at 25, 50, 75.
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 25, 50}));
  EXPECT_EQ(total_.send_delay().sum(), (0 + 15 + 30) * kMs);
  EXPECT_EQ(total_.response_time().sum(), (25 + 40 + 55) * kMs);
  EXPECT_EQ(total_.service_time().sum(), (25 + 25 + 25) * kMs);
}

TEST_F(OpenLoopTest, ALateLoopSendsWhatIsDueAtOnceAndKeepsTheSchedule) {
  plan_.connections = 10;
  UseTsunami(10 * kMs, {.requests = 8});
  transport_.At(kStart + 15 * kMs, [this] { clock_.Advance(35 * kMs); });  // from 20 to 55 ms
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 10, 20, 55, 55, 55, 60, 70}));
  EXPECT_EQ(total_.send_delay().max(), 25 * kMs);
}

TEST_F(OpenLoopTest, ALateStartKeepsTheDueTimes) {
  UseTsunami(10 * kMs, {.requests = 4});
  clock_.Advance(kStart + 25 * kMs);
  plan_.connections = 4;
  Run();
  // Armed 0.1 ms after 25 ms, when the first three are overdue.
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{25.1, 25.1, 25.1, 30}));
  EXPECT_EQ(last().first_send_offset_ns(), 25 * kMs + kMs / 10);
}

TEST_F(OpenLoopTest, ARefusedTargetGetsEveryRequestDropped) {
  UseTsunami(5 * kMs, {.requests = 1000});
  plan_.max_connections = 4096;
  transport_.connect_error = ECONNREFUSED;
  Run();
  EXPECT_EQ(counts().due(), 1000);
  EXPECT_EQ(counts().sent(), 0);
  EXPECT_EQ(ErrorsOf(v1::CONNECT_REFUSED), 1000);
  EXPECT_LT(last().end_offset_ns(), 6 * kSecond);
  // One attempt for each request, and those of the first connections, which back off.
  EXPECT_GE(total_.ToProto().connect_failures(), 1000);
  EXPECT_LT(total_.ToProto().connect_failures(), 1100);
}

TEST_F(OpenLoopTest, AttemptsThatFailAtOnceCountTheSame) {
  UseTsunami(5 * kMs, {.requests = 100});
  transport_.connect_error = EMFILE;
  transport_.connect_fails_late = false;
  Run();
  EXPECT_EQ(ErrorsOf(v1::OUT_OF_DESCRIPTORS), 100);
}

TEST_F(OpenLoopTest, GoesOnWhenTheTargetComesBack) {
  UseTsunami(10 * kMs, {.requests = 100});
  transport_.connect_error = ECONNREFUSED;
  transport_.At(kStart + 495 * kMs, [this] { transport_.connect_error = 0; });
  Run();
  EXPECT_EQ(ErrorsOf(v1::CONNECT_REFUSED), 50);
  EXPECT_EQ(counts().completed(), 50);
}

TEST_F(OpenLoopTest, AnIdleConnectionThatTheServerClosesIsOpenedAgainQuietly) {
  UseTsunami(50 * kMs, {.requests = 10});
  transport_.At(kStart + 60 * kMs, [this] { transport_.CloseByPeer(0); });
  Run();
  EXPECT_EQ(counts().completed(), 10);
  EXPECT_EQ(transport_.connect_times.size(), 3u);
  EXPECT_EQ(total_.send_delay().max(), 0);
}

TEST_F(OpenLoopTest, AServerThatAcceptsAndClosesIsNotTriedInCircles) {
  plan_.connections = 1;
  UseTsunami(kSecond, {.requests = 1});
  for (int64_t ns = 1; ns < kStart; ns += kMs) {
    transport_.At(ns, [this] {
      if (transport_.connect_times.size() < 20) transport_.CloseByPeer(0);
    });
  }
  Run();
  EXPECT_LE(transport_.connect_times.size(), 9u);
}

TEST_F(OpenLoopTest, ConnectionsFallBackToAnotherAddressOfTheTarget) {
  plan_.addresses = {"[::1]:80", "127.0.0.1:80"};
  transport_.dead_addresses = {0};
  UseTsunami(10 * kMs, {.requests = 10});
  Run();
  EXPECT_EQ(counts().completed(), 10);
  EXPECT_EQ(transport_.connect_addresses, (std::vector<int>{0, 1, 1}));
  EXPECT_EQ(total_.ToProto().connect_failures(), 0);
}

TEST_F(OpenLoopTest, ConnectionsAreSpreadOverTheAddresses) {
  plan_.addresses = {"10.0.0.1:80", "10.0.0.2:80"};
  plan_.connections = 4;
  UseTsunami(10 * kMs, {.requests = 1});
  Run();
  EXPECT_EQ(transport_.connect_addresses, (std::vector<int>{0, 1, 0, 1}));
}

}  // namespace
}  // namespace loadtest
