#include "client/view/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loadtest {
namespace {

using testing::ElementsAre;

double Rate(const HistoryPoint& point) { return point.sent_per_second; }

std::vector<HistoryPoint> Points(const std::vector<double>& rates) {
  std::vector<HistoryPoint> points;
  for (size_t i = 0; i < rates.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    points.push_back({.start_ns = at * 10, .end_ns = at * 10 + 10, .sent_per_second = rates[i]});
  }
  return points;
}

TEST(OverTime, PointsAreStretchedOverTheirTime) {
  EXPECT_THAT(OverTime(Points({1, 2}), 40, 8, false, Rate),
              ElementsAre(1, 1, 2, 2, -1, -1, -1, -1));
}

TEST(OverTime, SeveralPointsInAColumnAreTheirMean) {
  EXPECT_THAT(OverTime(Points({1, 3, 5, 7}), 40, 2, false, Rate), ElementsAre(2, 6));
}

TEST(OverTime, OrTheirLargest) {
  EXPECT_THAT(OverTime(Points({1, 3, 7, 5}), 40, 2, true, Rate), ElementsAre(3, 7));
}

TEST(OverTime, PointsWithoutAValueAreLeftOut) {
  EXPECT_THAT(OverTime(Points({1, -1, 3}), 30, 3, true, Rate), ElementsAre(1, -1, 3));
}

TEST(OverTime, NothingIsKnownOfNoTime) {
  EXPECT_THAT(OverTime(Points({1}), 0, 2, false, Rate), ElementsAre(-1, -1));
  EXPECT_THAT(OverTime(Points({1}), 10, 0, false, Rate), ElementsAre());
}

std::string Drawn(const std::vector<ChartColumn>& columns, int rows, double top, bool unicode) {
  Canvas canvas(static_cast<int>(columns.size()), rows);
  DrawChart(canvas, {.columns = canvas.columns(), .rows = rows}, columns, top, Ink::kRate, unicode);
  std::string text;
  for (int row = 0; row < rows; ++row) text += canvas.Plain(row) + "\n";
  return text;
}

TEST(Chart, ARowHasEightSteps) {
  EXPECT_EQ(Drawn({{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}}, 1, 8, true), " ▁▂▃▄▅▆▇█\n");
}

TEST(Chart, BarsGrowOverSeveralRows) {
  EXPECT_EQ(Drawn({{16}, {12}, {8}, {1}, {-1}}, 2, 16, true),
            "█▄\n"
            "███▁\n");
}

TEST(Chart, WhatIsThereAtAllCanBeSeen) { EXPECT_EQ(Drawn({{0.001}}, 1, 1'000, true), "▁\n"); }

TEST(Chart, WhatIsWantedIsALineOfDotsWhereNoBarIs) {
  EXPECT_EQ(Drawn({{16, 16}, {8, 16}, {-1, 16}, {-1, 8}}, 2, 16, true),
            "█··\n"
            "██ ·\n");
}

TEST(Chart, AsciiHasThreeSteps) {
  EXPECT_EQ(Drawn({{0}, {1}, {2}, {3}, {-1, 3}}, 1, 3, false), " .:#-\n");
}

TEST(Chart, WithoutAScaleThereIsNoBar) { EXPECT_EQ(Drawn({{0}, {-1}}, 1, 0, true), "\n"); }

}  // namespace
}  // namespace loadtest
