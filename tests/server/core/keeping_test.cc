// Which ended tests the core deletes by itself.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/core/orchestrator_core.h"

namespace loadtest {
namespace {

constexpr int64_t kHour = 3'600 * kNanosPerSecond;

Moment At(int64_t ns) { return {{ns}, {ns}}; }

v1::LoadTest Ended(const std::string& id, int64_t end_ns) {
  v1::LoadTest test;
  test.set_name("loadTests/" + id);
  test.set_state(v1::LoadTest::SUCCEEDED);
  test.mutable_end_time()->set_seconds(end_ns / kNanosPerSecond);
  return test;
}

// Ids that a tick deletes.
std::vector<std::string> Deleted(const OrchestratorCore& core, Moment now) {
  std::vector<std::string> ids;
  const auto decisions = core.Decide(now, Tick{});
  for (const v1::Trigger& trigger : *decisions) {
    EXPECT_TRUE(trigger.has_deleted());
    ids.push_back(trigger.test_id());
  }
  return ids;
}

void Apply(OrchestratorCore& core, Moment now) {
  const auto decisions = core.Decide(now, Tick{});
  for (const v1::Trigger& trigger : *decisions) {
    Record record;
    record.topic = Topic::kTrigger;
    record.key = trigger.test_id();
    record.message_type = "Trigger";
    record.value = trigger.SerializeAsString();
    core.Apply(now, record);
  }
}

TEST(KeepingTest, KeepsEverythingUnlessToldOtherwise) {
  OrchestratorCore core(CoreOptions(), At(0));
  core.Restore(Ended("a", 1), "");
  EXPECT_TRUE(Deleted(core, At(100'000 * kHour)).empty());
}

TEST(KeepingTest, KeepsSoManyAndDeletesThoseThatEndedFirst) {
  CoreOptions options;
  options.keep_tests = 2;
  OrchestratorCore core(options, At(0));
  core.Restore(Ended("a", 4 * kHour), "");
  core.Restore(Ended("b", 1 * kHour), "");
  core.Restore(Ended("c", 3 * kHour), "");
  core.Restore(Ended("d", 2 * kHour), "");
  EXPECT_EQ(Deleted(core, At(5 * kHour)), (std::vector<std::string>{"b", "d"}));
  Apply(core, At(5 * kHour));
  EXPECT_TRUE(Deleted(core, At(5 * kHour)).empty());
  EXPECT_NE(core.FindTest("a"), nullptr);
  EXPECT_EQ(core.FindTest("b"), nullptr);
}

TEST(KeepingTest, KeepsThemForSoLong) {
  CoreOptions options;
  options.keep_for_ns = 2 * kHour;
  OrchestratorCore core(options, At(0));
  core.Restore(Ended("a", 1 * kHour), "");
  core.Restore(Ended("b", 2 * kHour), "");
  EXPECT_TRUE(Deleted(core, At(3 * kHour)).empty()) << "not longer ago than two hours";
  EXPECT_EQ(Deleted(core, At(3 * kHour + 1)), (std::vector<std::string>{"a"}));
}

TEST(KeepingTest, DeletesAFewAtATimeSoThatOtherDecisionsGoOn) {
  CoreOptions options;
  options.keep_for_ns = kHour;
  OrchestratorCore core(options, At(0));
  for (int i = 0; i < 50; ++i) core.Restore(Ended("t" + std::to_string(i), kHour), "");
  for (const size_t wanted : {20, 20, 10, 0}) {
    EXPECT_EQ(Deleted(core, At(3 * kHour)).size(), wanted);
    Apply(core, At(3 * kHour));
  }
}

}  // namespace
}  // namespace loadtest
