#include "server/core/held_reports.h"

#include <gtest/gtest.h>

#include "server/core/orchestrator_core.h"

namespace loadtest {
namespace {

constexpr MonotonicTime kNow = {1'000'000'000};

v1::MetricsReport ReportOf(const std::string& test, int64_t sequence, size_t bytes = 0) {
  v1::MetricsReport report;
  report.set_driver_id("a");
  report.set_test_id(test);
  report.set_sequence(sequence);
  report.set_error(std::string(bytes, 'e'));
  return report;
}

TEST(HeldReportsTest, GivesThoseOfATestInTheirOrderAndOnce) {
  HeldReports held;
  EXPECT_TRUE(held.Hold(kNow, ReportOf("t1", 1)));
  EXPECT_TRUE(held.Hold(kNow, ReportOf("t2", 7)));
  EXPECT_TRUE(held.Hold(kNow, ReportOf("t1", 2)));
  const std::vector<v1::MetricsReport> taken = held.Take("t1");
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].sequence(), 1);
  EXPECT_EQ(taken[1].sequence(), 2);
  EXPECT_TRUE(held.Take("t1").empty());
  EXPECT_EQ(held.count(), 1u);
  EXPECT_EQ(held.dropped(), 0);
}

TEST(HeldReportsTest, NoTestHasMoreThanHalfOfTheRoom) {
  HeldReports held({.reports = 10, .bytes = 10'000});
  for (int i = 1; i <= 20; ++i) EXPECT_EQ(held.Hold(kNow, ReportOf("flood", i)), i <= 5) << i;
  EXPECT_FALSE(held.Hold(kNow, ReportOf("large", 1, 6'000)));
  EXPECT_TRUE(held.Hold(kNow, ReportOf("t1", 1)));
  EXPECT_EQ(held.dropped(), 16);
  EXPECT_EQ(held.Take("flood").size(), 5u) << "what was there stays";
  EXPECT_EQ(held.Take("t1").size(), 1u);
}

TEST(HeldReportsTest, MakesRoomByDroppingTheTestThatIsWaitedForLongest) {
  HeldReports held({.reports = 4, .bytes = 10'000});
  held.Hold(kNow, ReportOf("t1", 1));
  held.Hold(kNow, ReportOf("t2", 1));
  held.Hold(kNow, ReportOf("t1", 2));
  held.Hold(kNow, ReportOf("t3", 1));
  EXPECT_TRUE(held.TakeForgotten().empty());
  EXPECT_TRUE(held.Hold(kNow, ReportOf("t4", 1)));
  EXPECT_EQ(held.TakeForgotten(), std::vector<std::string>{"t1"});
  EXPECT_EQ(held.dropped(), 2);
  EXPECT_EQ(held.count(), 3u);
  EXPECT_TRUE(held.Take("t1").empty());
}

TEST(HeldReportsTest, BytesAreBoundedToo) {
  HeldReports held({.reports = 1'000, .bytes = 10'000});
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(held.Hold(kNow, ReportOf("t" + std::to_string(i), 1, 3'000)));
  EXPECT_EQ(held.count(), 3u);
  EXPECT_EQ(held.dropped(), 97);
}

TEST(HeldReportsTest, ATestThatDoesNotComeIsForgotten) {
  HeldReports held({.longest_ns = 600});
  held.Hold(kNow, ReportOf("t1", 1));
  held.Hold({kNow.ns + 500}, ReportOf("t2", 1));
  held.Expire({kNow.ns + 600});
  EXPECT_EQ(held.count(), 2u);
  held.Expire({kNow.ns + 601});
  EXPECT_EQ(held.TakeForgotten(), std::vector<std::string>{"t1"});
  EXPECT_EQ(held.dropped(), 1);
  EXPECT_EQ(held.Take("t2").size(), 1u);
}

TEST(HeldReportsTest, TheCoreForgetsReportsOfTestsThatDoNotComeAndSaysSo) {
  const auto at = [](int64_t seconds) {
    return Moment{{seconds * kNanosPerSecond}, {(seconds + 1'700'000'000) * kNanosPerSecond}};
  };
  OrchestratorCore core({}, at(0));
  v1::MetricsReport report = ReportOf("nobodys", 1);
  report.set_incarnation(1);
  report.clear_error();
  Record record;
  record.topic = Topic::kMetrics;
  record.key = "a";
  record.message_type = "MetricsReport";
  record.value = report.SerializeAsString();
  const std::vector<Notice> notices = core.Apply(at(1), record);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].kind, Notice::Kind::kRecordHeld);
  EXPECT_TRUE(core.Advance(at(600), true).empty());
  EXPECT_EQ(core.held().count(), 1u);
  const std::vector<Notice> later = core.Advance(at(602), true);
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0].kind, Notice::Kind::kHeldForgotten);
  EXPECT_EQ(later[0].test_id, "nobodys");
  EXPECT_EQ(core.held().count(), 0u);
  EXPECT_EQ(core.held().dropped(), 1);
}

}  // namespace
}  // namespace loadtest
