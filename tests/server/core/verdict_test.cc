#include "server/core/verdict.h"

#include <gtest/gtest.h>

#include "common/config/config.h"
#include "tests/server/core/fake_measurements.h"

namespace loadtest {
namespace {

v1::LoadTestSpec Tsunami(int64_t delay_ns) {
  v1::LoadTestSpec spec;
  *spec.mutable_tsunami()->mutable_delay() = ToDuration(delay_ns);
  return spec;
}

v1::LoadTestSpec Avalanche() {
  v1::LoadTestSpec spec;
  spec.mutable_avalanche();
  return spec;
}

v1::Verdict JudgeOne(const v1::LoadTestSpec& spec, const v1::Measurements& m,
                     bool stopped = false) {
  MeasurementSum sum;
  EXPECT_TRUE(sum.Add(m).ok());
  DriverEvidence evidence;
  evidence.driver_id = "a";
  evidence.sum = &sum;
  return Judge(spec, {evidence}, stopped);
}

TEST(JudgeTest, IsValidWhenTheScheduleWasKept) {
  const v1::Verdict verdict =
      JudgeOne(Tsunami(5'000'000),
               FakeMeasurements({.sent = 100, .completed = 100, .send_delay_ns = 900'000}));
  EXPECT_EQ(verdict.level(), v1::Verdict::VALID);
  EXPECT_EQ(verdict.reasons_size(), 0);
}

TEST(JudgeTest, AllowsAMillisecondOrATwentiethOfTheDelay) {
  EXPECT_EQ(JudgeOne(Tsunami(5'000'000),
                     FakeMeasurements({.sent = 100, .completed = 100, .send_delay_ns = 1'100'000}))
                .level(),
            v1::Verdict::INVALID);
  EXPECT_EQ(JudgeOne(Tsunami(100'000'000),
                     FakeMeasurements({.sent = 100, .completed = 100, .send_delay_ns = 4'900'000}))
                .level(),
            v1::Verdict::VALID);
  EXPECT_EQ(JudgeOne(Tsunami(100'000'000),
                     FakeMeasurements({.sent = 100, .completed = 100, .send_delay_ns = 5'100'000}))
                .level(),
            v1::Verdict::INVALID);
}

TEST(JudgeTest, TakesTheGapOfOneDriverFromAFleetRate) {
  v1::LoadTestSpec spec;
  spec.mutable_rate()->set_requests_per_second(10);  // one driver: a request every 100 ms
  EXPECT_EQ(
      JudgeOne(spec, FakeMeasurements({.sent = 100, .completed = 100, .send_delay_ns = 4'900'000}))
          .level(),
      v1::Verdict::VALID);
}

TEST(JudgeTest, NamesDriverAndResourceWhenTheGeneratorRanOut) {
  const struct {
    v1::ErrorKind kind;
    const char* resource;
  } kCases[] = {{v1::OUT_OF_DESCRIPTORS, "descriptors"},
                {v1::OUT_OF_PORTS, "ports"},
                {v1::OUT_OF_CONNECTIONS, "connections"},
                {v1::NOT_SENT_BEFORE_END, "schedule"}};
  for (const auto& c : kCases) {
    const v1::Verdict verdict =
        JudgeOne(Avalanche(),
                 FakeMeasurements({.sent = 5, .completed = 5, .dropped = 2, .drop_kind = c.kind}));
    ASSERT_EQ(verdict.level(), v1::Verdict::INVALID) << c.resource;
    EXPECT_EQ(verdict.reasons(0).driver_id(), "a");
    EXPECT_EQ(verdict.reasons(0).resource(), c.resource);
  }
}

TEST(JudgeTest, DoesNotBlameTheGeneratorForWhatAStopLeftUnsent) {
  const v1::Measurements m = FakeMeasurements(
      {.sent = 5, .completed = 5, .dropped = 2, .drop_kind = v1::NOT_SENT_BEFORE_END});
  EXPECT_EQ(JudgeOne(Avalanche(), m, true).level(), v1::Verdict::VALID);
}

TEST(JudgeTest, DoesNotBlameTheGeneratorForATargetThatRefuses) {
  EXPECT_EQ(
      JudgeOne(Avalanche(), FakeMeasurements({.dropped = 10, .drop_kind = v1::CONNECT_REFUSED}))
          .level(),
      v1::Verdict::VALID);
}

TEST(JudgeTest, IsInvalidWhenTheSendingThreadHadNoTimeLeft) {
  v1::Measurements m = FakeMeasurements({.sent = 5, .completed = 5});
  m.set_loop_cpu_ns(960'000'000);
  const v1::Verdict verdict = JudgeOne(Avalanche(), m);
  ASSERT_EQ(verdict.level(), v1::Verdict::INVALID);
  EXPECT_EQ(verdict.reasons(0).resource(), "cpu");
}

TEST(JudgeTest, IsDegradedWhenDriversOrIntervalsAreMissing) {
  MeasurementSum sum;
  DriverEvidence evidence;
  evidence.driver_id = "a";
  evidence.sum = &sum;
  evidence.lost = true;
  EXPECT_EQ(Judge(Avalanche(), {evidence}, false).level(), v1::Verdict::DEGRADED);
  evidence.lost = false;
  evidence.intervals_missing = 2;
  EXPECT_EQ(Judge(Avalanche(), {evidence}, false).level(), v1::Verdict::DEGRADED);
  evidence.intervals_missing = 0;
  evidence.ended_early = true;
  EXPECT_EQ(Judge(Avalanche(), {evidence}, false).level(), v1::Verdict::DEGRADED);
  evidence.ended_early = false;
  evidence.adds_up = false;
  EXPECT_EQ(Judge(Avalanche(), {evidence}, false).level(), v1::Verdict::DEGRADED);
}

}  // namespace
}  // namespace loadtest
