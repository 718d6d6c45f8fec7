#include "client/view/layout.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

TEST(Clip, MarksWhatItCuts) {
  EXPECT_EQ(Clip("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(Clip("abcdefghi", 8), "abcde...");
}

TEST(Clip, TakesAwayWhatCouldTrickATerminal) { EXPECT_EQ(Clip("a\x1b[2J\nb", 20), "a?[2J?b"); }

TEST(ClipMiddle, KeepsTheEndOfAName) {
  EXPECT_EQ(ClipMiddle("driver-7", 8), "driver-7");
  EXPECT_EQ(ClipMiddle("driver-in-zone-b-12", 12), "drive...b-12");
}

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({{"NAME"}, {"N", Table::Align::kRight}, {"END"}});
  table.Add({"a", "1,000", ""});
  table.Add({"longer", "2", "x"});
  EXPECT_EQ(table.Print("  "),
            "  NAME        N  END\n"
            "  a       1,000\n"
            "  longer      2  x\n");
}

TEST(FormatPerSecond, HasThreeDigitsBelowAHundred) {
  EXPECT_EQ(FormatPerSecond(0.25), "0.25/s");
  EXPECT_EQ(FormatPerSecond(12.345), "12.3/s");
  EXPECT_EQ(FormatPerSecond(99.99), "100/s");
  EXPECT_EQ(FormatPerSecond(12'345.6), "12,346/s");
}

TEST(FormatShare, OfNothingIsZero) {
  EXPECT_EQ(FormatShare(1, 8), "12.5 %");
  EXPECT_EQ(FormatShare(0, 0), "0.0 %");
}

}  // namespace
}  // namespace loadtest
