// Reports and parts of them by what the store has and by what is on its way there.
#include "server/shell/stored_report.h"

#include <gtest/gtest.h>

#include "server/store/store.h"
#include "tests/server/core/fake_measurements.h"
#include "tests/server/store/store_folder.h"

namespace loadtest {
namespace {

class StoredReportTest : public StoreFolderTest {
 protected:
  StoredReportTest() {
    auto store = Store::Open(dir_);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    StoreBatch batch;
    v1::LoadTest test = TestIn("t", v1::LoadTest::SUCCEEDED);
    v1::Assignment& assignment = *test.add_assignments();
    assignment.set_driver_id("a");
    assignment.set_incarnation(1);
    assignment.set_slots(1);
    batch.tests.push_back({"t", "", test});
    v1::Trigger trigger;
    trigger.set_test_id("t");
    *trigger.mutable_started()->add_assignments() = assignment;
    trigger.mutable_started()->set_metrics_interval_ns(kNanosPerSecond);
    trigger.mutable_started()->mutable_spec()->mutable_request()->set_url("http://127.0.0.1/");
    trigger.mutable_started()->mutable_spec()->mutable_avalanche();
    batch.records.push_back(
        {"t", Of(Topic::kTrigger, "t", 1, "Trigger", trigger.SerializeAsString())});
    batch.records.push_back({"t", Reported(1, 10)});
    v1::Report report;
    *report.mutable_load_test() = test;
    *report.add_drivers()->mutable_assignment() = assignment;
    report.set_sending_seconds(2);
    batch.reports.push_back(report);
    EXPECT_TRUE(store_->Write(batch).ok());
    auto reader = StoreReader::Open(store_->path());
    EXPECT_TRUE(reader.ok()) << reader.status();
    reader_ = *std::move(reader);
  }

  static Record Of(Topic topic, std::string key, int64_t offset, std::string type,
                   std::string value) {
    Record record = RecordOf(topic, offset, std::move(value));
    record.key = std::move(key);
    record.message_type = std::move(type);
    return record;
  }
  // The interval report of second `sequence`.
  static Record Reported(int64_t sequence, int sent) {
    v1::MetricsReport m;
    m.set_driver_id("a");
    m.set_incarnation(1);
    m.set_test_id("t");
    m.set_sequence(sequence);
    m.set_start_offset_ns((sequence - 1) * kNanosPerSecond);
    m.set_end_offset_ns(sequence * kNanosPerSecond);
    *m.mutable_measurements() = FakeMeasurements({.sent = sent, .completed = sent});
    return Of(Topic::kMetrics, "a", 100 + sequence, "MetricsReport", m.SerializeAsString());
  }

  static ReportQuestion From(int64_t from_ns) {
    ReportQuestion question{.id = "t"};
    question.slice.from_ns = from_ns;
    question.slice.to_ns = 100 * kNanosPerSecond;
    return question;
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<StoreReader> reader_;
  const std::atomic<bool> going_on_ = false;
};

TEST_F(StoredReportTest, AWholeReportHasTheNoteOfNow) {
  const auto report = AnswerFromStore({.id = "t", .note = "new"}, *reader_, going_on_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->load_test().note(), "new");
  EXPECT_EQ(report->sending_seconds(), 2);
}

TEST_F(StoredReportTest, ATestWithoutReportIsNotFound) {
  EXPECT_EQ(AnswerFromStore({.id = "u"}, *reader_, going_on_).status().message(),
            "name: loadTests/u has no report");
}

TEST_F(StoredReportTest, APartHasWhatIsNotWrittenYet) {
  ReportQuestion question = From(0);
  question.waiting = {Reported(2, 5)};
  const auto report = AnswerFromStore(std::move(question), *reader_, going_on_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->totals().counts().sent(), 15);
}

TEST_F(StoredReportTest, WhatWasWrittenMeanwhileCountsOnce) {
  ReportQuestion question = From(0);
  question.waiting = {Reported(1, 10)};
  const auto report = AnswerFromStore(std::move(question), *reader_, going_on_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->totals().counts().sent(), 10);
}

TEST_F(StoredReportTest, APartIsMadeOfRecordsThatWerePackedMeanwhile) {
  ASSERT_TRUE(AnswerFromStore(From(0), *reader_, going_on_).ok());
  TidyUp(*store_);
  const auto report = AnswerFromStore(From(0), *reader_, going_on_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->totals().counts().sent(), 10);
}

TEST_F(StoredReportTest, TheStoreIsWrittenWhileAPartIsMade) {
  StoreBatch batch;
  batch.records.push_back({"t", Reported(2, 5)});
  int records = 0;
  const absl::Status read = reader_->ForEachRecord("t", [&](const Record&) {
    if (++records == 1) {
      EXPECT_TRUE(store_->Write(batch).ok());
    }
    return true;
  });
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_EQ(records, 2) << "as it was when reading began";
}

TEST_F(StoredReportTest, TheEndOfTheOrchestratorEndsIt) {
  const std::atomic<bool> stopping = true;
  EXPECT_EQ(AnswerFromStore(From(0), *reader_, stopping).status(),
            absl::UnavailableError("the orchestrator is stopping"));
}

}  // namespace
}  // namespace loadtest
