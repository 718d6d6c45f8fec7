#include "server/core/threshold_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/config.h"
#include "common/spec/load_test_spec.h"
#include "tests/server/core/fake_measurements.h"

namespace loadtest {
namespace {

using testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMilli = 1'000'000;

std::vector<Threshold> Parse(const std::vector<std::string>& texts) {
  google::protobuf::RepeatedPtrField<std::string> field(texts.begin(), texts.end());
  return *ParseThresholds(field, "thresholds");
}

// 100 requests/s for 10 s by one driver: 1,000 requests.
v1::LoadTestSpec TenSeconds() {
  v1::LoadTestSpec spec;
  spec.mutable_request()->set_url("http://127.0.0.1/");
  spec.mutable_rate()->set_requests_per_second(100);
  *spec.mutable_duration() = ToDuration(10 * kSecond);
  return *ValidateSpec(spec);
}

ThresholdJudge JudgeOf(const std::vector<std::string>& texts,
                       const v1::LoadTestSpec& spec = TenSeconds()) {
  return ThresholdJudge(Parse(texts), {.spec = spec, .drivers = 1, .interval_ns = kSecond});
}

// `slow` of `completed` answers took 80 ms, the others 1 ms.
v1::Measurements Measured(int completed, int slow = 0, int failed = 0, int http_errors = 0) {
  v1::Measurements m =
      FakeMeasurements({.sent = completed + failed, .completed = completed, .failed = failed});
  Histogram latency;
  for (int i = 0; i < completed; ++i) latency.Record(i < slow ? 80 * kMilli : kMilli);
  latency.ToProto(*m.mutable_response_time());
  latency.ToProto(*m.mutable_service_time());
  if (http_errors > 0) {
    (*m.mutable_status_codes())[503] = http_errors;
    (*m.mutable_status_codes())[200] = completed - http_errors;
    m.mutable_counts()->set_http_errors(http_errors);
  }
  return m;
}

MeasurementSum Sum(int completed, int slow = 0, int failed = 0, int http_errors = 0) {
  MeasurementSum sum;
  EXPECT_TRUE(sum.Add(Measured(completed, slow, failed, http_errors)).ok());
  return sum;
}

v1::ThresholdResult ResultOf(const std::string& text, const MeasurementSum& totals,
                             double seconds = 10) {
  return JudgeOf({text}).Results(totals, seconds).at(0);
}

TEST(ThresholdJudge, JudgesLatenciesOfTheWholeTest) {
  const MeasurementSum totals = Sum(1'000, /*slow=*/20);
  const v1::ThresholdResult passed = ResultOf("p90<50ms", totals);
  EXPECT_TRUE(passed.passed());
  EXPECT_EQ(passed.expression(), "p90<50ms");
  EXPECT_EQ(passed.actual(), "1.00ms");
  const v1::ThresholdResult failed = ResultOf("p99<50ms", totals);
  EXPECT_FALSE(failed.passed());
  EXPECT_EQ(failed.actual(), "80.0ms");
  EXPECT_NEAR(failed.actual_value(), 80e6, 80e3);
  EXPECT_EQ(ResultOf("mean<50ms", totals).actual_value(), 2'580'000);
  EXPECT_EQ(ResultOf("max<=80ms", totals).actual_value(), 80e6);
  EXPECT_TRUE(ResultOf("max<=80ms", totals).passed());
  EXPECT_EQ(ResultOf("min>1us", totals).actual_value(), 1e6);
  EXPECT_EQ(ResultOf("send_delay.p99<1ms", totals).actual(), "10.0us");
}

TEST(ThresholdJudge, CountsErrorsOfEveryKindAndTheirParts) {
  const MeasurementSum totals = Sum(990, 0, /*failed=*/10, /*http_errors=*/5);
  EXPECT_DOUBLE_EQ(ResultOf("errors<2%", totals).actual_value(), 0.015);
  EXPECT_EQ(ResultOf("errors<15", totals).actual(), "15");
  EXPECT_FALSE(ResultOf("errors<15", totals).passed());
  EXPECT_DOUBLE_EQ(ResultOf("failed<2%", totals).actual_value(), 0.01);
  // Of answers, not of requests.
  EXPECT_DOUBLE_EQ(ResultOf("http_errors<1%", totals).actual_value(), 5.0 / 990);
  EXPECT_DOUBLE_EQ(ResultOf("status(5xx)<1%", totals).actual_value(), 5.0 / 990);
  EXPECT_EQ(ResultOf("status(200)>=980", totals).actual_value(), 985);
  EXPECT_EQ(ResultOf("status(404)<1", totals).actual_value(), 0);
}

TEST(ThresholdJudge, CountsRequestsAndTheirRate) {
  const MeasurementSum totals = Sum(990, 0, /*failed=*/10);
  EXPECT_DOUBLE_EQ(ResultOf("rate>95/s", totals).actual_value(), 99);
  EXPECT_EQ(ResultOf("completed>=990", totals).actual_value(), 990);
  EXPECT_TRUE(ResultOf("completed>=990", totals).passed());
  EXPECT_EQ(ResultOf("sent>999", totals).actual_value(), 1'000);
}

TEST(ThresholdJudge, WhatWasNotMeasuredHasNotPassed) {
  for (const char* text : {"p99<50ms", "errors<1%", "rate>1/s", "p99<50ms per 5s"}) {
    const v1::ThresholdResult result = ResultOf(text, MeasurementSum(), 0);
    EXPECT_FALSE(result.passed()) << text;
    EXPECT_EQ(result.actual(), "") << text;
  }
}

TEST(ThresholdJudge, EveryWindowMustKeepIt) {
  ThresholdJudge judge = JudgeOf({"p99<50ms per 2s", "p99<50ms"});
  MeasurementSum totals;
  for (int i = 0; i < 10; ++i) {
    // 1 % of the whole test is slow, all of it in second 5: [4s, 6s) breaks it.
    const MeasurementSum sum = Sum(100, i == 5 ? 10 : 0);
    judge.OnInterval(i, sum, (i + 1) * kSecond);
    totals.Merge(sum);
  }
  const std::vector<v1::ThresholdResult> results = judge.Results(totals, 10);
  EXPECT_FALSE(results[0].passed());
  EXPECT_EQ(results[0].windows(), 5);
  EXPECT_EQ(results[0].windows_failed(), 1);
  EXPECT_EQ(results[0].window_start_offset_ns(), 4 * kSecond);
  EXPECT_EQ(results[0].window_end_offset_ns(), 6 * kSecond);
  EXPECT_EQ(results[0].actual(), "80.0ms");
  EXPECT_TRUE(results[1].passed());
}

TEST(ThresholdJudge, AWindowThatPassesShowsTheWorst) {
  ThresholdJudge judge = JudgeOf({"rate>80/s per 5s"});
  for (int i = 0; i < 10; ++i) judge.OnInterval(i, Sum(i == 7 ? 70 : 100), (i + 1) * kSecond);
  const v1::ThresholdResult result = judge.Results(MeasurementSum(), 10)[0];
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.actual(), "94/s");
  EXPECT_EQ(result.window_end_offset_ns(), 0);
}

// A window is as long as whole intervals are: 1.5 s become 2.
TEST(ThresholdJudge, WindowsAreWholeIntervals) {
  ThresholdJudge judge = JudgeOf({"rate>80/s per 1500ms"});
  for (int i = 0; i < 10; ++i) judge.OnInterval(i, Sum(100), (i + 1) * kSecond);
  EXPECT_EQ(judge.Results(MeasurementSum(), 10)[0].windows(), 5);
}

TEST(ThresholdJudge, TheTimeAfterTheLastRequestIsNoWindow) {
  ThresholdJudge judge = JudgeOf({"rate>80/s per 1s"});
  for (int i = 0; i < 10; ++i) judge.OnInterval(i, Sum(100), (i + 1) * kSecond);
  judge.OnInterval(10, Sum(3), 11 * kSecond);                 // answers while draining
  judge.OnInterval(11, Sum(1), 11 * kSecond + 200 * kMilli);  // an interval that was cut short
  const v1::ThresholdResult result = judge.Results(MeasurementSum(), 10)[0];
  EXPECT_TRUE(result.passed()) << result.ShortDebugString();
  EXPECT_EQ(result.windows(), 10);
}

TEST(ThresholdJudge, TheLastWindowEndsWithTheLastRequest) {
  ThresholdJudge judge = JudgeOf({"rate>=100/s per 5s"});
  for (int i = 0; i < 10; ++i)
    judge.OnInterval(i, Sum(100), i < 9 ? (i + 1) * kSecond : 9'990 * kMilli);
  const v1::ThresholdResult result = judge.Results(MeasurementSum(), 10)[0];
  EXPECT_EQ(result.windows(), 2);
  EXPECT_TRUE(result.passed()) << result.ShortDebugString();
}

TEST(ThresholdJudge, AWindowThatAStopCutShortIsNotJudged) {
  ThresholdJudge judge = JudgeOf({"rate>=100/s per 5s"});
  for (int i = 0; i < 9; ++i) judge.OnInterval(i, Sum(100), (i + 1) * kSecond);
  judge.OnInterval(9, Sum(50), 9'500 * kMilli);
  EXPECT_EQ(judge.Results(MeasurementSum(), 10)[0].windows(), 1);
}

TEST(ThresholdJudge, TheWarmUpIsNoWindow) {
  v1::LoadTestSpec spec = TenSeconds();
  *spec.mutable_warmup() = ToDuration(1'500 * kMilli);
  ThresholdJudge judge = JudgeOf({"rate>80/s per 2s"}, spec);
  for (int i = 0; i < 12; ++i) judge.OnInterval(i, Sum(i < 2 ? 0 : 100), (i + 1) * kSecond);
  const v1::ThresholdResult result = judge.Results(MeasurementSum(), 10)[0];
  EXPECT_TRUE(result.passed()) << result.ShortDebugString();
  // [2s, 4s) to [8s, 10s); the plan ends at 11.5s.
  EXPECT_EQ(result.windows(), 4);
}

TEST(ThresholdJudge, ALateReportMendsTheWindowThatLackedIt) {
  ThresholdJudge judge = JudgeOf({"rate>80/s per 2s"});
  for (int i = 0; i < 10; ++i) judge.OnInterval(i, Sum(i == 5 ? 40 : 100), (i + 1) * kSecond);
  EXPECT_EQ(judge.Results(MeasurementSum(), 10)[0].windows_failed(), 1);
  judge.OnLateReport(5, Measured(60), 6 * kSecond);
  const v1::ThresholdResult result = judge.Results(MeasurementSum(), 10)[0];
  EXPECT_TRUE(result.passed()) << result.ShortDebugString();
  EXPECT_EQ(result.windows(), 5);
  EXPECT_EQ(result.actual(), "100/s");
  EXPECT_FALSE(judge.has_missed_reports());
}

TEST(ThresholdJudge, ALateReportBreaksAWindowThatCameBeforeTheOneThatFailedFirst) {
  ThresholdJudge judge = JudgeOf({"p99<50ms per 1s", "p99<50ms per 5s"});
  for (int i = 0; i < 10; ++i) judge.OnInterval(i, Sum(100, i == 6 ? 9 : 0), (i + 1) * kSecond);
  judge.OnLateReport(2, Measured(50, 3), 3 * kSecond);
  const std::vector<v1::ThresholdResult> results = judge.Results(MeasurementSum(), 10);
  EXPECT_EQ(results[0].windows_failed(), 2);
  EXPECT_EQ(results[0].window_start_offset_ns(), 2 * kSecond);
  // 3 of 550 are not 1 %.
  EXPECT_EQ(results[1].windows_failed(), 1);
  EXPECT_EQ(results[1].window_start_offset_ns(), 5 * kSecond);
}

TEST(ThresholdJudge, AWindowOfWhoseLastIntervalOnlyALateReportTellsIsJudged) {
  ThresholdJudge judge = JudgeOf({"rate>10/s per 2s"});
  for (const int i : {0, 1, 2, 4, 5}) judge.OnInterval(i, Sum(100), (i + 1) * kSecond);
  EXPECT_EQ(judge.Results(MeasurementSum(), 10)[0].windows(), 2);
  judge.OnLateReport(3, Measured(20), 4 * kSecond);
  const v1::ThresholdResult result = judge.Results(MeasurementSum(), 10)[0];
  EXPECT_EQ(result.windows(), 3);
  EXPECT_EQ(result.actual(), "60/s");
}

TEST(ThresholdJudge, AReportThatIsTooLateForItsWindowIsTold) {
  v1::LoadTestSpec spec = TenSeconds();
  *spec.mutable_duration() = ToDuration(400 * kSecond);
  for (const char* text : {"rate>80/s per 1s", "rate>80/s per 350s"}) {
    ThresholdJudge judge = JudgeOf({text}, spec);
    for (int i = 0; i < 400; ++i) judge.OnInterval(i, Sum(100), (i + 1) * kSecond);
    judge.OnLateReport(120, Measured(9), 121 * kSecond);
    EXPECT_FALSE(judge.has_missed_reports()) << text;
  }
  ThresholdJudge judge = JudgeOf({"rate<=100/s per 1s"}, spec);
  for (int i = 0; i < 400; ++i) judge.OnInterval(i, Sum(100), (i + 1) * kSecond);
  judge.OnLateReport(20, Measured(9), 21 * kSecond);
  EXPECT_TRUE(judge.has_missed_reports());
  EXPECT_EQ(judge.Results(MeasurementSum(), 10)[0].windows_failed(), 0);
}

// What `text` says of a test that has got so far.
std::string Broken(const std::string& text, const MeasurementSum& so_far,
                   const v1::LoadTestSpec& spec = TenSeconds(), int64_t reached_ns = 2 * kSecond) {
  return JudgeOf({text}, spec).Broken(so_far, reached_ns);
}

TEST(ThresholdJudge, APercentileIsBrokenWhenTooManyRequestsOfThePlanWereBeyondIt) {
  // Of 1,001 requests at most 10 may be slow.
  EXPECT_EQ(Broken("p99<50ms", Sum(50, /*slow=*/10)), "");
  EXPECT_EQ(Broken("p99<50ms", Sum(50, /*slow=*/11)),
            "threshold p99<50ms cannot be kept any more: 11 requests were beyond it already");
  // All the rest may still be slow.
  EXPECT_EQ(Broken("p50>50ms", Sum(500)), "");
  EXPECT_THAT(Broken("p50>50ms", Sum(501)), HasSubstr("501 requests were below it already"));
}

TEST(ThresholdJudge, AMaximumIsBrokenByASingleRequestAndAMeanByTheirSum) {
  EXPECT_EQ(Broken("max<100ms", Sum(100, 1)), "");
  EXPECT_EQ(Broken("max<50ms", Sum(100, 1)),
            "threshold max<50ms cannot be kept any more: got 80.0ms");
  EXPECT_EQ(Broken("min>500us", Sum(100)), "");
  EXPECT_NE(Broken("min>2ms", Sum(100)), "");
  // 100 x 80 ms are 8 ms for each of 1,001 requests.
  EXPECT_EQ(Broken("mean<8ms", Sum(100, 100)), "");
  EXPECT_NE(Broken("mean<7900us", Sum(100, 100)), "");
  EXPECT_EQ(Broken("mean>50ms", Sum(100)), "");
}

TEST(ThresholdJudge, ErrorsAreBrokenByWhatTheyAreOfTheWholePlan) {
  EXPECT_EQ(Broken("errors<1%", Sum(10, 0, /*failed=*/10)), "");
  EXPECT_NE(Broken("errors<1%", Sum(10, 0, /*failed=*/11)), "");
  EXPECT_EQ(Broken("errors<3", Sum(10, 0, /*failed=*/2)), "");
  EXPECT_NE(Broken("errors<3", Sum(10, 0, /*failed=*/3)), "");
}

TEST(ThresholdJudge, ARateIsBrokenByRequestsThatAreLost) {
  // 100/s for 10 s: 95/s leaves 50 of 1,001 to be lost.
  EXPECT_EQ(Broken("rate>95/s", Sum(100, 0, /*failed=*/50)), "");
  EXPECT_NE(Broken("rate>95/s", Sum(100, 0, /*failed=*/51)), "");
  EXPECT_NE(Broken("completed>=990", Sum(100, 0, /*failed=*/12)), "");
  // In a closed loop it may become faster yet.
  v1::LoadTestSpec closed = TenSeconds();
  closed.mutable_avalanche();
  EXPECT_EQ(Broken("rate>95/s", Sum(1, 0, /*failed=*/500), closed), "");
}

TEST(ThresholdJudge, AClosedLoopIsTakenToBecomeTwiceAsFastAtMost) {
  v1::LoadTestSpec closed = TenSeconds();
  closed.mutable_avalanche();
  // 1,000 requests in 2 of 10 s: at most 10,000 in all, of which 100 may be slow.
  EXPECT_EQ(Broken("p99<50ms", Sum(1'000, 100), closed), "");
  EXPECT_NE(Broken("p99<50ms", Sum(1'000, 101), closed), "");
}

TEST(ThresholdJudge, OneWindowIsEnough) {
  ThresholdJudge judge = JudgeOf({"p99<50ms per 1s"});
  judge.OnInterval(0, Sum(100), kSecond);
  EXPECT_EQ(judge.Broken(Sum(100), kSecond), "");
  judge.OnInterval(1, Sum(100, 5), 2 * kSecond);
  EXPECT_EQ(judge.Broken(Sum(200, 5), 2 * kSecond),
            "threshold p99<50ms per 1s is broken: 80.0ms from 1s to 2s");
}

}  // namespace
}  // namespace loadtest
