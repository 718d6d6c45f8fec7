#include "common/thresholds/threshold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Measure = Threshold::Measure;
using Latency = Threshold::Latency;
using Op = Threshold::Op;
using Unit = Threshold::Unit;

Threshold Parse(std::string_view text) {
  const absl::StatusOr<Threshold> threshold = ParseThreshold(text);
  EXPECT_TRUE(threshold.ok()) << threshold.status();
  return threshold.ok() ? *threshold : Threshold();
}

std::string Error(std::string_view text) {
  const absl::StatusOr<Threshold> threshold = ParseThreshold(text);
  EXPECT_FALSE(threshold.ok()) << text << " was accepted";
  return threshold.ok() ? "" : std::string(threshold.status().message());
}

TEST(ParseThreshold, ReadsPercentilesOfResponseTime) {
  const Threshold t = Parse(" p99 < 50ms ");
  EXPECT_EQ(t.expression, "p99 < 50ms");
  EXPECT_EQ(t.measure, Measure::kPercentile);
  EXPECT_EQ(t.latency, Latency::kResponse);
  EXPECT_DOUBLE_EQ(t.quantile, 0.99);
  EXPECT_EQ(t.op, Op::kLess);
  EXPECT_EQ(t.unit, Unit::kNanoseconds);
  EXPECT_EQ(t.bound, 50e6);
  EXPECT_EQ(t.window_ns, 0);
}

TEST(ParseThreshold, ReadsEveryPercentileThatReportsHave) {
  for (const auto& [text, quantile] : {std::pair{"p50", 0.5},
                                       {"p90", 0.9},
                                       {"p95", 0.95},
                                       {"p99", 0.99},
                                       {"p99.9", 0.999},
                                       {"p99.99", 0.9999}}) {
    EXPECT_DOUBLE_EQ(Parse(std::string(text) + "<1s").quantile, quantile) << text;
  }
}

TEST(ParseThreshold, ReadsMinMeanAndMaxOfEachLatency) {
  EXPECT_EQ(Parse("min>1us").measure, Measure::kMin);
  EXPECT_EQ(Parse("mean<=1ms").measure, Measure::kMean);
  EXPECT_EQ(Parse("max<1s").measure, Measure::kMax);
  EXPECT_EQ(Parse("service.p99<1ms").latency, Latency::kService);
  EXPECT_EQ(Parse("send_delay.max<1ms").latency, Latency::kSendDelay);
  EXPECT_EQ(Parse("first_byte.mean<1ms").latency, Latency::kFirstByte);
  EXPECT_EQ(Parse("response.p50<1ms").latency, Latency::kResponse);
}

