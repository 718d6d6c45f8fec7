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
  EXPECT_EQ(LatencyView(SampleReport(), 100, /*unicode=*/false),
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
  EXPECT_EQ(LatencyView(SampleReport(), 70, /*unicode=*/false),
            R"(            response   service  send delay
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
  EXPECT_EQ(LatencyView(report, 100, /*unicode=*/false).substr(0, 86),
            "            response   service  send delay\n"
            "  p50              -         -      16.0us\n");
}

TEST(LatencyView, ATerminalOfTodayGetsBlocks) {
  const std::string text = LatencyView(SampleReport(), 100, /*unicode=*/true);
  EXPECT_NE(text.find("2ms - 5ms   █████████████████████████████▉   33.3 %\n"), std::string::npos)
      << text;
}

TEST(LatencyView, AClosedLoopHasNoSendDelay) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->mutable_spec()->mutable_avalanche();
  const std::string text = LatencyView(report, 70, /*unicode=*/false);
  EXPECT_NE(text.find("p50         3.24ms    3.24ms           -\n"), std::string::npos) << text;
}

v1::Report ReportWith(int64_t response_p99_ns, int64_t service_p99_ns) {
  v1::Report report = SampleReport();
  report.mutable_response_time()->set_p99_ns(response_p99_ns);
  report.mutable_service_time()->set_p99_ns(service_p99_ns);
  return report;
}

TEST(WhyTheyDiffer, SaysThatTheyAgree) {
  EXPECT_EQ(WhyTheyDiffer(ReportWith(1'050'000, 1'000'000)),
            "response counts from when a request was due, service from when it was sent: here they "
            "agree");
}

TEST(WhyTheyDiffer, NamesALateGenerator) {
  EXPECT_EQ(WhyTheyDiffer(ReportWith(3'000'000, 1'000'000)),
            "response counts from when a request was due, service from when it was sent; at p99 "
            "they are 2.00ms apart, because the generator sent late (send delay)");
}

TEST(WhyTheyDiffer, NamesConnectionsThatWereOpenedOnTheWay) {
  v1::Report report = ReportWith(3'000'000, 1'000'000);
  report.mutable_totals()->set_connects(1'000);
  EXPECT_EQ(WhyTheyDiffer(report),
            "response counts from when a request was due, service from when it was sent; at p99 "
            "they are 2.00ms apart, because requests waited until a connection was opened");
}

TEST(WhyTheyDiffer, AClosedLoopCannotTell) {
  v1::Report report = ReportWith(1'000'000, 1'000'000);
  report.mutable_load_test()->mutable_spec()->mutable_avalanche();
  EXPECT_EQ(WhyTheyDiffer(report).substr(0, 12), "closed loop:");
}

TEST(WhyTheyDiffer, NothingIsSaidWithoutAnswers) {
  v1::Report report = SampleReport();
  report.clear_response_time();
  EXPECT_EQ(WhyTheyDiffer(report), "");
}

}  // namespace
}  // namespace loadtest
