#include "common/base/log.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

constexpr int64_t kTime = 1'700'000'000'123'456'789;

TEST(LogTest, TextLineHasTimeLevelProgramAndMessage) {
  EXPECT_EQ(LogLine(LogFormat::kText, LogLevel::kWarning, "driver d1", "one\ntwo", kTime),
            "2023-11-14T22:13:20.123Z WARNING driver d1: one two\n");
}

TEST(LogTest, JsonLineIsOneObject) {
  EXPECT_EQ(LogLine(LogFormat::kJson, LogLevel::kInfo, "orchestrator", "say \"a\\b\"\n\x01", kTime),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"INFO\",\"program\":\"orchestrator\","
            "\"message\":\"say \\\"a\\\\b\\\"\\u000a\\u0001\"}\n");
}

}  // namespace
}  // namespace loadtest
