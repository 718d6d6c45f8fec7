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

TEST(ExitCodeOf, RefusedByADriversOwnPolicyIsSix) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->set_state(v1::LoadTest::FAILED);
  report.add_events()->set_type("driver_denied");
  EXPECT_EQ(ExitCodeOf(report), 6);
}

v1::Report WithThreshold(bool passed) {
  v1::Report report = SampleReport();
  v1::ThresholdResult& threshold = *report.add_thresholds();
  threshold.set_expression("p99<5ms");
  threshold.set_passed(passed);
  threshold.set_actual("9.98ms");
  return report;
}

TEST(ExitCodeOf, AFailedThresholdIsThree) {
  EXPECT_EQ(ExitCodeOf(WithThreshold(false)), 3);
  EXPECT_EQ(ExitCodeOf(WithThreshold(true)), 0);
}

TEST(ExitCodeOf, WhatCannotBeTrustedIsNoFailedThreshold) {
  v1::Report report = WithThreshold(false);
  report.mutable_verdict()->set_level(v1::Verdict::INVALID);
  EXPECT_EQ(ExitCodeOf(report), 4);
}

TEST(ExitCodeOf, ATestThatItsThresholdStoppedIsThreeAndOneThatAPersonStoppedIsSix) {
  v1::Report report = WithThreshold(false);
  report.mutable_load_test()->set_state(v1::LoadTest::STOPPED);
  report.mutable_load_test()->mutable_spec()->set_abort_on_threshold(true);
  report.mutable_load_test()->set_state_reason(
      "threshold p99<5ms cannot be kept any more: 31 requests were beyond it already");
  EXPECT_EQ(ExitCodeOf(report), 3);
  report.mutable_load_test()->set_state_reason("stopped by loadctl");
  EXPECT_EQ(ExitCodeOf(report), 6);
}

TEST(ExitCodeOf, ATestThatHasNotBegunIsFine) {
  v1::Report report;
  report.mutable_load_test()->set_state(v1::LoadTest::PENDING);
  EXPECT_EQ(ExitCodeOf(report), 0);
}

}  // namespace
}  // namespace loadtest
