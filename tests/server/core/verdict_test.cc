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

TEST(JudgeTest, TakesTheSmallestGapOfStages) {
  v1::LoadTestSpec spec;
  v1::Stage* slow = spec.mutable_stages()->add_stages();
  slow->set_from(1);
  slow->set_to(1);
  spec.mutable_stages()->add_stages()->set_to(10);  // a request every 100 ms at its end
  EXPECT_EQ(
      JudgeOne(spec, FakeMeasurements({.sent = 100, .completed = 100, .send_delay_ns = 4'900'000}))
          .level(),
      v1::Verdict::VALID);
  EXPECT_EQ(
      JudgeOne(spec, FakeMeasurements({.sent = 100, .completed = 100, .send_delay_ns = 5'100'000}))
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

// `used` and `waited` of a second of the sending thread.
v1::Measurements Busy(int64_t used_ns, int64_t waited_ns, int64_t send_delay_ns = 10'000) {
  v1::Measurements m =
      FakeMeasurements({.sent = 5, .completed = 5, .send_delay_ns = send_delay_ns});
  m.set_loop_cpu_ns(used_ns);
  m.set_loop_wait_ns(waited_ns);
  return m;
}

TEST(JudgeTest, IsInvalidWhenTheSendingThreadHadNoTimeLeft) {
  const v1::Verdict verdict = JudgeOne(Avalanche(), Busy(960'000'000, 0));
  ASSERT_EQ(verdict.level(), v1::Verdict::INVALID);
  ASSERT_EQ(verdict.reasons_size(), 1);
  EXPECT_EQ(verdict.reasons(0).driver_id(), "a");
  EXPECT_EQ(verdict.reasons(0).resource(), "cpu");
  EXPECT_EQ(verdict.reasons(0).message(),
            "the sending thread used 96 % of a core, bound 95 %; latencies include its own delay; "
            "use more drivers");
}

TEST(JudgeTest, IsInvalidWhenAnotherProcessHasTheCore) {
  const v1::Verdict verdict = JudgeOne(Avalanche(), Busy(520'000'000, 460'000'000));
  ASSERT_EQ(verdict.level(), v1::Verdict::INVALID);
  ASSERT_EQ(verdict.reasons_size(), 1);
  EXPECT_EQ(verdict.reasons(0).resource(), "cpu");
  EXPECT_EQ(verdict.reasons(0).message(),
            "the sending thread used 52 % of a core and waited 46 % of the time for one, bound "
            "95 % together; another process has the core");
}

TEST(JudgeTest, DoesNotBlameTheGeneratorForAFastTarget) {
  EXPECT_EQ(JudgeOne(Avalanche(), Busy(900'000'000, 40'000'000)).level(), v1::Verdict::VALID);
}

TEST(JudgeTest, AThreadThatWasToldToStayAwakeMayUseItsCore) {
  v1::LoadTestSpec spec = Tsunami(5'000'000);
  *spec.mutable_spin() = ToDuration(1'000'000);
  EXPECT_EQ(JudgeOne(spec, Busy(990'000'000, 0)).level(), v1::Verdict::VALID);
}

TEST(JudgeTest, AThreadThatStaysAwakeAndIsLateAllTheSameWasTheLimit) {
  v1::LoadTestSpec spec = Tsunami(5'000'000);
  *spec.mutable_spin() = ToDuration(1'000'000);
  const v1::Verdict verdict = JudgeOne(spec, Busy(500'000'000, 480'000'000, 3'000'000));
  ASSERT_EQ(verdict.reasons_size(), 2);
  EXPECT_EQ(verdict.reasons(0).resource(), "send_delay");
  EXPECT_EQ(verdict.reasons(1).resource(), "cpu");
}

TEST(JudgeTest, SaysHowLateRequestsWereSent) {
  const v1::Verdict verdict =
      JudgeOne(Tsunami(5'000'000),
               FakeMeasurements({.sent = 100, .completed = 100, .send_delay_ns = 2'000'000}));
  ASSERT_EQ(verdict.reasons_size(), 1);
  EXPECT_EQ(verdict.reasons(0).resource(), "send_delay");
  EXPECT_EQ(verdict.reasons(0).message(), "sent late: send delay p99 2.00ms, bound 1.00ms");
}

TEST(JudgeTest, DoesNotBlameTheGeneratorForATargetThatSpeaksNoTls) {
  for (const v1::ErrorKind kind : {v1::TLS_FAILED, v1::CERTIFICATE_REJECTED, v1::HTTP2_NOT_OFFERED,
                                   v1::CONNECT_TIMEOUT, v1::WRITE_FAILED}) {
    EXPECT_EQ(JudgeOne(Avalanche(), FakeMeasurements({.dropped = 10, .drop_kind = kind})).level(),
              v1::Verdict::VALID)
        << kind;
  }
}

// A verdict on one driver with no other evidence than `change` makes.
template <typename Change>
v1::Verdict JudgeAfter(Change change) {
  MeasurementSum sum;
  DriverEvidence evidence;
  evidence.driver_id = "a";
  evidence.sum = &sum;
  change(evidence);
  return Judge(Avalanche(), {evidence}, false);
}

TEST(JudgeTest, IsDegradedWhenADriverIsLost) {
  const v1::Verdict verdict = JudgeAfter([](DriverEvidence& e) { e.lost = true; });
  EXPECT_EQ(verdict.level(), v1::Verdict::DEGRADED);
  ASSERT_EQ(verdict.reasons_size(), 1);
  EXPECT_EQ(verdict.reasons(0).driver_id(), "a");
  EXPECT_EQ(verdict.reasons(0).resource(), "driver");
}

TEST(JudgeTest, IsDegradedWhenADriverEndedBeforeItsPlan) {
  const v1::Verdict verdict = JudgeAfter([](DriverEvidence& e) { e.ended_early = true; });
  EXPECT_EQ(verdict.level(), v1::Verdict::DEGRADED);
  ASSERT_EQ(verdict.reasons_size(), 1);
  EXPECT_EQ(verdict.reasons(0).resource(), "driver");
}

TEST(JudgeTest, IsDegradedWhenIntervalsAreMissing) {
  const v1::Verdict verdict = JudgeAfter([](DriverEvidence& e) { e.intervals_missing = 2; });
  EXPECT_EQ(verdict.level(), v1::Verdict::DEGRADED);
  ASSERT_EQ(verdict.reasons_size(), 1);
  EXPECT_EQ(verdict.reasons(0).resource(), "intervals");
  EXPECT_EQ(verdict.reasons(0).message(), "2 interval reports did not come");
}

TEST(JudgeTest, IsDegradedWhenCountsDoNotAddUp) {
  const v1::Verdict verdict = JudgeAfter([](DriverEvidence& e) { e.adds_up = false; });
  EXPECT_EQ(verdict.level(), v1::Verdict::DEGRADED);
  ASSERT_EQ(verdict.reasons_size(), 1);
  EXPECT_EQ(verdict.reasons(0).resource(), "intervals");
}

TEST(JudgeTest, IsInvalidWhenOneReasonIsHoweverManyOnlyDegradeIt) {
  MeasurementSum sum;
  ASSERT_TRUE(sum.Add(Busy(990'000'000, 0)).ok());
  DriverEvidence evidence;
  evidence.driver_id = "a";
  evidence.sum = &sum;
  evidence.lost = true;
  EXPECT_EQ(Judge(Avalanche(), {evidence}, false).level(), v1::Verdict::INVALID);
}

}  // namespace
}  // namespace loadtest
