// A data folder for a test, and what the tests of the store put into it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "server/store/store.h"

namespace loadtest {

class StoreFolderTest : public testing::Test {
 protected:
  StoreFolderTest() {
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    dir_ =
        std::filesystem::path(testing::TempDir()) /
        (std::string(test.test_suite_name()) + "_" + test.name() + "_" + std::to_string(getpid()));
    std::filesystem::remove_all(dir_);
  }
  ~StoreFolderTest() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path File() const { return dir_ / "loadtest.db"; }

  static v1::LoadTest TestIn(const std::string& id, v1::LoadTest::State state) {
    v1::LoadTest test;
    test.set_name("loadTests/" + id);
    test.set_state(state);
    return test;
  }
  static Record RecordOf(Topic topic, int64_t offset, std::string value) {
    Record record;
    record.topic = topic;
    record.partition = 2;
    record.offset = offset;
    record.key = "k";
    record.message_type = "T";
    record.timestamp = {5};
    record.value = std::move(value);
    return record;
  }
  // A test with a trigger and `reports` interval reports of `bytes` each.
  static StoreBatch BatchOf(const std::string& id, v1::LoadTest::State state, int reports = 1,
                            size_t bytes = 100) {
    StoreBatch batch;
    batch.tests.push_back({id, "", TestIn(id, state)});
    batch.records.push_back({id, RecordOf(Topic::kTrigger, 1, "started")});
    for (int i = 0; i < reports; ++i)
      batch.records.push_back({id, RecordOf(Topic::kMetrics, i, std::string(bytes, 'm'))});
    v1::Report report;
    *report.mutable_load_test() = TestIn(id, state);
    batch.reports.push_back(report);
    return batch;
  }

  static std::vector<Record> RecordsOf(Store& store, const std::string& id) {
    std::vector<Record> records;
    const absl::Status read = store.reader().ForEachRecord(id, [&](const Record& record) {
      records.push_back(record);
      return true;
    });
    EXPECT_TRUE(read.ok()) << read;
    return records;
  }

  // All steps; their number.
  static int TidyUp(Store& store) {
    for (int steps = 0; steps < 10'000; ++steps) {
      const absl::StatusOr<bool> more = store.Tidy();
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) return steps;
    }
    ADD_FAILURE() << "tidying up does not end";
    return 0;
  }

  std::filesystem::path dir_;
};

}  // namespace loadtest
