#include "server/core/report_merger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "common/config/config.h"
#include "tests/server/core/fake_measurements.h"

namespace loadtest {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

v1::Started StartedOn(std::initializer_list<const char*> drivers) {
  v1::Started started;
  started.mutable_spec()->mutable_avalanche();
  started.set_metrics_interval_ns(kSecond);
  for (const char* id : drivers) {
    v1::Assignment* a = started.add_assignments();
    a->set_driver_id(id);
    a->set_incarnation(1);
    a->set_slot(started.assignments_size() - 1);
    a->set_slots(static_cast<int>(drivers.size()));
  }
  return started;
}

v1::MetricsReport ReportOf(const std::string& driver, int64_t sequence, int64_t end_ns,
                           const FakeCounts& counts) {
  v1::MetricsReport m;
  m.set_driver_id(driver);
  m.set_incarnation(1);
  m.set_test_id("t1");
  m.set_sequence(sequence);
  m.set_end_offset_ns(end_ns);
  *m.mutable_measurements() = FakeMeasurements(counts);
  return m;
}

TEST(ReportMergerTest, ClosesAnIntervalWhenEveryDriverHasReportedIt) {
  ReportMerger merger(StartedOn({"a", "b"}));
  merger.Add(ReportOf("a", 1, kSecond, {.sent = 5, .completed = 5}));
  EXPECT_TRUE(merger.closed_intervals().empty());
  merger.Add(ReportOf("b", 1, kSecond, {.sent = 7, .completed = 7}));
  ASSERT_EQ(merger.closed_intervals().size(), 1u);
  EXPECT_EQ(merger.closed_intervals()[0].counts().sent(), 12);
  EXPECT_EQ(merger.closed_intervals()[0].drivers(), 2);
}

TEST(ReportMergerTest, MissesNoReportWhenALossIsReadBeforeTheReports) {
  ReportMerger merger(StartedOn({"a", "b"}));
  merger.SetReplaying(true);
  merger.MarkLost({"a", 1});
  merger.MarkLost({"b", 1});
  merger.Add(ReportOf("a", 1, kSecond, {.sent = 5, .completed = 5}));
  merger.Add(ReportOf("b", 1, kSecond, {.sent = 7, .completed = 7}));
  merger.SetReplaying(false);
  ASSERT_EQ(merger.closed_intervals().size(), 1u);
  EXPECT_EQ(merger.closed_intervals()[0].counts().sent(), 12);
}

TEST(ReportMergerTest, DoesNotWaitForALostDriver) {
  ReportMerger merger(StartedOn({"a", "b"}));
  merger.Add(ReportOf("a", 1, kSecond, {.sent = 5, .completed = 5}));
  merger.MarkLost({"b", 1});
  EXPECT_EQ(merger.closed_intervals().size(), 1u);
}

TEST(ReportMergerTest, MergesALateReportIntoItsIntervalWhateverTheOrder) {
  const v1::MetricsReport a1 = ReportOf("a", 1, kSecond, {.sent = 5, .completed = 5});
  const v1::MetricsReport a2 = ReportOf("a", 2, 2 * kSecond, {.sent = 6, .completed = 6});
  const v1::MetricsReport b1 =
      ReportOf("b", 1, kSecond, {.sent = 7, .completed = 4, .in_flight = 3});
  ReportMerger late(StartedOn({"a", "b"}));
  late.MarkLost({"b", 1});
  for (const v1::MetricsReport* report : {&a1, &a2, &b1}) late.Add(*report);
  ReportMerger in_time(StartedOn({"a", "b"}));
  for (const v1::MetricsReport* report : {&a1, &b1, &a2}) in_time.Add(*report);
  in_time.MarkLost({"b", 1});

  const std::vector<v1::IntervalResult> intervals = late.AllIntervals();
  ASSERT_EQ(intervals.size(), 2u);
  EXPECT_EQ(intervals[0].counts().sent(), 12);
  EXPECT_EQ(intervals[0].counts().in_flight(), 3);
  EXPECT_EQ(intervals[0].response_time().count(), 9);
  EXPECT_EQ(intervals[0].drivers(), 2);
  EXPECT_EQ(intervals[1].counts().in_flight(), 0);
  ASSERT_EQ(in_time.AllIntervals().size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(intervals[i].SerializeAsString(), in_time.AllIntervals()[i].SerializeAsString());
  }
}

TEST(ReportMergerTest, JudgesTheWindowsOfThresholdsWithLateReportsAsWithThoseInTime) {
  v1::Started started = StartedOn({"a", "b"});
  started.mutable_spec()->add_thresholds("failed<1% per 1s");
  const v1::MetricsReport a1 = ReportOf("a", 1, kSecond, {.sent = 5, .completed = 5});
  const v1::MetricsReport a2 = ReportOf("a", 2, 2 * kSecond, {.sent = 6, .completed = 6});
  const v1::MetricsReport b1 = ReportOf("b", 1, kSecond, {.sent = 7, .completed = 6, .failed = 1});
  ReportMerger late(started);
  late.MarkLost({"b", 1});
  for (const v1::MetricsReport* report : {&a1, &a2}) late.Add(*report);
  EXPECT_TRUE(late.Thresholds().at(0).passed());
  late.Add(b1);
  ReportMerger in_time(started);
  for (const v1::MetricsReport* report : {&a1, &b1, &a2}) in_time.Add(*report);
  in_time.MarkLost({"b", 1});
  const v1::ThresholdResult result = late.Thresholds().at(0);
  EXPECT_FALSE(result.passed());
  EXPECT_EQ(result.window_end_offset_ns(), kSecond);
  EXPECT_EQ(result.SerializeAsString(), in_time.Thresholds().at(0).SerializeAsString());
}

TEST(ReportMergerTest, PutsALateReportWhereNobodyElseHadAny) {
  ReportMerger merger(StartedOn({"a", "b"}));
  merger.MarkLost({"b", 1});
  merger.Add(ReportOf("a", 1, kSecond, {.sent = 5, .completed = 5}));
  merger.Add(ReportOf("a", 2, 3 * kSecond, {.sent = 6, .completed = 6}));
  merger.Add(ReportOf("b", 1, 2 * kSecond, {.sent = 7, .completed = 7}));
  const std::vector<v1::IntervalResult> intervals = merger.AllIntervals();
  ASSERT_EQ(intervals.size(), 3u);
  EXPECT_EQ(intervals[1].start_offset_ns(), kSecond);
  EXPECT_EQ(intervals[1].counts().sent(), 7);
}

TEST(ReportMergerTest, CountsAReportThatComesTooLateForPercentiles) {
  ReportMerger merger(StartedOn({"a", "b"}));
  merger.MarkLost({"b", 1});
  for (int i = 1; i <= 400; ++i)
    merger.Add(ReportOf("a", i, i * kSecond, {.sent = 5, .completed = 5}));
  merger.Add(ReportOf("b", 1, kSecond, {.sent = 7, .completed = 7}));
  const std::vector<v1::IntervalResult> intervals = merger.AllIntervals();
  ASSERT_EQ(intervals.size(), 400u);
  EXPECT_EQ(intervals[0].counts().sent(), 12);
  EXPECT_EQ(intervals[0].response_time().count(), 5);
}

TEST(ReportMergerTest, CountsALateReportOfAnIntervalThatIsClosed) {
  ReportMerger merger(StartedOn({"a", "b"}));
  merger.Add(ReportOf("a", 1, kSecond, {.sent = 5, .completed = 5}));
  merger.MarkLost({"b", 1});
  EXPECT_EQ(merger.Add(ReportOf("b", 1, kSecond, {.sent = 7, .completed = 7})),
            ReportMerger::Added::kNew);
  EXPECT_EQ(merger.totals().counts().sent(), 12);
}

TEST(ReportMergerTest, HasInItsTotalsWhatIsInOpenIntervals) {
  ReportMerger merger(StartedOn({"a", "b"}));
  merger.Add(ReportOf("a", 1, kSecond, {.sent = 5, .completed = 3, .in_flight = 2}));
  EXPECT_EQ(merger.totals().counts().sent(), 5);
  EXPECT_EQ(merger.totals().counts().in_flight(), 2);
  EXPECT_EQ(merger.totals().response_time().count(), 3);
  merger.Add(ReportOf("a", 2, 2 * kSecond, {.sent = 1, .completed = 3, .in_flight = 0}));
  EXPECT_EQ(merger.totals().counts().sent(), 6);
  EXPECT_EQ(merger.totals().counts().in_flight(), 0);
  EXPECT_EQ(merger.totals().response_time().count(), 6);
  merger.Add(ReportOf("b", 1, kSecond, {.sent = 7, .completed = 7}));
  EXPECT_EQ(merger.totals().counts().sent(), 13);
  EXPECT_EQ(merger.totals().response_time().count(), 13);
}

TEST(ReportMergerTest, TellsOnceWhatClosedIntervalsAndLateReportsBring) {
  ReportMerger merger(StartedOn({"a", "b"}));
  merger.Add(ReportOf("a", 1, kSecond, {.sent = 5, .completed = 5}));
  EXPECT_FALSE(merger.has_fresh());
  merger.MarkLost({"b", 1});
  ASSERT_TRUE(merger.has_fresh());
  EXPECT_EQ(merger.TakeFresh().counts().sent(), 5);
  EXPECT_FALSE(merger.has_fresh());
  merger.Add(ReportOf("b", 1, kSecond, {.sent = 7, .completed = 7}));
  MeasurementSum late = merger.TakeFresh();
  EXPECT_EQ(late.counts().sent(), 7);
  EXPECT_EQ(late.response_time().count(), 7);
  merger.MarkHeardAgain({"b", 1});
  merger.Add(ReportOf("a", 2, 2 * kSecond, {.sent = 1, .completed = 1}));
  EXPECT_FALSE(merger.has_fresh());
  merger.CloseAll();
  EXPECT_EQ(merger.TakeFresh().counts().sent(), 1);
  EXPECT_EQ(merger.closed_intervals().size(), 2u);
}

TEST(ReportMergerTest, RefusesAReportWithWhichTheTotalsWouldNotFit) {
  v1::MetricsReport large = ReportOf("a", 1, kSecond, {.sent = 1, .completed = 1});
  Histogram wait;
  wait.Record(INT64_MAX - 100);
  wait.ToProto(*large.mutable_measurements()->mutable_send_delay());
  ReportMerger merger(StartedOn({"a", "b"}));
  ASSERT_EQ(merger.Add(large), ReportMerger::Added::kNew);
  large.set_driver_id("b");
  EXPECT_EQ(merger.Add(large), ReportMerger::Added::kOutOfRange);
  EXPECT_EQ(merger.totals().counts().sent(), 1);
  EXPECT_EQ(merger.Find({"b", 1})->reports, 0);
  // Also of another interval.
  large.set_end_offset_ns(2 * kSecond);
  large.set_sequence(2);
  EXPECT_EQ(merger.Add(large), ReportMerger::Added::kOutOfRange);
}

TEST(ReportMergerTest, PutsAMergedIntervalWhereItEnds) {
  ReportMerger merger(StartedOn({"a"}));
  merger.Add(ReportOf("a", 1, kSecond, {.sent = 1, .completed = 1}));
  merger.Add(ReportOf("a", 2, 4 * kSecond, {.sent = 30, .completed = 30}));
  ASSERT_EQ(merger.closed_intervals().size(), 2u);
  EXPECT_EQ(merger.closed_intervals()[1].start_offset_ns(), 3 * kSecond);
  EXPECT_EQ(merger.closed_intervals()[1].counts().sent(), 30);
}

TEST(ReportMergerTest, TotalsDoNotDependOnTheOrderOfReports) {
  std::vector<v1::MetricsReport> reports;
  for (const char* driver : {"a", "b", "c"}) {
    for (int i = 1; i <= 20; ++i)
      reports.push_back(ReportOf(driver, i, i * kSecond,
                                 {.sent = i, .completed = i - 1, .failed = 1, .in_flight = 0}));
  }
  ReportMerger in_order(StartedOn({"a", "b", "c"}));
  for (const auto& report : reports) in_order.Add(report);
  std::mt19937 random(7);
  std::shuffle(reports.begin(), reports.end(), random);
  ReportMerger shuffled(StartedOn({"a", "b", "c"}));
  for (const auto& report : reports) {
    shuffled.Add(report);
    EXPECT_EQ(shuffled.Add(report), ReportMerger::Added::kDuplicate);
  }
  EXPECT_EQ(shuffled.totals().ToProto().SerializeAsString().size(),
            in_order.totals().ToProto().SerializeAsString().size());
  EXPECT_EQ(shuffled.totals().counts().sent(), 3 * 210);
  EXPECT_EQ(shuffled.totals().response_time().count(), in_order.totals().response_time().count());
  EXPECT_EQ(shuffled.totals().response_time().sum(), in_order.totals().response_time().sum());
  for (const auto& [life, part] : shuffled.drivers())
    EXPECT_TRUE(part.missing.empty()) << life.driver_id;
}

TEST(ReportMergerTest, ASendingTimeOfATsunamiIncludesTheLastDelay) {
  v1::Started started = StartedOn({"a"});
  *started.mutable_spec()->mutable_tsunami()->mutable_delay() = ToDuration(5'000'000);
  ReportMerger merger(started);
  v1::MetricsReport last = ReportOf("a", 1, 5'020'000'000, {.sent = 1'000, .completed = 1'000});
  last.set_has_sent(true);
  last.set_final(true);
  last.set_last_send_offset_ns(4'995'000'000);
  merger.Add(last);
  EXPECT_EQ(merger.SendingNs(), 5 * kSecond);
}

v1::MetricsReport LastReport(int64_t last_send_ns, int64_t end_ns) {
  v1::MetricsReport last = ReportOf("a", 1, end_ns, {.sent = 1'000, .completed = 1'000});
  last.set_has_sent(true);
  last.set_final(true);
  last.set_end_reason(v1::MetricsReport::PLAN_DONE);
  last.set_last_send_offset_ns(last_send_ns);
  return last;
}

TEST(ReportMergerTest, ASendingTimeIsWithoutTheWarmUp) {
  v1::Started started = StartedOn({"a"});
  *started.mutable_spec()->mutable_warmup() = ToDuration(2 * kSecond);
  *started.mutable_spec()->mutable_duration() = ToDuration(5 * kSecond);
  ReportMerger closed(started);
  closed.Add(ReportOf("a", 1, kSecond, {}));
  EXPECT_EQ(closed.SendingNs(), 0);
  ReportMerger closed_at_end(started);
  closed_at_end.Add(LastReport(6'999'000'000, 7'100'000'000));
  EXPECT_EQ(closed_at_end.SendingNs(), 5 * kSecond);
  *started.mutable_spec()->mutable_tsunami()->mutable_delay() = ToDuration(5'000'000);
  ReportMerger open(started);
  open.Add(LastReport(6'995'000'000, 7'020'000'000));
  EXPECT_EQ(open.SendingNs(), 5 * kSecond);
}

TEST(ReportMergerTest, ASendingTimeOfStagesGoesToTheEndOfThePlan) {
  v1::Started started = StartedOn({"a"});
  started.mutable_spec()->mutable_stages()->add_stages()->set_from(100);
  *started.mutable_spec()->mutable_duration() = ToDuration(20 * kSecond);
  ReportMerger merger(started);
  merger.Add(LastReport(18 * kSecond, 18'100'000'000));
  EXPECT_EQ(merger.SendingNs(), 20 * kSecond);
}

TEST(ReportMergerTest, ASendingTimeOfStagesThatANumberEndsGoesToTheLastRequest) {
  v1::Started started = StartedOn({"a"});
  started.mutable_spec()->mutable_stages()->add_stages()->set_from(100);
  *started.mutable_spec()->mutable_duration() = ToDuration(20 * kSecond);
  started.mutable_spec()->set_requests_per_driver(1'000);
  ReportMerger merger(started);
  merger.Add(LastReport(18 * kSecond, 18'100'000'000));
  EXPECT_EQ(merger.SendingNs(), 18 * kSecond);
}

TEST(ReportMergerTest, ASendingTimeOfPoissonArrivalsIsTheirDuration) {
  v1::Started started = StartedOn({"a"});
  started.mutable_spec()->mutable_rate()->set_requests_per_second(100);
  started.mutable_spec()->set_arrivals(v1::LoadTestSpec::POISSON);
  *started.mutable_spec()->mutable_duration() = ToDuration(10 * kSecond);
  ReportMerger merger(started);
  merger.Add(LastReport(9'950'000'000, 9'960'000'000));
  EXPECT_EQ(merger.SendingNs(), 10 * kSecond);
}

TEST(ReportMergerTest, SeesCountsThatDoNotAddUp) {
  ReportMerger merger(StartedOn({"a"}));
  merger.Add(ReportOf("a", 1, kSecond, {.sent = 5, .completed = 4, .in_flight = 1}));
  EXPECT_TRUE(merger.Evidence()[0].adds_up);
  merger.Add(ReportOf("a", 2, 2 * kSecond, {.sent = 5, .completed = 3, .in_flight = 0}));
  EXPECT_FALSE(merger.Evidence()[0].adds_up);
}

v1::MetricsReport WarmingUp(const std::string& driver, int64_t sequence, int sent, int completed,
                            int in_flight) {
  v1::MetricsReport m = ReportOf(driver, sequence, sequence * kSecond, {});
  v1::RequestCounts& warmup = *m.mutable_measurements()->mutable_warmup();
  warmup.set_due(sent);
  warmup.set_sent(sent);
  warmup.set_completed(completed);
  warmup.set_in_flight(in_flight);
  return m;
}

TEST(ReportMergerTest, KeepsTheWarmupApartInTotalsAndIntervals) {
  ReportMerger merger(StartedOn({"a", "b"}));
  merger.Add(WarmingUp("a", 1, 10, 8, 2));
  merger.Add(WarmingUp("b", 1, 10, 9, 1));
  ASSERT_EQ(merger.closed_intervals().size(), 1u);
  EXPECT_EQ(merger.closed_intervals()[0].counts().sent(), 0);
  EXPECT_EQ(merger.closed_intervals()[0].warmup().sent(), 20);
  EXPECT_EQ(merger.closed_intervals()[0].warmup().in_flight(), 3);
  EXPECT_EQ(merger.totals().warmup().completed(), 17);
  EXPECT_EQ(merger.totals().warmup().in_flight(), 3);
  EXPECT_EQ(merger.totals().counts().due(), 0);
}

TEST(ReportMergerTest, AnIntervalAfterTheWarmupSaysNothingOfIt) {
  ReportMerger merger(StartedOn({"a"}));
  merger.Add(WarmingUp("a", 1, 10, 10, 0));
  merger.Add(ReportOf("a", 2, 2 * kSecond, {.sent = 5, .completed = 5}));
  ASSERT_EQ(merger.closed_intervals().size(), 2u);
  EXPECT_TRUE(merger.closed_intervals()[0].has_warmup());
  EXPECT_FALSE(merger.closed_intervals()[1].has_warmup());
}

TEST(ReportMergerTest, SeesAWarmupThatDoesNotAddUp) {
  ReportMerger merger(StartedOn({"a"}));
  merger.Add(WarmingUp("a", 1, 10, 8, 2));
  EXPECT_TRUE(merger.Evidence()[0].adds_up);
  merger.Add(WarmingUp("a", 2, 10, 8, 2));  // 2 of the first 10 were neither answered nor failed
  EXPECT_FALSE(merger.Evidence()[0].adds_up);
}

}  // namespace
}  // namespace loadtest
