// Closed loop: every connection sends its next request as soon as it is free.
#include "tests/driver/engine/load_loop_fixture.h"

namespace loadtest {
namespace {

using ClosedLoopTest = LoadLoopTest;

TEST_F(ClosedLoopTest, SendsNothingBeforeTheStart) {
  plan_.sends = SendPlan::ClosedLoop({.requests = 2});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 0}));
  EXPECT_EQ(transport_.connect_times, (std::vector<MonotonicTime>{{0}, {0}}));
}

TEST_F(ClosedLoopTest, EachConnectionSendsAgainWhenItsResponseIsThere) {
  plan_.sends = SendPlan::ClosedLoop({.requests = 6});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(counts().due(), 6);
  EXPECT_EQ(counts().sent(), 6);
  EXPECT_EQ(counts().completed(), 6);
  EXPECT_EQ(total_.response_time().min(), 1 * kMs);
  EXPECT_EQ(total_.response_time().max(), 1 * kMs);
  EXPECT_EQ(total_.service_time().max(), 1 * kMs);
  EXPECT_EQ(total_.send_delay().max(), 0);
}

TEST_F(ClosedLoopTest, TheFinalReportComesAtOnceWhenAllIsAnswered) {
  plan_.sends = SendPlan::ClosedLoop({.requests = 3});
  Run();
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_TRUE(last().final());
  EXPECT_EQ(last().end_reason(), v1::MetricsReport::PLAN_DONE);
  EXPECT_EQ(last().end_offset_ns(), 2 * kMs);
  EXPECT_EQ(last().first_send_offset_ns(), 0);
  EXPECT_EQ(last().last_send_offset_ns(), 1 * kMs);
}

TEST_F(ClosedLoopTest, TakesNoRequestUpAtTheEndOfItsDurationOrLater) {
  transport_.reply = [](int) { return SimulatedTransport::Reply{.after_ns = 40 * kMs}; };
  plan_.sends = SendPlan::ClosedLoop({.duration_ns = 80 * kMs});
  Run();
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 0, 40, 40}));
  EXPECT_EQ(counts().completed(), 4);
  EXPECT_EQ(last().end_offset_ns(), 80 * kMs);
}

TEST_F(ClosedLoopTest, SlowTargetLimitsTheRate) {
  plan_.connections = plan_.max_connections = 64;
  transport_.reply = [](int) { return SimulatedTransport::Reply{.after_ns = 100 * kMs}; };
  plan_.sends = SendPlan::ClosedLoop({.duration_ns = kSecond});
  Run();
  EXPECT_EQ(counts().completed(), 640);
}

TEST_F(ClosedLoopTest, OpensAConnectionAgainWhenTheServerClosesItAfterAResponse) {
  transport_.reply = [](int) {
    return SimulatedTransport::Reply{
        .bytes = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"};
  };
  plan_.sends = SendPlan::ClosedLoop({.requests = 6});
  Run();
  EXPECT_EQ(counts().completed(), 6);
  // 1 ms for the response, 0.1 ms to connect again.
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 0, 1.1, 1.1, 2.2, 2.2}));
  EXPECT_EQ(transport_.connect_times.size(), 6u);
}

TEST_F(ClosedLoopTest, AnUnreachableTargetGetsOneRequestAnAttemptWithBackOff) {
  plan_.connections = plan_.max_connections = 1;
  transport_.connect_error = ECONNREFUSED;
  plan_.start = {0};
  plan_.sends = SendPlan::ClosedLoop({.requests = 5, .duration_ns = 60 * kSecond});
  Run();
  EXPECT_EQ(counts().dropped(), 5);
  EXPECT_EQ(ErrorsOf(v1::CONNECT_REFUSED), 5);
  EXPECT_EQ(ExampleOf(v1::CONNECT_REFUSED), "connect 127.0.0.1:80: Connection refused");
  std::vector<double> attempts_ms;
  for (const MonotonicTime time : transport_.connect_times) {
    attempts_ms.push_back(static_cast<double>(time.ns) / kMs);
  }
  // Each attempt takes 0.1 ms and is followed by 10, 20, 40 ... ms of waiting.
  EXPECT_EQ(attempts_ms, (std::vector<double>{0, 10.1, 30.2, 70.3, 150.4}));
}

TEST_F(ClosedLoopTest, BackOffIsAtMostASecond) {
  plan_.connections = plan_.max_connections = 1;
  transport_.connect_error = ECONNREFUSED;
  plan_.sends = SendPlan::ClosedLoop({.duration_ns = 60 * kSecond});
  Run();
  const size_t attempts = transport_.connect_times.size();
  EXPECT_EQ(transport_.connect_times[attempts - 1].ns - transport_.connect_times[attempts - 2].ns,
            kSecond + transport_.connect_ns);
}

TEST_F(ClosedLoopTest, ARefusedTargetEndsACountedTestWithAllRequestsDropped) {
  transport_.connect_error = ECONNREFUSED;
  plan_.sends = SendPlan::ClosedLoop({.requests = 20'000});
  Run();
  EXPECT_EQ(counts().due(), 20'000);
  EXPECT_EQ(counts().sent(), 0);
  EXPECT_EQ(ErrorsOf(v1::CONNECT_REFUSED), 20'000);
  EXPECT_EQ(last().end_reason(), v1::MetricsReport::PLAN_DONE);
  EXPECT_LT(last().end_offset_ns(), 12 * kSecond);
}

}  // namespace
}  // namespace loadtest
