#include "common/base/units.h"

#include <gtest/gtest.h>

#include <string>

namespace loadtest {
namespace {

TEST(ParseDurationTest, ReadsEachUnitAndTheirSums) {
  EXPECT_EQ(*ParseDuration("7ns"), 7);
  EXPECT_EQ(*ParseDuration("7us"), 7'000);
  EXPECT_EQ(*ParseDuration("7µs"), 7'000);
  EXPECT_EQ(*ParseDuration("500ms"), 500'000'000);
  EXPECT_EQ(*ParseDuration("2s"), 2'000'000'000);
  EXPECT_EQ(*ParseDuration("1m30s"), 90'000'000'000);
  EXPECT_EQ(*ParseDuration("1.5h"), 5'400'000'000'000);
  EXPECT_EQ(*ParseDuration("1d"), 86'400'000'000'000);
  EXPECT_EQ(*ParseDuration("0.005s"), 5'000'000);
  EXPECT_EQ(*ParseDuration("0"), 0);
  EXPECT_EQ(*ParseDuration("-2s"), -2'000'000'000);
}

TEST(ParseDurationTest, RefusesWhatIsNoDurationAndSaysWhatWasWanted) {
  for (const char* text : {"", "5", "s", "5 s", "5x", "1m30", "--5s", "1e3s", "nan", "infs", ".s",
                           "99999999999999d"}) {
    const absl::StatusOr<int64_t> parsed = ParseDuration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().message(),
              std::string("got \"") + text + "\", want a duration such as 500ms or 1m30s");
  }
}

TEST(ParseCountTest, ReadsPowersOfTen) {
  EXPECT_EQ(*ParseCount("1000"), 1'000);
  EXPECT_EQ(*ParseCount("1k"), 1'000);
  EXPECT_EQ(*ParseCount("1.5M"), 1'500'000);
  EXPECT_EQ(*ParseCount("2G"), 2'000'000'000);
  EXPECT_EQ(*ParseCount("0"), 0);
}

TEST(ParseCountTest, RefusesFractionsSignsAndNonsense) {
  for (const char* text :
       {"", "1.5", "-1", "+1", "1e3", "k", "1kk", "0x10", "1 k", "99999999999999999999"}) {
    EXPECT_FALSE(ParseCount(text).ok()) << text;
  }
  EXPECT_EQ(ParseCount("1.5").status().message(),
            "got \"1.5\", want a whole number such as 1000, 20k or 1.5M");
}

TEST(FormatDurationTest, IsReadBackAsTheSameNumber) {
  for (const int64_t ns :
       {0L, 1L, 999L, 1'500L, 1'500'000L, 5'000'000L, 999'999'999L, 1'000'000'000L, 90'000'000'000L,
        90'500'000'000L, 3'600'000'000'000L, 86'400'000'000'000L, 123'456'789'012L}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(ns)), ns) << FormatDuration(ns);
  }
  EXPECT_EQ(FormatDuration(1'500'000), "1.5ms");
  EXPECT_EQ(FormatDuration(90'000'000'000), "1m30s");
  EXPECT_EQ(FormatDuration(7'200'000'000'000), "2h");
}

TEST(FormatLatencyTest, HasThreeDigits) {
  EXPECT_EQ(FormatLatency(0), "0ns");
  EXPECT_EQ(FormatLatency(812), "812ns");
  EXPECT_EQ(FormatLatency(1'234'567), "1.23ms");
  EXPECT_EQ(FormatLatency(45'600'000), "45.6ms");
  EXPECT_EQ(FormatLatency(999'600'000), "1.00s");
  EXPECT_EQ(FormatLatency(2'010'000'000), "2.01s");
}

TEST(FormatCountTest, SeparatesThousands) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1'000), "1,000");
  EXPECT_EQ(FormatCount(1'234'567), "1,234,567");
  EXPECT_EQ(FormatCount(-1'000), "-1,000");
}

TEST(FormatBytesTest, UsesPowersOfAThousand) {
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1'500), "1.5 KB");
  EXPECT_EQ(FormatBytes(999'960), "1.0 MB");
}

}  // namespace
}  // namespace loadtest
