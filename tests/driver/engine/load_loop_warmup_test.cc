// Warm-up, drain, phases: what is counted where.
#include "tests/driver/engine/load_loop_fixture.h"

namespace loadtest {
namespace {

class WarmupTest : public LoadLoopTest {
 protected:
  const v1::RequestCounts& warmup() const { return warmup_; }
  void RunAndSum() {
    Run();
    for (const v1::MetricsReport& report : reports_) {
      const v1::RequestCounts& part = report.measurements().warmup();
      warmup_.set_due(warmup_.due() + part.due());
      warmup_.set_sent(warmup_.sent() + part.sent());
      warmup_.set_completed(warmup_.completed() + part.completed());
      warmup_.set_failed(warmup_.failed() + part.failed());
      warmup_.set_dropped(warmup_.dropped() + part.dropped());
    }
    EXPECT_EQ(warmup_.due(), warmup_.sent() + warmup_.dropped());
    EXPECT_EQ(warmup_.sent(), warmup_.completed() + warmup_.failed());
  }

 private:
  v1::RequestCounts warmup_;
};

TEST_F(WarmupTest, RequestsDueInTheWarmUpOfAnOpenLoopAreInNoOtherNumber) {
  UseTsunami(10 * kMs, {.duration_ns = 100 * kMs, .warmup_ns = 50 * kMs});
  transport_.reply = [](int request) {
    return SimulatedTransport::Reply{.after_ns = request < 5 ? 7 * kMs : 2 * kMs};
  };
  RunAndSum();
  EXPECT_EQ(warmup().sent(), 5);
  EXPECT_EQ(warmup().completed(), 5);
  EXPECT_EQ(counts().sent(), 10);
  EXPECT_EQ(total_.response_time().count(), 10);
  EXPECT_EQ(total_.response_time().max(), 2 * kMs);
}

TEST_F(WarmupTest, ARequestOfTheWarmUpThatIsAnsweredAfterItIsNotMeasured) {
  UseTsunami(10 * kMs, {.duration_ns = 20 * kMs, .warmup_ns = 20 * kMs});
  transport_.reply = [](int) { return SimulatedTransport::Reply{.after_ns = 15 * kMs}; };
  RunAndSum();
  EXPECT_EQ(warmup().completed(), 2);
  EXPECT_EQ(counts().completed(), 2);
}

TEST_F(WarmupTest, AClosedLoopCountsItsRequestsFromTheEndOfTheWarmUp) {
  plan_.sends = SendPlan::ClosedLoop({.requests = 10, .warmup_ns = 20 * kMs});
  RunAndSum();
  // Two lanes, 1 ms a request.
  EXPECT_EQ(warmup().completed(), 40);
  EXPECT_EQ(counts().completed(), 10);
}

TEST_F(WarmupTest, AClosedLoopRunsForItsDurationAfterTheWarmUp) {
  plan_.sends = SendPlan::ClosedLoop({.duration_ns = 30 * kMs, .warmup_ns = 20 * kMs});
  RunAndSum();
  EXPECT_EQ(warmup().completed(), 40);
  EXPECT_EQ(counts().completed(), 60);
}

TEST_F(WarmupTest, WhatWaitsFromTheWarmUpAndIsDroppedBelongsToIt) {
  plan_.connections = plan_.max_connections = 1;
  UseTsunami(10 * kMs, {.duration_ns = 30 * kMs, .warmup_ns = 30 * kMs});
  plan_.connections = plan_.max_connections = 1;
  plan_.drain_timeout_ns = 5 * kMs;
  transport_.reply = [](int) { return SimulatedTransport::Reply{.after_ns = 10 * kSecond}; };
  RunAndSum();
  EXPECT_EQ(warmup().sent(), 1);
  EXPECT_EQ(warmup().dropped(), 2);
  EXPECT_EQ(counts().dropped(), 3);
  EXPECT_EQ(ErrorsOf(v1::OUT_OF_CONNECTIONS), 3);
}

TEST_F(WarmupTest, AnswersAfterTheLastSendAreCountedAsThoseOfTheDrain) {
  UseTsunami(10 * kMs, {.requests = 3});
  plan_.drain_timeout_ns = 20 * kMs;
  transport_.reply = [](int request) {
    return SimulatedTransport::Reply{.after_ns = request == 1 ? kSecond : 5 * kMs};
  };
  Run();
  EXPECT_EQ(counts().completed(), 2);
  const v1::RequestCounts& last_counts = last().measurements().counts();
  EXPECT_EQ(last_counts.drain_completed(), 1);
  EXPECT_EQ(last_counts.drain_failed(), 1);
  EXPECT_EQ(counts().abandoned(), 1);
}

TEST_F(WarmupTest, PhasesOfConnectionsAndResponsesAreMeasured) {
  plan_.resolve_ns = 4 * kMs;
  UseTsunami(10 * kMs, {.requests = 3});
  Run();
  const v1::Measurements& m = last().measurements();
  EXPECT_EQ(m.resolve_time().sum_ns(), 4 * kMs);
  EXPECT_EQ(m.connect_time().count(), 2);
  EXPECT_EQ(m.connect_time().max_ns(), kMs / 10);
  EXPECT_EQ(m.tls_time().count(), 0);
  EXPECT_EQ(m.first_byte_time().count(), 3);
  EXPECT_EQ(m.first_byte_time().sum_ns(), 3 * kMs);
}

}  // namespace
}  // namespace loadtest
