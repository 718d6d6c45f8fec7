#include "server/store/store.h"

#include <gtest/gtest.h>

#include "tests/server/store/store_folder.h"

namespace loadtest {
namespace {

using StoreTest = StoreFolderTest;

TEST_F(StoreTest, GivesBackWhatWasWrittenAfterARestart) {
  {
    auto store = Store::Open(dir_);
    ASSERT_TRUE(store.ok()) << store.status();
    StoreBatch batch;
    batch.tests.push_back({"t1", "req", TestIn("t1", v1::LoadTest::RUNNING)});
    batch.records.push_back({"t1", RecordOf(Topic::kMetrics, 9, std::string("m\0m", 3))});
    batch.records.push_back({"t1", RecordOf(Topic::kTrigger, 3, "t")});
    batch.offsets[{Topic::kMetrics, 2}] = 10;
    ASSERT_TRUE((*store)->Write(batch).ok());
  }
  auto store = Store::Open(dir_);
  ASSERT_TRUE(store.ok()) << store.status();
  const auto contents = (*store)->Load();
  ASSERT_TRUE(contents.ok()) << contents.status();
  ASSERT_EQ(contents->tests.size(), 1u);
  EXPECT_EQ(contents->tests[0].request_id, "req");
  EXPECT_EQ(contents->tests[0].test.state(), v1::LoadTest::RUNNING);
  ASSERT_EQ(contents->unfinished_records.size(), 2u);
  EXPECT_EQ(contents->unfinished_records[0].topic, Topic::kTrigger)
      << "triggers come before metrics";
  EXPECT_EQ(contents->unfinished_records[1].value, std::string("m\0m", 3));
  EXPECT_EQ(contents->unfinished_records[1].offset, 9);
  EXPECT_EQ(contents->offsets.at({Topic::kMetrics, 2}), 10);
}

TEST_F(StoreTest, DoesNotLoadRecordsOfTestsThatEnded) {
  auto store = Store::Open(dir_);
  StoreBatch batch;
  batch.tests.push_back({"t1", "", TestIn("t1", v1::LoadTest::SUCCEEDED)});
  batch.records.push_back({"t1", RecordOf(Topic::kMetrics, 9, "m")});
  ASSERT_TRUE((*store)->Write(batch).ok());
  EXPECT_TRUE((*store)->Load()->unfinished_records.empty());
}

TEST_F(StoreTest, KeepsReportsUntilTheirTestIsDeleted) {
  auto store = Store::Open(dir_);
  StoreBatch batch;
  v1::Report report;
  *report.mutable_load_test() = TestIn("t1", v1::LoadTest::SUCCEEDED);
  report.set_start_skew_ns(77);
  batch.reports.push_back(report);
  ASSERT_TRUE((*store)->Write(batch).ok());
  EXPECT_EQ((*store)->reader().GetReport("t1")->value().start_skew_ns(), 77);
  EXPECT_FALSE((*store)->reader().GetReport("t2")->has_value());
  StoreBatch erase;
  erase.deleted.push_back("t1");
  ASSERT_TRUE((*store)->Write(erase).ok());
  EXPECT_FALSE((*store)->reader().GetReport("t1")->has_value());
}

TEST_F(StoreTest, ForgetsTheRecordsOfATestThatNeverWas) {
  auto store = Store::Open(dir_);
  StoreBatch batch;
  for (const char* id : {"t1", "nobodys", "t2"})
    batch.records.push_back({id, RecordOf(Topic::kMetrics, 9, id)});
  ASSERT_TRUE((*store)->Write(batch).ok());
  StoreBatch forget;
  forget.forgotten.push_back("nobodys");
  forget.forgotten.push_back("t2");
  // What is put in the same batch is newer.
  forget.records.push_back({"t2", RecordOf(Topic::kMetrics, 10, "new")});
  ASSERT_TRUE((*store)->Write(forget).ok());
  const auto contents = (*store)->Load();
  ASSERT_EQ(contents->unfinished_records.size(), 2u);
  EXPECT_EQ(contents->unfinished_records[0].value, "t1");
  EXPECT_EQ(contents->unfinished_records[1].value, "new");
  EXPECT_TRUE(contents->deleted.empty()) << "the id is free";
}

TEST_F(StoreTest, RemembersTheIdsOfDeletedTestsTheNewestOfThem) {
  {
    auto store = Store::Open(dir_);
    StoreBatch erase;
    for (int i = 0; i < 20; ++i) erase.deleted.push_back("old-" + std::to_string(i));
    ASSERT_TRUE((*store)->Write(erase).ok());
    erase.deleted.clear();
    for (int64_t i = 0; i < Store::kMostDeletedIds - 10; ++i)
      erase.deleted.push_back("t" + std::to_string(i));
    erase.deleted.push_back("old-19");  // again
    ASSERT_TRUE((*store)->Write(erase).ok());
  }
  auto store = Store::Open(dir_);
  const std::vector<std::string> deleted = (*store)->Load()->deleted;
  ASSERT_EQ(deleted.size(), static_cast<size_t>(Store::kMostDeletedIds));
  EXPECT_EQ(deleted.front(), "old-10");
  EXPECT_EQ(deleted.back(), "t" + std::to_string(Store::kMostDeletedIds - 11));
}

TEST_F(StoreTest, RefusesASecondOrchestratorInTheSameFolder) {
  auto first = Store::Open(dir_);
  ASSERT_TRUE(first.ok());
  const auto second = Store::Open(dir_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().message(),
            "data folder " + dir_.string() +
                ": in use by another orchestrator; give this one its own with --data");
}

TEST_F(StoreTest, KnowsWhoseOffsetsItHas) {
  {
    auto store = Store::Open(dir_);
    EXPECT_EQ((*store)->Load()->bus_id, "");
    ASSERT_TRUE((*store)->SetBusId("cluster-1").ok());
    StoreBatch batch;
    batch.offsets[{Topic::kMetrics, 2}] = 10;
    ASSERT_TRUE((*store)->Write(batch).ok());
  }
  auto store = Store::Open(dir_);
  EXPECT_EQ((*store)->Load()->bus_id, "cluster-1");
  EXPECT_EQ((*store)->Load()->offsets.size(), 1u);
  ASSERT_TRUE((*store)->ResetOffsets("cluster-2").ok());
  EXPECT_EQ((*store)->Load()->bus_id, "cluster-2");
  EXPECT_TRUE((*store)->Load()->offsets.empty());
}

// Version 1 had the tables of these names, and packed nothing.
TEST_F(StoreTest, TakesOverAStoreOfVersion1) {
  std::filesystem::create_directories(dir_);
  {
    auto db = Database::Open(File());
    ASSERT_TRUE((*db)
                    ->Execute(R"sql(
      PRAGMA journal_mode = WAL;
      CREATE TABLE load_tests (
        id TEXT PRIMARY KEY, request_id TEXT NOT NULL, created_ns INTEGER NOT NULL, ended INTEGER NOT NULL, resource BLOB NOT NULL);
      CREATE TABLE records (
        test_id TEXT NOT NULL, topic INTEGER NOT NULL, kafka_partition INTEGER NOT NULL, kafka_offset INTEGER NOT NULL,
        key TEXT NOT NULL, message_type TEXT NOT NULL, timestamp_ns INTEGER NOT NULL, value BLOB NOT NULL);
      CREATE INDEX records_by_test ON records (test_id, topic);
      CREATE TABLE reports (test_id TEXT PRIMARY KEY, report BLOB NOT NULL);
      CREATE TABLE offsets (
        topic INTEGER NOT NULL, kafka_partition INTEGER NOT NULL, next_offset INTEGER NOT NULL, PRIMARY KEY (topic, kafka_partition));
      INSERT INTO load_tests VALUES (CAST('t1' AS BLOB), CAST('' AS BLOB), 1, 1, CAST('' AS BLOB));
      INSERT INTO records VALUES (CAST('t1' AS BLOB), 3, 0, 7, CAST('d' AS BLOB), CAST('T' AS BLOB), 1, CAST('m' AS BLOB));
      INSERT INTO offsets VALUES (3, 0, 8);
      PRAGMA user_version = 1;)sql")
                    .ok());
  }
  auto store = Store::Open(dir_);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->Load()->tests.size(), 1u);
  EXPECT_EQ((*store)->Load()->bus_id, "");
  EXPECT_EQ((*store)->Load()->offsets.at({Topic::kMetrics, 0}), 8);
  EXPECT_EQ(TidyUp(**store), 1);
  ASSERT_EQ(RecordsOf(**store, "t1").size(), 1u);
  EXPECT_EQ(RecordsOf(**store, "t1")[0].value, "m");
}

TEST_F(StoreTest, RefusesAFolderThatCannotBeMade) {
  const auto store = Store::Open("/proc/nowhere");
  ASSERT_FALSE(store.ok());
  EXPECT_NE(std::string(store.status().message()).find("data folder /proc/nowhere: "),
            std::string::npos)
      << store.status();
}

}  // namespace
}  // namespace loadtest
