// What a driver does when its orchestrator is replaced, or gone; and about the parts of lost
// drivers.
#include <gtest/gtest.h>

#include "common/config/config.h"
#include "driver/core/driver_agent.h"

namespace loadtest {
namespace {

constexpr int64_t kSecond = kNanosPerSecond;

v1::Share MakeShare(int64_t first, int64_t stride, int64_t from_ns = 0, int64_t until_ns = 0) {
  v1::Share share;
  share.set_first(first);
  share.set_stride(stride);
  share.set_from_offset_ns(from_ns);
  share.set_until_offset_ns(until_ns);
  return share;
}

class DriverAgentLossTest : public ::testing::Test {
 protected:
  DriverAgentLossTest() {
    *config_.mutable_max_duration() = ToDuration(3600 * kSecond);
    *config_.mutable_max_lease() = ToDuration(600 * kSecond);
    config_.set_max_connections(1000);
  }

  DriverAgent& agent() {
    if (!agent_) {
      agent_.emplace(DriverAgent::Options{.driver_id = "a1",
                                          .incarnation = 7,
                                          .policy = *DriverPolicy::Create(config_),
                                          .heartbeat_interval_ns = kSecond});
    }
    return *agent_;
  }

  std::vector<AgentAction> Take(const v1::Trigger& trigger) {
    return agent().OnTrigger(trigger, now_, wall_now_);
  }
  v1::DriverHeartbeat Beat() { return agent().TakeHeartbeat(now_, wall_now_, {}); }

  // A rate of 100/s, of which this driver has the second half, by the orchestrator 50.
  v1::Trigger Started(const std::string& test_id = "t") {
    v1::Trigger trigger;
    trigger.set_test_id(test_id);
    trigger.set_writer(50);
    v1::Started& started = *trigger.mutable_started();
    started.mutable_spec()->mutable_request()->set_url("http://127.0.0.1/");
    started.mutable_spec()->mutable_rate()->set_requests_per_second(100);
    *started.mutable_spec()->mutable_duration() = ToDuration(1000 * kSecond);
    started.set_start_time_ns(1'000'000);
    started.set_metrics_interval_ns(kSecond);
    started.set_lease_ns(60 * kSecond);
    v1::Assignment& mine = *started.add_assignments();
    mine.set_driver_id("a1");
    mine.set_incarnation(7);
    mine.set_slot(1);
    mine.set_slots(2);
    return trigger;
  }

  static v1::Trigger Adjusted(const std::vector<v1::Share>& shares, int64_t incarnation = 7) {
    v1::Trigger trigger;
    trigger.set_test_id("t");
    v1::DriverShares& mine = *trigger.mutable_adjusted()->add_shares();
    mine.set_driver_id("a1");
    mine.set_incarnation(incarnation);
    mine.mutable_shares()->Add(shares.begin(), shares.end());
    return trigger;
  }

  static v1::Trigger Alive(int64_t incarnation, v1::OrchestratorAlive::Kind kind,
                           int64_t send_time_ns = 0) {
    v1::Trigger trigger;
    trigger.set_writer(incarnation);
    trigger.mutable_alive()->set_incarnation(incarnation);
    trigger.mutable_alive()->set_kind(kind);
    trigger.mutable_alive()->set_send_time_ns(send_time_ns);
    return trigger;
  }

  static v1::Trigger StopOrdered(int64_t writer) {
    v1::Trigger trigger;
    trigger.set_test_id("t");
    trigger.set_writer(writer);
    trigger.mutable_stop_ordered();
    return trigger;
  }

  void StartRunning() {
    ASSERT_EQ(Take(Started()).size(), 1u);
    agent().OnArmed({});
    agent().OnRunning(now_);
    Beat();
  }

  // Why the run is ended at this time; unspecified: it is not.
  v1::MetricsReport::EndReason EndedAt(int64_t now_ns) {
    const std::vector<AgentAction> actions = agent().OnTime({now_ns});
    if (actions.empty()) return v1::MetricsReport::END_REASON_UNSPECIFIED;
    return std::get<StopRun>(actions.at(0)).reason;
  }

