#include "client/view/latency_view.h"

#include <gtest/gtest.h>

#include "client/sample_messages.h"
#include "common/measure/histogram.h"

namespace loadtest {
namespace {

v1::Histogram HistogramOf(const std::vector<std::pair<int64_t, int>>& values) {
  Histogram histogram;
  for (const auto& [value, times] : values) {
    for (int i = 0; i < times; ++i) histogram.Record(value);
  }
  v1::Histogram message;
  histogram.ToProto(message);
  return message;
}

std::string Text(const std::vector<LatencyRange>& ranges) {
  std::string text;
  for (const LatencyRange& range : ranges) {
    text += std::to_string(range.from_ns) + ".." + std::to_string(range.to_ns) + "=" +
            std::to_string(range.count) + " ";
  }
  return text;
}

TEST(SpreadOf, AnEmptyHistogramHasNoRanges) { EXPECT_EQ(Text(SpreadOf(HistogramOf({}), 8)), ""); }

TEST(SpreadOf, RangesWithoutValuesBetweenOthersAreThere) {
  EXPECT_EQ(Text(SpreadOf(HistogramOf({{150, 3}, {3'000, 1}}), 8)),
            "100..200=3 200..500=0 500..1000=0 1000..2000=0 2000..5000=1 ");
}

TEST(SpreadOf, WhatIsRareAtTheEndsIsPutTogether) {
  EXPECT_EQ(Text(SpreadOf(HistogramOf({{30, 1}, {150, 50}, {300, 40}, {3'000, 2}}), 4)),
            "0..100=1 100..200=50 200..500=40 500..-1=2 ");
}

TEST(SpreadOf, NoValueIsLostWhenRangesArePutTogether) {
  int64_t count = 0;
  for (const LatencyRange& range : SpreadOf(SampleReport().totals().response_time(), 2)) {
    count += range.count;
  }
  EXPECT_EQ(count, 2'998);
}

TEST(LatencyView, HasPercentilesOnTheLeftAndBarsOnTheRight) {
  EXPECT_EQ(LatencyView(SampleReport(), 100),
            R"(            response   service  send delay     response times
  p50         3.24ms    3.24ms      16.0us     1ms - 2ms   ##############################   33.4 %
  p90         8.28ms    8.28ms      20.8us     2ms - 5ms   #############################    33.3 %
  p95         9.12ms    9.12ms      21.4us     5ms - 10ms  #############################    33.3 %
  p99         9.81ms    9.81ms      21.9us
  p99.9       9.97ms    9.97ms      22.0us
  p99.99      9.98ms    9.98ms      22.0us
  max         9.98ms    9.98ms      22.0us
  mean        3.99ms    3.99ms      16.0us
)");
}

TEST(LatencyView, LeavesTheBarsOutWhenThereIsNoRoom) {
  EXPECT_EQ(LatencyView(SampleReport(), 70), R"(            response   service  send delay
  p50         3.24ms    3.24ms      16.0us
  p90         8.28ms    8.28ms      20.8us
  p95         9.12ms    9.12ms      21.4us
  p99         9.81ms    9.81ms      21.9us
  p99.9       9.97ms    9.97ms      22.0us
  p99.99      9.98ms    9.98ms      22.0us
  max         9.98ms    9.98ms      22.0us
  mean        3.99ms    3.99ms      16.0us
)");
}

TEST(LatencyView, WithoutAnswersOnlyTheSendDelayIsThere) {
  v1::Report report = SampleReport();
  report.clear_response_time();
  report.clear_service_time();
  report.mutable_totals()->clear_response_time();
  EXPECT_EQ(LatencyView(report, 100).substr(0, 86),
            "            response   service  send delay\n"
            "  p50              -         -      16.0us\n");
}

}  // namespace
}  // namespace loadtest
