#include "driver/engine/interval_channel.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

constexpr auto kMeasured = IntervalStats::kMeasured;

std::string Describe() { return "why"; }

TEST(IntervalChannelTest, HandsIntervalsOverInOrder) {
  IntervalChannel channel(2);
  std::unique_ptr<IntervalStats> current = channel.Begin();
  current->bytes_sent = 1;
  ASSERT_TRUE(channel.Exchange(current));
  current->bytes_sent = 2;
  channel.Finish(std::move(current));
  EXPECT_EQ(channel.Take()->bytes_sent, 1);
  EXPECT_EQ(channel.Take()->bytes_sent, 2);
  EXPECT_EQ(channel.Take(), nullptr);
}

TEST(IntervalChannelTest, WithoutASpareTheIntervalGoesOnAndNothingIsLost) {
  IntervalChannel channel(1);
  std::unique_ptr<IntervalStats> current = channel.Begin();
  ASSERT_TRUE(channel.Exchange(current));
  current->bytes_sent = 10;
  EXPECT_FALSE(channel.Exchange(current));
  current->bytes_sent += 5;
  channel.GiveBack(channel.Take());
  EXPECT_TRUE(channel.Exchange(current));
  EXPECT_EQ(channel.Take()->bytes_sent, 15);
}

TEST(IntervalChannelTest, WhatIsGivenBackIsEmptyAgain) {
  IntervalChannel channel(1);
  std::unique_ptr<IntervalStats> current = channel.Begin();
  current->CountSent(kMeasured, 5);
  current->CountCompleted(kMeasured, {.status = 503, .response_time_ns = 7, .service_time_ns = 2});
  current->CountFailed(kMeasured, v1::ABANDONED, /*in_drain=*/true, Describe);
  current->CountDropped(kMeasured, v1::CONNECT_REFUSED, 3, Describe);
  current->final = true;
  current->error = "e";
  channel.Finish(std::move(current));
  channel.GiveBack(channel.Take());
  current = channel.Begin();
  channel.GiveBack(std::move(current));
  current = channel.Begin();
  v1::MetricsReport report;
  current->ToReport(report);
  v1::MetricsReport empty;
  IntervalStats().ToReport(empty);
  EXPECT_EQ(report.SerializeAsString(), empty.SerializeAsString());
}

TEST(IntervalStatsTest, ReportHasWhatWasCounted) {
  IntervalStats stats;
  stats.start_offset_ns = 1'000;
  stats.end_offset_ns = 3'000;
  stats.counts().due = 6;
  stats.CountSent(kMeasured, 5);
  stats.CountSent(kMeasured, 6);
  stats.CountCompleted(kMeasured, {.status = 404, .response_time_ns = 70, .service_time_ns = 60});
  stats.CountFailed(kMeasured, v1::ABANDONED, /*in_drain=*/true,
                    [] { return std::string("first"); });
  stats.CountDropped(kMeasured, v1::CONNECT_REFUSED, 3, Describe);
  stats.CountDropped(kMeasured, v1::CONNECT_REFUSED, 1, [] { return std::string("second"); });
  v1::MetricsReport report;
  stats.ToReport(report);
  const v1::Measurements& m = report.measurements();
  EXPECT_EQ(report.start_offset_ns(), 1'000);
  EXPECT_EQ(m.measured_ns(), 2'000);
  EXPECT_EQ(m.counts().due(), 6);
  EXPECT_EQ(m.counts().sent(), 2);
  EXPECT_EQ(m.counts().completed(), 1);
  EXPECT_EQ(m.counts().http_errors(), 1);
  EXPECT_EQ(m.counts().failed(), 1);
  EXPECT_EQ(m.counts().abandoned(), 1);
  EXPECT_EQ(m.counts().dropped(), 4);
  EXPECT_EQ(m.send_delay().count(), 2);
  EXPECT_EQ(m.response_time().sum_ns(), 70);
  EXPECT_EQ(m.service_time().sum_ns(), 60);
  EXPECT_EQ(m.status_codes().at(404), 1);
  ASSERT_EQ(m.errors_size(), 2);
  EXPECT_EQ(m.errors(0).kind(), v1::CONNECT_REFUSED);
  EXPECT_EQ(m.errors(0).count(), 4);
  EXPECT_EQ(m.errors(0).example(), "why");
  EXPECT_EQ(m.errors(1).kind(), v1::ABANDONED);
  EXPECT_FALSE(report.final());
}

}  // namespace
}  // namespace loadtest
