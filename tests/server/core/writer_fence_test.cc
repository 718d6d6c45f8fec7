#include "server/core/writer_fence.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

v1::Trigger Decision(int64_t writer) {
  v1::Trigger trigger;
  trigger.set_test_id("t1");
  trigger.set_writer(writer);
  trigger.mutable_stop_ordered();
  return trigger;
}

v1::Trigger Sign(int64_t life, v1::OrchestratorAlive::Kind kind) {
  v1::Trigger trigger;
  trigger.set_writer(life);
  trigger.mutable_alive()->set_incarnation(life);
  trigger.mutable_alive()->set_kind(kind);
  return trigger;
}

TEST(WriterFenceTest, VoidsWhatAnOlderLifeWritesAfterATakeover) {
  WriterFence fence;
  EXPECT_TRUE(fence.Admit(Sign(10, v1::OrchestratorAlive::TAKEOVER)));
  EXPECT_TRUE(fence.Admit(Decision(10)));
  EXPECT_TRUE(fence.Admit(Sign(20, v1::OrchestratorAlive::TAKEOVER)));
  EXPECT_FALSE(fence.Admit(Decision(10)));
  EXPECT_FALSE(fence.Admit(Sign(10, v1::OrchestratorAlive::ALIVE)));
  EXPECT_FALSE(fence.Admit(Sign(10, v1::OrchestratorAlive::RETIRED)));
  EXPECT_TRUE(fence.Admit(Decision(20)));
  EXPECT_EQ(fence.incumbent()->incarnation(), 20);
}

TEST(WriterFenceTest, TakesRecordsOfTheFirstVersionWhichHaveNoWriter) {
  WriterFence fence;
  fence.Admit(Sign(10, v1::OrchestratorAlive::TAKEOVER));
  EXPECT_TRUE(fence.Admit(Decision(0)));
}

TEST(WriterFenceTest, TakesAClaimForAQuestion) {
  WriterFence fence;
  fence.Admit(Sign(10, v1::OrchestratorAlive::TAKEOVER));
  EXPECT_TRUE(fence.Admit(Sign(20, v1::OrchestratorAlive::CLAIM)));
  EXPECT_TRUE(fence.Admit(Decision(10)));
  EXPECT_EQ(fence.incumbent()->incarnation(), 10);
  EXPECT_EQ(fence.newest_writer(), 20);
}

TEST(WriterFenceTest, HasNoIncumbentOnceItRetired) {
  WriterFence fence;
  EXPECT_FALSE(fence.incumbent().has_value());
  fence.Admit(Sign(10, v1::OrchestratorAlive::TAKEOVER));
  fence.Admit(Sign(10, v1::OrchestratorAlive::ALIVE));
  EXPECT_TRUE(fence.incumbent().has_value());
  fence.Admit(Sign(10, v1::OrchestratorAlive::RETIRED));
  EXPECT_FALSE(fence.incumbent().has_value());
}

TEST(WriterFenceTest, GivesTwoThatTakeOverAtOnceToTheNewerWhicheverIsRead) {
  for (const bool newer_first : {true, false}) {
    WriterFence fence;
    fence.Admit(Sign(newer_first ? 20 : 10, v1::OrchestratorAlive::TAKEOVER));
    fence.Admit(Sign(newer_first ? 10 : 20, v1::OrchestratorAlive::TAKEOVER));
    EXPECT_FALSE(fence.Admit(Decision(10)));
    EXPECT_TRUE(fence.Admit(Decision(20)));
  }
}

}  // namespace
}  // namespace loadtest