  v1::DriverConfig config_;
  std::optional<DriverAgent> agent_;
  MonotonicTime now_ = {5 * kSecond};
  WallTime wall_now_ = {5};
};

TEST_F(DriverAgentLossTest, RecordsOfAnOrchestratorThatWasReplacedAreVoid) {
  StartRunning();
  Take(Alive(60, v1::OrchestratorAlive::TAKEOVER));
  EXPECT_TRUE(Take(StopOrdered(50)).empty());
  EXPECT_EQ(Take(StopOrdered(60)).size(), 1u);
}

TEST_F(DriverAgentLossTest, ADecisionOfANewerOrchestratorMakesTheOlderOneVoidToo) {
  StartRunning();
  v1::Trigger noted;
  noted.set_writer(60);
  noted.mutable_noted();
  Take(noted);
  EXPECT_TRUE(Take(StopOrdered(50)).empty());
}

TEST_F(DriverAgentLossTest, ANewLifeGlancesAtWhoIsInCharge) {
  agent().Glance(Alive(60, v1::OrchestratorAlive::TAKEOVER));
  EXPECT_TRUE(Take(Started()).empty());  // by 50
  EXPECT_EQ(Beat().alive_send_time_ns(), 0);
}

TEST_F(DriverAgentLossTest, WhoOnlyClaimsAndEndsAgainReplacesNobody) {
  StartRunning();
  Take(Alive(60, v1::OrchestratorAlive::CLAIM));
  Take(Alive(60, v1::OrchestratorAlive::RETIRED));
  EXPECT_EQ(Take(StopOrdered(50)).size(), 1u);
}

TEST_F(DriverAgentLossTest, RecordsWithoutAWriterAreNeverVoid) {
  StartRunning();
  Take(Alive(60, v1::OrchestratorAlive::TAKEOVER));
  EXPECT_EQ(Take(StopOrdered(0)).size(), 1u);
}

TEST_F(DriverAgentLossTest, HeartbeatsEchoTheNewestSignOfLife) {
  EXPECT_EQ(Beat().alive_send_time_ns(), 0);
  wall_now_ = {777};
  Take(Alive(50, v1::OrchestratorAlive::ALIVE, 700));
  wall_now_ = {888};
  // Neither a claim nor a replaced orchestrator is the one whose clock matters.
  Take(Alive(60, v1::OrchestratorAlive::CLAIM, 800));
  Take(Alive(40, v1::OrchestratorAlive::ALIVE, 850));
  const v1::DriverHeartbeat heartbeat = agent().TakeHeartbeat(now_, {999}, {.reports_waiting = 3});
  EXPECT_EQ(heartbeat.alive_send_time_ns(), 700);
  EXPECT_EQ(heartbeat.alive_read_time_ns(), 777);
  EXPECT_EQ(heartbeat.wall_time_ns(), 999);
  EXPECT_EQ(heartbeat.reports_waiting(), 3);
}

TEST_F(DriverAgentLossTest, ATestEndsWhenTheOrchestratorIsSilentForTheLease) {
  StartRunning();
  EXPECT_EQ(EndedAt(65 * kSecond - 1), v1::MetricsReport::END_REASON_UNSPECIFIED);
  EXPECT_EQ(EndedAt(65 * kSecond), v1::MetricsReport::LEASE_EXPIRED);
  // Once is enough.
  EXPECT_EQ(EndedAt(66 * kSecond), v1::MetricsReport::END_REASON_UNSPECIFIED);
}

TEST_F(DriverAgentLossTest, EverySignOfLifeRenewsTheLease) {
  StartRunning();
  now_ = {60 * kSecond};
  Take(Alive(50, v1::OrchestratorAlive::ALIVE));
  EXPECT_EQ(EndedAt(119 * kSecond), v1::MetricsReport::END_REASON_UNSPECIFIED);
  now_ = {119 * kSecond};
  v1::Trigger of_another_test;
  of_another_test.set_test_id("u");
  of_another_test.set_writer(50);
  of_another_test.mutable_finished();
  Take(of_another_test);
  EXPECT_EQ(EndedAt(178 * kSecond), v1::MetricsReport::END_REASON_UNSPECIFIED);
  EXPECT_EQ(EndedAt(179 * kSecond), v1::MetricsReport::LEASE_EXPIRED);
}

TEST_F(DriverAgentLossTest, ClaimsAndReplacedOrchestratorsDoNotRenewTheLease) {
  StartRunning();
  now_ = {60 * kSecond};
  Take(Alive(60, v1::OrchestratorAlive::CLAIM));
  Take(Alive(40, v1::OrchestratorAlive::ALIVE));
  EXPECT_EQ(EndedAt(65 * kSecond), v1::MetricsReport::LEASE_EXPIRED);
}

TEST_F(DriverAgentLossTest, NoLeaseIsLongerThanTheDriverAllows) {
  for (const int64_t lease_ns : {int64_t{0}, 7200 * kSecond}) {
    agent_.reset();
    v1::Trigger started = Started();
    started.mutable_started()->set_lease_ns(lease_ns);
    Take(started);
    EXPECT_EQ(EndedAt(605 * kSecond - 1), v1::MetricsReport::END_REASON_UNSPECIFIED);
    EXPECT_EQ(EndedAt(605 * kSecond), v1::MetricsReport::LEASE_EXPIRED);
  }
}

TEST_F(DriverAgentLossTest, WhatDrainsIsLeftToItsDrainTime) {
  StartRunning();
  agent().OnDraining();
  EXPECT_EQ(EndedAt(1000 * kSecond), v1::MetricsReport::END_REASON_UNSPECIFIED);
}

TEST_F(DriverAgentLossTest, TheStartIsMovedByAClockOffsetThatIsMoreThanItsError) {
  const auto start_with = [this](int64_t offset_ns, int64_t error_ns) {
    agent_.reset();
    v1::Trigger started = Started();
    started.mutable_started()->mutable_assignments(0)->set_clock_offset_ns(offset_ns);
    started.mutable_started()->mutable_assignments(0)->set_clock_error_ns(error_ns);
    return std::get<ArmRun>(Take(started).at(0)).start_time.ns;
  };
  EXPECT_EQ(start_with(5'000, 4'999), 1'005'000);
  EXPECT_EQ(start_with(-5'000, 4'999), 995'000);
  EXPECT_EQ(start_with(5'000, 5'000), 1'000'000);
  // There was no estimate.
  EXPECT_EQ(start_with(5'000, 0), 1'000'000);
}

TEST_F(DriverAgentLossTest, SharesOfARunningTestReplaceThoseItHad) {
  StartRunning();
  const std::vector<AgentAction> actions =
      Take(Adjusted({MakeShare(1, 2), MakeShare(0, 4, 9 * kSecond)}));
  ASSERT_EQ(actions.size(), 1u);
  const std::vector<v1::Share>& shares = std::get<ReplaceShares>(actions[0]).shares;
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_EQ(shares[1].stride(), 4);
  EXPECT_EQ(shares[1].from_offset_ns(), 9 * kSecond);
}

TEST_F(DriverAgentLossTest, SharesOfAnEarlierLifeAreNotItsOwn) {
  StartRunning();
  EXPECT_TRUE(Take(Adjusted({MakeShare(0, 2)}, 6)).empty());
  EXPECT_EQ(Beat().arm_error(), "");
}

TEST_F(DriverAgentLossTest, SharesOfATestThatIsOverAreRefused) {
  StartRunning();
  agent().OnEnded();
  EXPECT_TRUE(Take(Adjusted({MakeShare(0, 2)})).empty());
  const v1::DriverHeartbeat heartbeat = Beat();
  EXPECT_EQ(heartbeat.test_id(), "t");
  EXPECT_EQ(heartbeat.arm_error(), "shares: its part of this test has ended");
}

TEST_F(DriverAgentLossTest, WrongSharesAreRefusedWhole) {
  StartRunning();
  EXPECT_TRUE(Take(Adjusted({MakeShare(0, 2), MakeShare(3, 3)})).empty());
  const v1::DriverHeartbeat heartbeat = Beat();
  EXPECT_EQ(heartbeat.state(), v1::DriverHeartbeat::RUNNING);
  EXPECT_EQ(heartbeat.arm_error(), "shares[1].first: got 3, want 0 to stride - 1");
}

TEST_F(DriverAgentLossTest, SharesAboveItsHighestRateAreLeftOutAndNamed) {
  config_.set_max_rate(75);
  StartRunning();
  // 50/s + 25/s, then 25/s more than it may send; after the second share's end there is room.
  const std::vector<AgentAction> actions =
      Take(Adjusted({MakeShare(1, 2), MakeShare(0, 4, 0, 9 * kSecond), MakeShare(2, 4),
                     MakeShare(2, 4, 9 * kSecond)}));
  const std::vector<v1::Share>& shares = std::get<ReplaceShares>(actions.at(0)).shares;
  ASSERT_EQ(shares.size(), 3u);
  EXPECT_EQ(shares[2].from_offset_ns(), 9 * kSecond);
  const v1::DriverHeartbeat heartbeat = Beat();
  EXPECT_EQ(heartbeat.state(), v1::DriverHeartbeat::RUNNING);
  EXPECT_EQ(heartbeat.arm_error(),
            "shares: 1 of 4 are not sent by this driver, which may send at most 75/s; raise it "
            "there with driver.max_rate");
}

TEST_F(DriverAgentLossTest, ANewLifeJoinsATestThatRuns) {
  v1::Trigger trigger = Adjusted({MakeShare(1, 2, 9 * kSecond)});
  const v1::Trigger started = Started();
  *trigger.mutable_adjusted()->mutable_started() = started.started();
  *trigger.mutable_adjusted()->add_joined() = started.started().assignments(0);
  const std::vector<AgentAction> actions = Take(trigger);
  ASSERT_EQ(actions.size(), 1u);
  const ArmRun& arm = std::get<ArmRun>(actions[0]);
  EXPECT_EQ(arm.test_id, "t");
  EXPECT_EQ(arm.start_time.ns, 1'000'000);
  ASSERT_TRUE(arm.shares.has_value());
  EXPECT_EQ(arm.shares->at(0).from_offset_ns(), 9 * kSecond);
  // Read twice, it is a change of shares.
  EXPECT_TRUE(std::holds_alternative<ReplaceShares>(Take(trigger).at(0)));
}

TEST_F(DriverAgentLossTest, WhoJoinsWithoutSharesHasItsSlot) {
  v1::Trigger trigger;
  trigger.set_test_id("t");
  *trigger.mutable_adjusted()->mutable_started() = Started().started();
  *trigger.mutable_adjusted()->add_joined() = Started().started().assignments(0);
  EXPECT_FALSE(std::get<ArmRun>(Take(trigger).at(0)).shares.has_value());
}

}  // namespace
}  // namespace loadtest
