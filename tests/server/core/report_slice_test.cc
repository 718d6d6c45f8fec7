#include "server/core/report_slice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/config.h"
#include "server/core/report_builder.h"
#include "tests/server/core/fake_measurements.h"

namespace loadtest {
namespace {

using testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;

// Two drivers, ten intervals: in second i driver "a" has latencies of i + 1 ms, "b" of 100 ms.
class SlicedReportTest : public testing::Test {
 protected:
  SlicedReportTest() {
    started_.mutable_spec()->mutable_rate()->set_requests_per_second(20);
    *started_.mutable_spec()->mutable_duration() = ToDuration(10 * kSecond);
    started_.mutable_spec()->add_thresholds("p99<50ms");
    for (const char* id : {"a", "b"}) {
      v1::Assignment& a = *started_.add_assignments();
      a.set_driver_id(id);
      a.set_incarnation(1);
      a.set_slot(started_.assignments_size() - 1);
      a.set_slots(2);
    }
    started_.set_metrics_interval_ns(kSecond);
    merger_ = std::make_unique<ReportMerger>(started_);
    for (int i = 0; i < 10; ++i) {
      Report("a", i, (i + 1) * 1'000'000);
      Report("b", i, 100'000'000);
    }
    v1::LoadTest test;
    test.set_name("loadTests/t");
    *test.mutable_spec() = started_.spec();
    test.set_state(v1::LoadTest::SUCCEEDED);
    *test.mutable_assignments() = started_.assignments();
    FillReport(test, merger_.get(), false, whole_);
  }

  void Report(const std::string& id, int i, int64_t latency_ns) {
    v1::MetricsReport m;
    m.set_driver_id(id);
    m.set_incarnation(1);
    m.set_test_id("t");
    m.set_sequence(i + 1);
    m.set_start_offset_ns(i * kSecond);
    m.set_end_offset_ns((i + 1) * kSecond);
    m.set_has_sent(true);
    *m.mutable_measurements() = FakeMeasurements({.sent = 10, .completed = 10});
    Histogram latency;
    for (int n = 0; n < 10; ++n) latency.Record(latency_ns);
    latency.ToProto(*m.mutable_measurements()->mutable_response_time());
    if (i == 9) {
      m.set_final(true);
      m.set_end_reason(v1::MetricsReport::PLAN_DONE);
      m.set_last_send_offset_ns(9'900'000'000);
    }
    merger_->Add(m);
    reports_.push_back(m);
  }

  absl::StatusOr<v1::Report> Slice(const v1::GetReportRequest& request) {
    const absl::StatusOr<SliceRequest> slice = ParseSlice(request);
    if (!slice.ok()) return slice.status();
    absl::StatusOr<SlicedReport> sliced = SlicedReport::Create(*slice, whole_, kSecond);
    if (!sliced.ok()) return sliced.status();
    for (const v1::MetricsReport& report : reports_) sliced->Add(report);
    return sliced->Take();
  }

  static v1::GetReportRequest Between(int from_s, int to_s) {
    v1::GetReportRequest request;
    request.mutable_from()->set_seconds(from_s);
    request.mutable_to()->set_seconds(to_s);
    return request;
  }

  v1::Started started_;
  std::unique_ptr<ReportMerger> merger_;
  std::vector<v1::MetricsReport> reports_;
  v1::Report whole_;
};

TEST_F(SlicedReportTest, HasTheWholeIntervalsBetweenFromAndTo) {
  const absl::StatusOr<v1::Report> report = Slice(Between(2, 5));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->totals().counts().completed(), 60);
  EXPECT_EQ(report->intervals_size(), 3);
  EXPECT_EQ(report->intervals(0).start_offset_ns(), 2 * kSecond);
  EXPECT_EQ(report->sending_seconds(), 3);
  EXPECT_EQ(report->completed_per_second(), 20);
  EXPECT_EQ(report->slice().from_offset_ns(), 2 * kSecond);
  EXPECT_EQ(report->slice().to_offset_ns(), 5 * kSecond);
  EXPECT_EQ(report->response_time().min_ns(), 3'000'000);
}

TEST_F(SlicedReportTest, AnIntervalThatIsCutByTheSliceIsNotInIt) {
  v1::GetReportRequest request = Between(2, 5);
  request.mutable_from()->set_nanos(1);
  request.mutable_to()->set_nanos(999'999'999);
  const absl::StatusOr<v1::Report> report = Slice(request);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->intervals_size(), 2);  // [3s, 4s) and [4s, 5s)
  EXPECT_EQ(report->sending_seconds(), 2);
}

TEST_F(SlicedReportTest, AllOfItIsTheWhole) {
  v1::GetReportRequest request;
  request.add_thresholds("max<99ms");
  const absl::StatusOr<v1::Report> report = Slice(request);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->totals().SerializeAsString(), whole_.totals().SerializeAsString());
  EXPECT_EQ(report->sending_seconds(), whole_.sending_seconds());
  EXPECT_FALSE(report->has_slice());
  ASSERT_EQ(report->thresholds_size(), 1);
  EXPECT_EQ(report->thresholds(0).expression(), "max<99ms");
  EXPECT_EQ(report->thresholds(0).actual(), "100ms");
}

