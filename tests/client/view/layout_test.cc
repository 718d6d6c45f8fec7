#include "client/view/layout.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

TEST(Clip, MarksWhatItCuts) {
  EXPECT_EQ(Clip("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(Clip("abcdefghi", 8), "abcde...");
}

TEST(Clip, TakesAwayWhatCouldTrickATerminal) { EXPECT_EQ(Clip("a\x1b[2J\nb", 20), "a?[2J?b"); }

TEST(Clip, CountsColumnsAndCutsNoCharacterInTwo) {
  EXPECT_EQ(Clip("Überprüfung", 11), "Überprüfung");
  EXPECT_EQ(Clip("Überprüfung", 10), "Überprü...");
  EXPECT_EQ(Clip("日本語", 5), "日...");
  EXPECT_EQ(Clip("日本語", 3), "日");
  EXPECT_EQ(Clip("a\xff", 8), "a?");
}

TEST(Wrap, BreaksAtSpacesAndClipsTheLastLine) {
  EXPECT_EQ(Wrap("one two three", 20, 3), std::vector<std::string>{"one two three"});
  EXPECT_EQ(Wrap("one two three", 8, 3), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(Wrap("one two three four", 8, 2), (std::vector<std::string>{"one two", "three..."}));
  EXPECT_EQ(Wrap("über über", 5, 2), (std::vector<std::string>{"über", "über"}));
  EXPECT_EQ(Wrap("abcdefgh", 5, 2), (std::vector<std::string>{"abcde", "fgh"}));
  EXPECT_EQ(Wrap("", 5, 2), std::vector<std::string>{""});
}

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

TEST(Table, CountsColumnsNotBytes) {
  Table table({{"TITLE"}, {"N", Table::Align::kRight}});
  table.Add({"Überprüfung 日本", "1"});
  table.Add({"plain", "2"});
  EXPECT_EQ(table.Print(),
            "TITLE             N\n"
            "Überprüfung 日本  1\n"
            "plain             2\n");
}

TEST(Table, LeavesColumnsOutWhereThereIsNoRoom) {
  Table table({{"name"}, {"a", Table::Align::kRight, 1}, {"bb", Table::Align::kRight, 2}, {"c"}});
  table.Add({"x", "1", "2", "3"});
  EXPECT_EQ(table.Print(" ", 15), " name  a  bb  c\n x     1   2  3\n");
  EXPECT_EQ(table.Print(" ", 11), " name  a  c\n x     1  3\n");
  EXPECT_EQ(table.Print(" ", 3), " name  c\n x     3\n");
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
