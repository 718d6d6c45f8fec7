#include "client/exit_codes.h"

#include <gtest/gtest.h>

#include "client/sample_messages.h"

namespace loadtest {
namespace {

TEST(ExitCodeOf, AValidReportWithSuccessesIsFine) { EXPECT_EQ(ExitCodeOf(SampleReport()), 0); }

TEST(ExitCodeOf, ADegradedVerdictIsStillFine) {
  v1::Report report = SampleReport();
  report.mutable_verdict()->set_level(v1::Verdict::DEGRADED);
  EXPECT_EQ(ExitCodeOf(report), 0);
}

TEST(ExitCodeOf, AnInvalidVerdictIsFour) {
  v1::Report report = SampleReport();
  report.mutable_verdict()->set_level(v1::Verdict::INVALID);
  EXPECT_EQ(ExitCodeOf(report), 4);
}

TEST(ExitCodeOf, OnlyHttpErrorsIsFiveEvenWhenInvalid) {
  v1::Report report = SampleReport();
  report.mutable_totals()->mutable_counts()->set_http_errors(2'998);
  report.mutable_verdict()->set_level(v1::Verdict::INVALID);
  EXPECT_EQ(ExitCodeOf(report), 5);
}

TEST(ExitCodeOf, ATestWithoutASingleAnswerIsFive) {
  v1::Report report = SampleReport();
  report.mutable_totals()->mutable_counts()->set_completed(0);
  report.mutable_totals()->mutable_counts()->set_http_errors(0);
  EXPECT_EQ(ExitCodeOf(report), 5);
}

TEST(ExitCodeOf, AStoppedTestIsSix) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->set_state(v1::LoadTest::STOPPED);
  EXPECT_EQ(ExitCodeOf(report), 6);
}

TEST(ExitCodeOf, FailedByItsLossPolicyIsSix) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->set_state(v1::LoadTest::FAILED);
  report.mutable_load_test()->mutable_spec()->set_on_driver_loss(v1::LoadTestSpec::ABORT);
  report.mutable_drivers(1)->set_lost(true);
  EXPECT_EQ(ExitCodeOf(report), 6);
}

TEST(ExitCodeOf, FailedForAnotherReasonIsOne) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->set_state(v1::LoadTest::FAILED);
  report.mutable_load_test()->mutable_spec()->set_on_driver_loss(v1::LoadTestSpec::ABORT);
  EXPECT_EQ(ExitCodeOf(report), 1);
}

TEST(ExitCodeOf, ATestThatHasNotBegunIsFine) {
  v1::Report report;
  report.mutable_load_test()->set_state(v1::LoadTest::PENDING);
  EXPECT_EQ(ExitCodeOf(report), 0);
}

}  // namespace
}  // namespace loadtest
