#include "driver/core/driver_agent.h"

#include <gtest/gtest.h>

#include "common/config/config.h"

namespace loadtest {
namespace {

class DriverAgentTest : public ::testing::Test {
 protected:
  DriverAgentTest() {
    *config_.mutable_max_duration() = ToDuration(3600 * kNanosPerSecond);
    *config_.mutable_max_lease() = ToDuration(36'000 * kNanosPerSecond);
    config_.set_max_connections(1000);
  }

  DriverAgent MakeAgent() {
    DriverAgent agent({.driver_id = "a1",
                       .incarnation = 7,
                       .policy = *DriverPolicy::Create(config_),
                       .heartbeat_interval_ns = kNanosPerSecond});
    Beat(agent);
    return agent;
  }

  static v1::Trigger Started(const std::string& test_id, const std::string& driver = "a1",
                             int64_t incarnation = 7) {
    v1::Trigger trigger;
    trigger.set_test_id(test_id);
    v1::Started& started = *trigger.mutable_started();
    started.mutable_spec()->mutable_request()->set_url("http://127.0.0.1/");
    started.mutable_spec()->mutable_avalanche();
    started.set_start_time_ns(123);
    started.set_metrics_interval_ns(kNanosPerSecond);
    v1::Assignment& other = *started.add_assignments();
    other.set_driver_id("other");
    other.set_slots(2);
    v1::Assignment& mine = *started.add_assignments();
    mine.set_driver_id(driver);
    mine.set_incarnation(incarnation);
    mine.set_slot(1);
    mine.set_slots(2);
    return trigger;
  }

  static v1::Trigger StopOrdered(const std::string& test_id) {
    v1::Trigger trigger;
    trigger.set_test_id(test_id);
    trigger.mutable_stop_ordered();
    return trigger;
  }

  v1::DriverHeartbeat Beat(DriverAgent& agent) { return agent.TakeHeartbeat(now_, {5}, {}); }

  std::vector<AgentAction> Take(DriverAgent& agent, const v1::Trigger& trigger) {
    return agent.OnTrigger(trigger, now_, wall_now_);
  }

  static bool IsStop(const std::vector<AgentAction>& actions) {
    return actions.size() == 1 && std::holds_alternative<StopRun>(actions[0]);
  }

  v1::DriverConfig config_;
  MonotonicTime now_;
  WallTime wall_now_ = {5};
};

TEST_F(DriverAgentTest, StartedMakesItArmWithItsAssignment) {
  DriverAgent agent = MakeAgent();
  const std::vector<AgentAction> actions = Take(agent, Started("t"));
  ASSERT_EQ(actions.size(), 1u);
  const ArmRun& arm = std::get<ArmRun>(actions[0]);
  EXPECT_EQ(arm.test_id, "t");
  EXPECT_EQ(arm.assignment.slot(), 1);
  EXPECT_EQ(arm.start_time.ns, 123);
  EXPECT_EQ(arm.metrics_interval_ns, kNanosPerSecond);
  EXPECT_EQ(arm.spec.connections(), 50);  // defaults are filled in
}

TEST_F(DriverAgentTest, StartedForOthersIsIgnored) {
  DriverAgent agent = MakeAgent();
  EXPECT_TRUE(Take(agent, Started("t", "a2")).empty());
  EXPECT_TRUE(Take(agent, Started("t", "a1", 6)).empty());
  EXPECT_FALSE(agent.HeartbeatIsDue(now_));
}

TEST_F(DriverAgentTest, StartedThatIsReadTwiceIsRunOnce) {
  DriverAgent agent = MakeAgent();
  EXPECT_EQ(Take(agent, Started("t")).size(), 1u);
  EXPECT_TRUE(Take(agent, Started("t")).empty());
  agent.OnEnded();
  EXPECT_TRUE(Take(agent, Started("t")).empty());
  EXPECT_EQ(Beat(agent).arm_error(), "");
}

TEST_F(DriverAgentTest, EachStepOfARunIsToldAtOnce) {
  DriverAgent agent = MakeAgent();
  Take(agent, Started("t"));
  EXPECT_FALSE(agent.HeartbeatIsDue(now_));
  agent.OnArmed({.target_addresses = {"127.0.0.1:80"}, .transport = "epoll", .tls = "TLSv1.3"});
  ASSERT_TRUE(agent.HeartbeatIsDue(now_));
  const v1::DriverHeartbeat armed = Beat(agent);
  EXPECT_EQ(armed.state(), v1::DriverHeartbeat::ARMED);
  EXPECT_EQ(armed.test_id(), "t");
  ASSERT_EQ(armed.target_addresses_size(), 1);
  EXPECT_EQ(armed.target_addresses(0), "127.0.0.1:80");
  EXPECT_EQ(armed.transport(), "epoll");
  EXPECT_EQ(armed.tls(), "TLSv1.3");
  agent.OnRunning(now_);
  EXPECT_EQ(Beat(agent).state(), v1::DriverHeartbeat::RUNNING);
  agent.OnDraining();
  EXPECT_EQ(Beat(agent).state(), v1::DriverHeartbeat::DRAINING);
  agent.OnEnded();
  const v1::DriverHeartbeat idle = Beat(agent);
  EXPECT_EQ(idle.state(), v1::DriverHeartbeat::IDLE);
  EXPECT_EQ(idle.test_id(), "");
  EXPECT_FALSE(agent.HeartbeatIsDue(now_));
}

TEST_F(DriverAgentTest, HeartbeatsComeEveryIntervalAndAreNumbered) {
  DriverAgent agent = MakeAgent();
  EXPECT_FALSE(agent.HeartbeatIsDue({kNanosPerSecond - 1}));
  now_ = {kNanosPerSecond};
  EXPECT_TRUE(agent.HeartbeatIsDue(now_));
  const v1::DriverHeartbeat heartbeat =
      agent.TakeHeartbeat(now_, {5}, {.cpu_cores = 0.5, .loop_lag_max_ns = 9});
  EXPECT_EQ(heartbeat.driver_id(), "a1");
  EXPECT_EQ(heartbeat.incarnation(), 7);
  EXPECT_EQ(heartbeat.sequence(), 2);
  EXPECT_EQ(heartbeat.wall_time_ns(), 5);
  EXPECT_EQ(heartbeat.cpu_cores(), 0.5);
  EXPECT_EQ(heartbeat.loop_lag_max_ns(), 9);
}

TEST_F(DriverAgentTest, StopFinishedAndDeletedEndItsRun) {
  v1::Trigger finished;
  finished.set_test_id("t");
  finished.mutable_finished();
  v1::Trigger deleted;
  deleted.set_test_id("t");
  deleted.mutable_deleted();
  for (const v1::Trigger& trigger : {StopOrdered("t"), finished, deleted}) {
    DriverAgent agent = MakeAgent();
    Take(agent, Started("t"));
    EXPECT_TRUE(IsStop(Take(agent, trigger)));
  }
}

TEST_F(DriverAgentTest, AStopOfAnotherTestIsIgnored) {
  DriverAgent agent = MakeAgent();
  Take(agent, Started("t"));
  EXPECT_TRUE(Take(agent, StopOrdered("u")).empty());
  agent.OnEnded();
  EXPECT_TRUE(Take(agent, StopOrdered("t")).empty());
}

TEST_F(DriverAgentTest, ASecondTestIsRefusedWhileOneRuns) {
  DriverAgent agent = MakeAgent();
  Take(agent, Started("t"));
  agent.OnArmed({});
  agent.OnRunning(now_);
  Beat(agent);
  EXPECT_TRUE(Take(agent, Started("u")).empty());
  const v1::DriverHeartbeat refusal = Beat(agent);
  EXPECT_EQ(refusal.test_id(), "u");
  EXPECT_EQ(refusal.arm_error(), "this driver runs test t; want one test at a time");
  EXPECT_EQ(refusal.state(), v1::DriverHeartbeat::RUNNING);
  // The next heartbeat, at once, speaks of its own test again.
  ASSERT_TRUE(agent.HeartbeatIsDue(now_));
  EXPECT_EQ(Beat(agent).test_id(), "t");
}

TEST_F(DriverAgentTest, WhatItsPolicyForbidsIsRefusedAndItStaysIdle) {
  config_.add_allowed_targets("10.0.0.0/8");
  DriverAgent agent = MakeAgent();
  EXPECT_TRUE(Take(agent, Started("t")).empty());
  const v1::DriverHeartbeat heartbeat = Beat(agent);
  EXPECT_EQ(heartbeat.state(), v1::DriverHeartbeat::IDLE);
  EXPECT_EQ(heartbeat.test_id(), "t");
  EXPECT_EQ(
      heartbeat.arm_error(),
      "target 127.0.0.1: this driver may only load 10.0.0.0/8; allow it there with --allow or "
      "driver.allowed_targets");
  EXPECT_TRUE(heartbeat.arm_denied());
  EXPECT_EQ(Beat(agent).arm_error(), "");
}

TEST_F(DriverAgentTest, AWrongSpecIsRefused) {
  DriverAgent agent = MakeAgent();
  v1::Trigger trigger = Started("t");
  trigger.mutable_started()->mutable_spec()->set_connections(-1);
  EXPECT_TRUE(Take(agent, trigger).empty());
  EXPECT_NE(Beat(agent).arm_error().find("spec.connections: got -1"), std::string::npos);
}

TEST_F(DriverAgentTest, AFailureToArmIsToldAndLeavesItIdle) {
  DriverAgent agent = MakeAgent();
  Take(agent, Started("t"));
  agent.OnArmFailed(absl::UnavailableError("resolve \"x\": unknown"));
  ASSERT_TRUE(agent.HeartbeatIsDue(now_));
  const v1::DriverHeartbeat heartbeat = Beat(agent);
  EXPECT_EQ(heartbeat.state(), v1::DriverHeartbeat::IDLE);
  EXPECT_EQ(heartbeat.test_id(), "t");
  EXPECT_EQ(heartbeat.arm_error(), "resolve \"x\": unknown");
  EXPECT_FALSE(heartbeat.arm_denied());
  EXPECT_EQ(Take(agent, Started("u")).size(), 1u);
}

TEST_F(DriverAgentTest, ATestThatLastsLongerThanAllowedIsStopped) {
  DriverAgent agent = MakeAgent();
  Take(agent, Started("t"));
  agent.OnArmed({});
  agent.OnRunning({kNanosPerSecond});
  EXPECT_TRUE(agent.OnTime({3600 * kNanosPerSecond}).empty());
  const std::vector<AgentAction> actions = agent.OnTime({3601 * kNanosPerSecond});
  ASSERT_TRUE(IsStop(actions));
  EXPECT_EQ(std::get<StopRun>(actions[0]).reason, v1::MetricsReport::DRIVER_FAILED);
  EXPECT_EQ(std::get<StopRun>(actions[0]).error,
            "driver.max_duration: the test ran for 1h, the longest that this driver allows");
  EXPECT_TRUE(agent.OnTime({3602 * kNanosPerSecond}).empty());
}

TEST_F(DriverAgentTest, ALeavingDriverSaysSo) {
  DriverAgent agent = MakeAgent();
  agent.OnLeaving();
  EXPECT_EQ(Beat(agent).state(), v1::DriverHeartbeat::LEAVING);
  EXPECT_TRUE(Take(agent, Started("t")).empty());
}

}  // namespace
}  // namespace loadtest
