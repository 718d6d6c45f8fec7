#include "client/report/junit_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/report/markup.h"
#include "client/sample_messages.h"

namespace loadtest {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(JunitReport, HasACaseAThresholdAndOneForTheVerdict) {
  const std::string xml = JunitReport(SampleReportWithThresholds());
  EXPECT_THAT(xml,
              HasSubstr("<testsuites name=\"loadtest\" tests=\"3\" failures=\"1\" errors=\"0\" "
                        "skipped=\"0\" time=\"5.000\">"));
  EXPECT_THAT(xml, HasSubstr("<testcase classname=\"loadTests/tsunami-1\" name=\"errors&lt;1%\" "
                             "time=\"5.000\"/>"));
  EXPECT_THAT(xml, HasSubstr("name=\"p99&lt;5ms\" time=\"5.000\">\n      <failure "
                             "type=\"threshold\" message=\"got 9.81ms, want p99&lt;5ms\">"));
  EXPECT_THAT(xml, HasSubstr("name=\"verdict\" time=\"5.000\"/>"));
}

TEST(JunitReport, AVerdictThatIsInvalidIsAnError) {
  v1::Report report = SampleReportWithThresholds();
  report.mutable_verdict()->set_level(v1::Verdict::INVALID);
  v1::VerdictReason& reason = *report.mutable_verdict()->add_reasons();
  reason.set_driver_id("d2");
  reason.set_resource("cpu");
  reason.set_message("used 99 % of a core");
  const std::string xml = JunitReport(report);
  EXPECT_THAT(xml, HasSubstr("failures=\"1\" errors=\"1\""));
  EXPECT_THAT(xml, HasSubstr("<error type=\"verdict\" message=\"INVALID, the generator itself was "
                             "the limit: d2: cpu: used 99 % of a core\">"));
}

TEST(JunitReport, ATestThatFailedOrHadNoAnswerIsNoPass) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->set_state(v1::LoadTest::FAILED);
  report.mutable_load_test()->set_state_reason("all drivers were lost");
  EXPECT_THAT(JunitReport(report),
              HasSubstr("<error type=\"state\" message=\"FAILED: all drivers were lost\">"));
  report = SampleReport();
  report.mutable_totals()->mutable_counts()->set_completed(0);
  report.mutable_totals()->mutable_counts()->set_http_errors(0);
  EXPECT_THAT(JunitReport(report),
              HasSubstr("<failure type=\"requests\" message=\"no request succeeded\">"));
}

TEST(JunitReport, SaysWhatTheExitCodeSays) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->set_state(v1::LoadTest::STOPPED);
  EXPECT_THAT(JunitReport(report), HasSubstr("errors=\"1\""));
  EXPECT_THAT(JunitReport(report, ExitCodeOfNumbers), HasSubstr("errors=\"0\""));
}

TEST(JunitReport, EscapesWhatOthersWrote) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->mutable_spec()->set_title("\"><script>&\x01]]>");
  const std::string xml = JunitReport(report);
  EXPECT_THAT(xml, Not(HasSubstr("<script>")));
  EXPECT_THAT(xml, HasSubstr("name=\"&quot;&gt;&lt;script&gt;&amp;\xEF\xBF\xBD]]&gt; (load"));
}

TEST(EscapeMarkup, KeepsTextAndLineFeeds) {
  EXPECT_EQ(EscapeMarkup("a\tb\nµs <&>\"'"), "a\tb\nµs &lt;&amp;&gt;&quot;&#39;");
  EXPECT_EQ(EscapeMarkup(std::string("\0\x1b[31m\x7f", 7)),
            "\xEF\xBF\xBD\xEF\xBF\xBD[31m\xEF\xBF\xBD");
  EXPECT_EQ(EscapeMarkup("\xEF\xBF\xBE\xEF\xBF\xBF"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace loadtest
