#include "client/view/log_line.h"

#include <gtest/gtest.h>

#include "client/sample_messages.h"

namespace loadtest {
namespace {

TEST(LogLine, BeginsWithTheTimeSinceTheStart) {
  EXPECT_EQ(LogLine(SampleUpdate()),
            "2s  40%  3s left  600/s  p50 1.23ms  p99 4.56ms  errors 2  3 drivers");
}

TEST(LogLine, ATestThatWaitsSaysWhatFor) {
  v1::LoadTestUpdate update;
  update.mutable_load_test()->set_state(v1::LoadTest::PENDING);
  update.mutable_load_test()->set_state_reason("waits for 2 more idle drivers");
  EXPECT_EQ(LogLine(update), "pending: waits for 2 more idle drivers");
}

TEST(LogLine, ATestThatStartsNamesItsDrivers) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.mutable_load_test()->set_state(v1::LoadTest::STARTING);
  EXPECT_EQ(LogLine(update), "starting: 3 drivers get ready");
}

TEST(LogLine, TellsOfLostDriversAndABadVerdict) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.mutable_drivers(1)->set_state(v1::Driver::LOST);
  update.mutable_verdict()->set_level(v1::Verdict::DEGRADED);
  EXPECT_EQ(LogLine(update),
            "2s  40%  3s left  600/s  p50 1.23ms  p99 4.56ms  errors 2  2 of 3 drivers  DEGRADED");
}

TEST(LogLine, AnIntervalWithoutAnswersHasNoPercentiles) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.mutable_interval()->clear_response_time();
  EXPECT_EQ(LogLine(update), "2s  40%  3s left  600/s  no answer  errors 2  3 drivers");
}

TEST(LogLine, SaysThatTheWarmupGoesOn) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.mutable_interval()->mutable_counts()->set_sent(1);
  update.mutable_interval()->mutable_counts()->set_completed(0);
  update.mutable_interval()->clear_response_time();
  update.mutable_interval()->mutable_warmup()->set_sent(599);
  update.mutable_interval()->mutable_warmup()->set_completed(598);
  EXPECT_EQ(LogLine(update), "2s  40%  3s left  warm-up  600/s  errors 2  3 drivers");
}

TEST(LogLine, TheIntervalInWhichTheWarmupEndsHasTheRateOfBothParts) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.mutable_interval()->mutable_counts()->set_sent(450);
  update.mutable_interval()->mutable_warmup()->set_sent(150);
  EXPECT_NE(LogLine(update).find("  3s left  600/s  p50 1.23ms"), std::string::npos);
}

TEST(LogLine, BeforeTheFirstIntervalThereAreOnlyTotals) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.clear_interval();
  update.set_progress(0);
  EXPECT_EQ(LogLine(update), "0s  0%  errors 2  3 drivers");
}

TEST(LogLine, AHundredPercentIsNotSaidTooEarly) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.set_progress(0.9999);
  EXPECT_NE(LogLine(update).find(" 99%  0s left"), std::string::npos);
}

}  // namespace
}  // namespace loadtest