TEST(ParseThreshold, ReadsErrorsAsShareAndAsCount) {
  const Threshold share = Parse("errors<0.1%");
  EXPECT_EQ(share.measure, Measure::kErrors);
  EXPECT_EQ(share.unit, Unit::kShare);
  EXPECT_DOUBLE_EQ(share.bound, 0.001);
  const Threshold count = Parse("errors<=1k");
  EXPECT_EQ(count.unit, Unit::kCount);
  EXPECT_EQ(count.bound, 1'000);
  EXPECT_EQ(Parse("failed<1%").measure, Measure::kFailed);
  EXPECT_EQ(Parse("http_errors<1%").measure, Measure::kHttpErrors);
}

TEST(ParseThreshold, ReadsStatusesOneByOneAndByTheHundred) {
  const Threshold all = Parse("status(5xx)<1%");
  EXPECT_EQ(all.measure, Measure::kStatus);
  EXPECT_EQ(all.status_low, 500);
  EXPECT_EQ(all.status_high, 599);
  const Threshold one = Parse("status(200) >= 99.9%");
  EXPECT_EQ(one.status_low, 200);
  EXPECT_EQ(one.status_high, 200);
  EXPECT_EQ(one.op, Op::kAtLeast);
  EXPECT_DOUBLE_EQ(one.bound, 0.999);
}

TEST(ParseThreshold, ReadsRatesAndCounts) {
  EXPECT_EQ(Parse("rate>950/s").bound, 950);
  EXPECT_EQ(Parse("rate>=1.5k/s").bound, 1'500);
  EXPECT_EQ(Parse("rate>950/s").unit, Unit::kPerSecond);
  EXPECT_EQ(Parse("completed>=20k").bound, 20'000);
  EXPECT_EQ(Parse("sent>0").unit, Unit::kCount);
}

TEST(ParseThreshold, ReadsWindows) {
  const Threshold t = Parse("p99<50ms per 5s");
  EXPECT_EQ(t.window_ns, 5'000'000'000);
  EXPECT_EQ(t.bound, 50e6);
  EXPECT_EQ(Parse("rate>950/s per 1m30s").window_ns, 90'000'000'000);
}

// A line for each way of being wrong: it says what stands there and what was wanted.
TEST(ParseThreshold, SaysWhatIsWrong) {
  EXPECT_EQ(Error(""), "got \"\", want a threshold such as p99<50ms or errors<0.1%");
  EXPECT_EQ(Error("p99"), "got \"p99\", want <, <=, > or >= and a bound, such as p99<50ms");
  EXPECT_EQ(Error("p99=50ms"),
            "got \"p99=50ms\", want <, <=, > or >= between what is measured and the bound");
  EXPECT_EQ(Error("p99<50"),
            "got \"p99<50\", want as bound of p99 a duration such as 50ms or 1.5s");
  EXPECT_EQ(Error("p99<-5ms"),
            "got \"p99<-5ms\", want as bound of p99 a duration such as 50ms or 1.5s");
  EXPECT_EQ(Error("rate>950"),
            "got \"rate>950\", want as bound of rate requests per second such as 950/s or 1.5k/s");
  EXPECT_EQ(
      Error("errors<101%"),
      "got \"errors<101%\", want as bound of errors a share such as 0.1% (at most 100%), or a "
      "number of requests such as 5");
  EXPECT_EQ(Error("completed>5%"),
            "got \"completed>5%\", want as bound of completed a number of requests such as 1000 or "
            "20k");
  EXPECT_EQ(
      Error("p99<50ms per minute"),
      "got \"p99<50ms per minute\", want after \"per\" the length of a window such as 5s: 1ms "
      "to 7d");
  EXPECT_THAT(Error("p99<50ms per 0s"), HasSubstr("1ms to 7d"));
  EXPECT_THAT(Error("latency<50ms"), HasSubstr("want before the < a latency (p50, p99, p99.9"));
  for (const char* name : {"p0<1s", "p100<1s", "p<1s", "p-1<1s", "p1e1<1s", "P99<1s", "avg<1s",
                           "status(5)<1%", "status(xx)<1%", "status(0xx)<1%", "status(5xx<1%",
                           "server.p99<1s", "service.<1s", "service.rate>1/s", "p99.<1s x"}) {
    Error(name);
  }
  EXPECT_THAT(Error("p99<<1s"), HasSubstr("as bound of p99"));
  EXPECT_THAT(Error(std::string(201, 'p') + "<1s"), HasSubstr("want at most 200 bytes"));
  EXPECT_THAT(Error("p99<\n1"), HasSubstr("got \"p99<?1\""));
}

TEST(ParseThresholds, NamesThePlaceOfEach) {
  google::protobuf::RepeatedPtrField<std::string> texts;
  texts.Add("p99<50ms");
  texts.Add("p99<50");
  texts.Add("nonsense");
  const auto thresholds = ParseThresholds(texts, "spec.thresholds");
  EXPECT_EQ(thresholds.status().message(),
            "spec.thresholds[1]: got \"p99<50\", want as bound of p99 a duration such as 50ms or "
            "1.5s\n"
            "spec.thresholds[2]: got \"nonsense\", want <, <=, > or >= and a bound, such as "
            "p99<50ms");
}

TEST(SplitThresholds, SplitsAtCommasAndKeepsWhatIsEmpty) {
  EXPECT_THAT(SplitThresholds("p99<50ms, errors<0.1%"), ElementsAre("p99<50ms", "errors<0.1%"));
  EXPECT_THAT(SplitThresholds("p99<50ms"), ElementsAre("p99<50ms"));
  EXPECT_THAT(SplitThresholds("p99<50ms,"), ElementsAre("p99<50ms", ""));
}

TEST(Threshold, KeepsItsBoundByItsOperator) {
  EXPECT_FALSE(Parse("p99<50ms").Keeps(50e6));
  EXPECT_TRUE(Parse("p99<=50ms").Keeps(50e6));
  EXPECT_FALSE(Parse("rate>950/s").Keeps(950));
  EXPECT_TRUE(Parse("rate>=950/s").Keeps(950));
  EXPECT_TRUE(Parse("p99<50ms").Keeps(49e6));
  EXPECT_TRUE(Parse("rate>950/s").Keeps(951));
}

TEST(Threshold, WritesValuesInItsUnit) {
  EXPECT_EQ(Parse("p99<50ms").Format(41.2e6), "41.2ms");
  EXPECT_EQ(Parse("errors<0.1%").Format(0.0005), "0.05%");
  EXPECT_EQ(Parse("errors<5").Format(12'000), "12,000");
  EXPECT_EQ(Parse("rate>950/s").Format(987.6), "987.6/s");
  EXPECT_EQ(Parse("rate>950/s").Format(12'345.6), "12,346/s");
}

TEST(ValidateSpec, RefusesWrongThresholds) {
  v1::LoadTestSpec spec;
  spec.mutable_request()->set_url("http://127.0.0.1/");
  spec.mutable_avalanche();
  spec.add_thresholds("p99<50ms");
  EXPECT_TRUE(ValidateSpec(spec).ok());
  spec.add_thresholds("p99<50");
  EXPECT_THAT(std::string(ValidateSpec(spec).status().message()),
              HasSubstr("spec.thresholds[1]: got \"p99<50\""));
}

TEST(ValidateSpec, RefusesToAbortOnNoThreshold) {
  v1::LoadTestSpec spec;
  spec.mutable_request()->set_url("http://127.0.0.1/");
  spec.mutable_avalanche();
  spec.set_abort_on_threshold(true);
  EXPECT_THAT(std::string(ValidateSpec(spec).status().message()),
              HasSubstr("spec.abort_on_threshold: got true"));
}

}  // namespace
}  // namespace loadtest
