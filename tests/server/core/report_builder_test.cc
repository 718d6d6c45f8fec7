#include "server/core/report_builder.h"

#include <gtest/gtest.h>

#include "common/base/time.h"
#include "server/core/driver_registry.h"
#include "tests/server/core/fake_measurements.h"

namespace loadtest {
namespace {

constexpr Moment kNow{{kNanosPerSecond}, {kNanosPerSecond}};

// A test on one driver that has just been started.
class UpdateTest : public testing::Test {
 protected:
  UpdateTest() {
    started_.mutable_spec()->mutable_avalanche();
    started_.mutable_spec()->add_thresholds("errors<1%");
    started_.set_metrics_interval_ns(kNanosPerSecond);
    v1::Assignment& assignment = *started_.add_assignments();
    assignment.set_driver_id("a");
    assignment.set_incarnation(1);
    assignment.set_slots(1);
    *test_.mutable_spec() = started_.spec();
    test_.set_state(v1::LoadTest::RUNNING);
  }

  v1::LoadTestUpdate Update(const ReportMerger& merger) const {
    v1::LoadTestUpdate update;
    FillUpdate(kNow, test_, &merger, /*stopped=*/false,
               DriverRegistry(3 * kNanosPerSecond, 600 * kNanosPerSecond), update);
    return update;
  }

  static v1::MetricsReport Report(const v1::Measurements& measurements) {
    v1::MetricsReport report;
    report.set_driver_id("a");
    report.set_incarnation(1);
    report.set_sequence(1);
    report.set_end_offset_ns(kNanosPerSecond);
    *report.mutable_measurements() = measurements;
    return report;
  }

  v1::Started started_;
  v1::LoadTest test_;
};

TEST_F(UpdateTest, HasNoVerdictBeforeSomethingWasDue) {
  ReportMerger merger(started_);
  EXPECT_FALSE(Update(merger).has_verdict());
  ASSERT_EQ(Update(merger).thresholds_size(), 1);
  EXPECT_EQ(Update(merger).thresholds(0).actual(), "");
  merger.Add(Report(FakeMeasurements({.sent = 5, .completed = 5})));
  EXPECT_EQ(Update(merger).verdict().level(), v1::Verdict::VALID);
  EXPECT_EQ(Update(merger).thresholds(0).actual(), "0%");
}

TEST_F(UpdateTest, SaysAtOnceWhatIsMissing) {
  ReportMerger merger(started_);
  merger.MarkLost({"a", 1});
  EXPECT_EQ(Update(merger).verdict().level(), v1::Verdict::DEGRADED);
}

TEST_F(UpdateTest, CountsAnswersByTheirStatus) {
  ReportMerger merger(started_);
  v1::Measurements measurements = FakeMeasurements({.sent = 5, .completed = 5});
  (*measurements.mutable_status_codes())[200] = 3;
  (*measurements.mutable_status_codes())[503] = 2;
  measurements.mutable_counts()->set_http_errors(2);
  merger.Add(Report(measurements));
  const v1::LoadTestUpdate update = Update(merger);
  EXPECT_EQ(update.status_codes().at(200), 3);
  EXPECT_EQ(update.status_codes().at(503), 2);
}

}  // namespace
}  // namespace loadtest