TEST_F(SlicedReportTest, WithoutADriverItsNumbersAreGone) {
  v1::GetReportRequest request;
  request.add_exclude_drivers("b");
  const absl::StatusOr<v1::Report> report = Slice(request);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->totals().counts().completed(), 100);
  EXPECT_EQ(report->response_time().max_ns(), 10'000'000);
  ASSERT_EQ(report->drivers_size(), 1);
  EXPECT_EQ(report->drivers(0).assignment().driver_id(), "a");
  EXPECT_EQ(report->slice().excluded_drivers(0), "b");
  // The test's own threshold, which the other driver breaks.
  EXPECT_FALSE(whole_.thresholds(0).passed());
  EXPECT_TRUE(report->thresholds(0).passed());
  EXPECT_EQ(report->verdict().level(), v1::Verdict::VALID);
}

TEST_F(SlicedReportTest, WindowsBeginWhereTheSliceDoes) {
  v1::GetReportRequest request = Between(3, 9);
  request.add_thresholds("p50<=5500us per 3s");
  request.add_exclude_drivers("b");
  const absl::StatusOr<v1::Report> report = Slice(request);
  ASSERT_TRUE(report.ok()) << report.status();
  const v1::ThresholdResult& result = report->thresholds(0);
  EXPECT_EQ(result.windows(), 2);  // [3s, 6s) with 4, 5, 6 ms; [6s, 9s) with 7, 8, 9 ms
  EXPECT_EQ(result.windows_failed(), 1);
  EXPECT_EQ(result.window_start_offset_ns(), 6 * kSecond);
}

TEST_F(SlicedReportTest, MissingIntervalsOfTheSliceMakeItDegraded) {
  reports_.erase(reports_.begin() + 8);  // a's fifth
  const absl::StatusOr<v1::Report> inside = Slice(Between(2, 8));
  ASSERT_TRUE(inside.ok());
  EXPECT_EQ(inside->verdict().level(), v1::Verdict::DEGRADED);
  EXPECT_EQ(inside->drivers(0).intervals_missing(), 1);
  const absl::StatusOr<v1::Report> outside = Slice(Between(5, 8));
  ASSERT_TRUE(outside.ok());
  EXPECT_EQ(outside->verdict().level(), v1::Verdict::VALID);
}

TEST_F(SlicedReportTest, ALossIsTheMatterOfTheSliceItHappenedIn) {
  reports_.erase(reports_.begin() + 14, reports_.end());  // both have sent seven
  for (v1::DriverResult& driver : *whole_.mutable_drivers())
    driver.set_lost(driver.assignment().driver_id() == "b");
  reports_.pop_back();  // b its last
  const absl::StatusOr<v1::Report> before = Slice(Between(0, 5));
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->verdict().level(), v1::Verdict::VALID);
  const absl::StatusOr<v1::Report> after = Slice(Between(3, 9));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->verdict().level(), v1::Verdict::DEGRADED);
}

TEST_F(SlicedReportTest, RefusesWhatDoesNotFitTheTest) {
  v1::GetReportRequest request;
  request.add_exclude_drivers("c");
  EXPECT_EQ(Slice(request).status().message(),
            "exclude_drivers: got \"c\", want a driver of the test: a, b");
  request.clear_exclude_drivers();
  request.add_exclude_drivers("a");
  request.add_exclude_drivers("b");
  EXPECT_THAT(std::string(Slice(request).status().message()), HasSubstr("want one to be left"));
  EXPECT_EQ(Slice(Between(20, 30)).status().message(),
            "from, to: got 20s to 30s, want at least one whole interval of the test; they are 1s "
            "long");
  EXPECT_EQ(Slice(Between(5, 5)).status().message(), "to: got 5s, want more than from (5s)");
  request = Between(0, 5);
  request.mutable_from()->set_seconds(-1);
  EXPECT_THAT(std::string(Slice(request).status().message()), HasSubstr("from: got -1s, want 0s"));
  request.Clear();
  request.add_thresholds("p99<50");
  EXPECT_THAT(std::string(Slice(request).status().message()),
              HasSubstr("thresholds[0]: got \"p99<50\""));
}

TEST_F(SlicedReportTest, WithoutIntervalsTheTotalsAreJudged) {
  v1::GetReportRequest request;
  request.add_thresholds("p50<50ms");
  request.add_thresholds("p50<200ms per 1s");
  const v1::Report report = JudgeTotals(ParseSlice(request)->thresholds, whole_);
  ASSERT_EQ(report.thresholds_size(), 2);
  EXPECT_TRUE(report.thresholds(0).passed());
  EXPECT_FALSE(report.thresholds(1).passed());
  EXPECT_EQ(report.thresholds(1).actual(), "");
}

}  // namespace
}  // namespace loadtest
