#include "client/view/thresholds_view.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

v1::Report Report() {
  v1::Report report;
  report.mutable_load_test()->set_name("loadTests/a");
  report.mutable_load_test()->set_state(v1::LoadTest::SUCCEEDED);
  v1::ThresholdResult& good = *report.add_thresholds();
  good.set_expression("errors<1%");
  good.set_passed(true);
  good.set_actual("0.5%");
  v1::ThresholdResult& window = *report.add_thresholds();
  window.set_expression("p99<50ms per 5s");
  window.set_actual("61.2ms");
  window.set_windows(12);
  window.set_windows_failed(2);
  window.set_window_start_offset_ns(10'000'000'000);
  window.set_window_end_offset_ns(15'000'000'000);
  report.add_thresholds()->set_expression("service.p99<1s");
  return report;
}

TEST(ThresholdLines, ShowFailuresFirstWithWhatWasMeasured) {
  EXPECT_EQ(
      ThresholdLines(Report().thresholds(), 10, false),
      "thresholds  FAILED  p99<50ms per 5s  got 61.2ms from 10s to 15s, 2 of 12 windows failed\n"
      "            FAILED  service.p99<1s   nothing was measured\n"
      "            passed  errors<1%        got 0.5%\n");
}

TEST(ThresholdLines, SayHowManyAreLeftOut) {
  EXPECT_EQ(
      ThresholdLines(Report().thresholds(), 1, false),
      "thresholds  FAILED  p99<50ms per 5s  got 61.2ms from 10s to 15s, 2 of 12 windows failed\n"
      "            and 2 more\n");
}

TEST(ThresholdLines, AreNothingWithoutThresholds) {
  EXPECT_EQ(ThresholdLines(v1::Report().thresholds(), 10, false), "");
}

TEST(ThresholdLines, HaveColours) {
  EXPECT_EQ(ThresholdLines(Report().thresholds(), 1, true).substr(0, 34),
            "thresholds  \x1b[31mFAILED\x1b[0m  p99<5");
}

TEST(ThresholdOutcome, OfWindowsThatPassIsTheWorst) {
  v1::ThresholdResult result;
  result.set_passed(true);
  result.set_actual("41.2ms");
  result.set_windows(12);
  EXPECT_EQ(ThresholdOutcome(result), "got 41.2ms at worst in 12 windows");
}

TEST(ThresholdsView, NamesTheSliceAndAVerdictThatIsNotValid) {
  v1::Report report = Report();
  report.mutable_thresholds()->DeleteSubrange(1, 2);
  report.mutable_slice()->set_from_offset_ns(10'000'000'000);
  report.mutable_slice()->add_excluded_drivers("d2");
  report.mutable_verdict()->set_level(v1::Verdict::INVALID);
  EXPECT_EQ(ThresholdsView(report, false),
            "loadTests/a  SUCCEEDED  10s to the end, without d2\n"
            "thresholds  passed  errors<1%  got 0.5%\n"
            "verdict     INVALID\n");
}

}  // namespace
}  // namespace loadtest
