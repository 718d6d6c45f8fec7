#include "server/store/store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace loadtest {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest()
      : dir_(std::filesystem::path(testing::TempDir()) /
             ("store_test_" +
              std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    std::filesystem::remove_all(dir_);
  }
  ~StoreTest() override { std::filesystem::remove_all(dir_); }

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

  const std::filesystem::path dir_;
};

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
  EXPECT_EQ((*store)->GetReport("t1")->value().start_skew_ns(), 77);
  EXPECT_FALSE((*store)->GetReport("t2")->has_value());
  StoreBatch erase;
  erase.deleted.push_back("t1");
  ASSERT_TRUE((*store)->Write(erase).ok());
  EXPECT_FALSE((*store)->GetReport("t1")->has_value());
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

TEST_F(StoreTest, RefusesAFileThatIsNoStore) {
  std::filesystem::create_directories(dir_);
  std::ofstream(dir_ / "loadtest.db") << std::string(5'000, 'x');
  const auto store = Store::Open(dir_);
  ASSERT_FALSE(store.ok());
  EXPECT_NE(std::string(store.status().message()).find("file is not a database"), std::string::npos)
      << store.status();
}

TEST_F(StoreTest, RefusesAStoreOfANewerVersion) {
  {
    auto store = Store::Open(dir_);
    ASSERT_TRUE(store.ok());
  }
  auto db = Database::Open(dir_ / "loadtest.db");
  ASSERT_TRUE((*db)->Execute("PRAGMA user_version = 99").ok());
  const auto store = Store::Open(dir_);
  ASSERT_FALSE(store.ok());
  EXPECT_NE(std::string(store.status().message()).find("got version 99, want at most 1"),
            std::string::npos)
      << store.status();
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
