#include "server/api/rest_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

namespace loadtest {
namespace {

using testing::HasSubstr;

ControlPlaneStats SampleStats() {
  ControlPlaneStats stats;
  stats.bus = "127.0.0.1:9092";
  stats.bus_connected = true;
  stats.records_applied[3] = 4'711;
  stats.drivers_live = 3;
  stats.drivers_lost = 1;
  stats.tests_by_state[v1::LoadTest::RUNNING] = 2;
  stats.requests_sent = 9'007'199'254'740'993;
  return stats;
}

TEST(RestMetricsTest, EachMetricHasHelpTypeAndSamples) {
  const std::string text = MetricsText(SampleStats());
  EXPECT_THAT(text,
              HasSubstr("# HELP loadtest_orchestrator_records_applied_total Records read from a "
                        "topic and applied.\n"
                        "# TYPE loadtest_orchestrator_records_applied_total counter\n"
                        "loadtest_orchestrator_records_applied_total{topic=\"register\"} 0\n"
                        "loadtest_orchestrator_records_applied_total{topic=\"heartbeat\"} 0\n"
                        "loadtest_orchestrator_records_applied_total{topic=\"trigger\"} 0\n"
                        "loadtest_orchestrator_records_applied_total{topic=\"metrics\"} 4711\n"));
  EXPECT_THAT(text, HasSubstr("loadtest_orchestrator_drivers{state=\"lost\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("loadtest_orchestrator_load_tests{state=\"RUNNING\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("loadtest_orchestrator_bus_connected 1\n"));
}

TEST(RestMetricsTest, LargeCountersKeepAllDigits) {
  EXPECT_THAT(MetricsText(SampleStats()),
              HasSubstr("loadtest_orchestrator_requests_sent_total 9007199254740993\n"));
}

TEST(RestMetricsTest, LabelValuesAreEscaped) {
  ControlPlaneStats stats;
  stats.bus = "a\"b\\c\nd";
  EXPECT_THAT(MetricsText(stats), HasSubstr("bus=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(RestMetricsTest, LatencyIsAHistogramInSeconds) {
  ControlPlaneStats stats;
  for (const int64_t ns : {int64_t{90'000}, int64_t{150'000}, int64_t{3'000'000},
                           int64_t{70'000'000'000}}) {
    stats.response_time.Record(ns);
  }
  const std::string text = MetricsText(stats);
  const std::string name = "loadtest_orchestrator_response_time_seconds";
  EXPECT_THAT(text, HasSubstr("# TYPE " + name + " histogram\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{le=\"0.0001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{le=\"0.0002\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{le=\"0.005\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{le=\"60\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr(name + "_sum 70.00324\n"));
  EXPECT_THAT(text, HasSubstr(name + "_count 4\n"));
}

TEST(RestMetricsTest, EveryLineFollowsTheFormat) {
  const std::regex comment("# (HELP|TYPE) [a-z_]+ .+");
  const std::regex sample(
      "[a-z_]+(\\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*\\})? -?[0-9.]+(e[-+][0-9]+)?");
  std::set<std::string> types;
  std::istringstream lines(MetricsText(SampleStats()));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(std::regex_match(line, comment) || std::regex_match(line, sample)) << line;
    if (line.starts_with("# TYPE")) {
      EXPECT_TRUE(types.insert(line).second) << line << " twice";
    }
  }
  EXPECT_EQ(types.size(), 19u);
}

}  // namespace
}  // namespace loadtest
