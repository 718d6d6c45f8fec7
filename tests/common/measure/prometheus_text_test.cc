#include "common/measure/prometheus_text.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

TEST(PrometheusTextTest, MetricHasHelpTypeAndSamples) {
  PrometheusText text("x_");
  text.Begin("requests_total", "counter", "Requests.");
  text.Sample("code=\"200\"", int64_t{9'007'199'254'740'993});
  text.Gauge("share", "A share.", 0.25);
  EXPECT_EQ(text.Take(),
            "# HELP x_requests_total Requests.\n# TYPE x_requests_total counter\n"
            "x_requests_total{code=\"200\"} 9007199254740993\n"
            "# HELP x_share A share.\n# TYPE x_share gauge\nx_share 0.25\n");
}

TEST(PrometheusTextTest, BucketsOfAHistogramAddUp) {
  Histogram histogram;
  // 1 us, 2 us and 5 ms: below 512 ns buckets are exact, above they are 0.2 % wide.
  for (const int64_t ns : {500, 2'000, 5'000'000}) histogram.Record(ns);
  PrometheusText text("");
  const int64_t bounds[] = {1'000, 10'000, 1'000'000};
  text.LatencyHistogram("delay_seconds", "Delay.", histogram, bounds);
  EXPECT_EQ(text.Take(),
            "# HELP delay_seconds Delay.\n# TYPE delay_seconds histogram\n"
            "delay_seconds_bucket{le=\"1e-06\"} 1\ndelay_seconds_bucket{le=\"1e-05\"} 2\n"
            "delay_seconds_bucket{le=\"0.001\"} 2\ndelay_seconds_bucket{le=\"+Inf\"} 3\n"
            "delay_seconds_sum 0.0050025\ndelay_seconds_count 3\n");
}

TEST(PrometheusTextTest, LabelValuesAreEscaped) {
  EXPECT_EQ(PrometheusText::Escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
}

}  // namespace
}  // namespace loadtest
