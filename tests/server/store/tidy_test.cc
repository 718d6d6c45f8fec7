// What the store does when there is time, and that nothing is lost by it.
#include <gtest/gtest.h>

#include "server/store/record_block.h"
#include "tests/server/store/store_folder.h"

namespace loadtest {
namespace {

using TidyTest = StoreFolderTest;

TEST_F(TidyTest, RecordsOfAnEndedTestArePackedAndStayReadable) {
  auto store = Store::Open(dir_);
  ASSERT_TRUE((*store)->Write(BatchOf("t1", v1::LoadTest::SUCCEEDED, 2'500)).ok());
  const std::vector<Record> before = RecordsOf(**store, "t1");
  ASSERT_EQ(before.size(), 2'501u);
  EXPECT_EQ(TidyUp(**store), 3) << "1,000 records a step";
  const std::vector<Record> after = RecordsOf(**store, "t1");
  ASSERT_EQ(after.size(), before.size());
  EXPECT_EQ(after[0].topic, Topic::kTrigger);
  EXPECT_EQ(after[0].value, "started");
  EXPECT_EQ(after[2'500].offset, 2'499);
  EXPECT_EQ(after[2'500].partition, 2);
  EXPECT_EQ(after[2'500].key, "k");
  EXPECT_EQ(after[2'500].message_type, "T");
  EXPECT_EQ(after[2'500].timestamp.ns, 5);
  EXPECT_EQ(after[2'500].value, std::string(100, 'm'));
}

TEST_F(TidyTest, RecordsOfARunningTestStayAsTheyCame) {
  auto store = Store::Open(dir_);
  ASSERT_TRUE((*store)->Write(BatchOf("t1", v1::LoadTest::RUNNING, 10)).ok());
  EXPECT_EQ(TidyUp(**store), 0);
  EXPECT_EQ((*store)->Load()->unfinished_records.size(), 11u);
}

TEST_F(TidyTest, ALateRecordComesAfterThePackedOnes) {
  auto store = Store::Open(dir_);
  ASSERT_TRUE((*store)->Write(BatchOf("t1", v1::LoadTest::SUCCEEDED, 3)).ok());
  TidyUp(**store);
  StoreBatch late;
  late.records.push_back({"t1", RecordOf(Topic::kMetrics, 99, "late")});
  ASSERT_TRUE((*store)->Write(late).ok());
  EXPECT_EQ(RecordsOf(**store, "t1").back().value, "late");
  EXPECT_EQ(TidyUp(**store), 1);
  EXPECT_EQ(RecordsOf(**store, "t1").back().value, "late");
  EXPECT_EQ(RecordsOf(**store, "t1").size(), 5u);
}

TEST_F(TidyTest, ReadingEndsWhenTheReaderHasEnough) {
  auto store = Store::Open(dir_);
  ASSERT_TRUE((*store)->Write(BatchOf("t1", v1::LoadTest::SUCCEEDED, 10)).ok());
  for (const bool packed : {false, true}) {
    if (packed) TidyUp(**store);
    int taken = 0;
    ASSERT_TRUE((*store)->reader().ForEachRecord("t1", [&](const Record&) { return ++taken < 4; }).ok());
    EXPECT_EQ(taken, 4) << (packed ? "packed" : "as they came");
  }
}

TEST_F(TidyTest, ADeletedTestLeavesNothingAndItsSpaceIsGivenBack) {
  auto store = Store::Open(dir_);
  ASSERT_TRUE((*store)->Write(BatchOf("t1", v1::LoadTest::SUCCEEDED, 3'000, 10'000)).ok());
  StoreBatch other = BatchOf("t2", v1::LoadTest::RUNNING, 2);
  ASSERT_TRUE((*store)->Write(other).ok());
  StoreBatch erase;
  erase.deleted.push_back("t1");
  ASSERT_TRUE((*store)->Write(erase).ok());
  EXPECT_GT(TidyUp(**store), 3);
  EXPECT_TRUE(RecordsOf(**store, "t1").empty());
  EXPECT_EQ(RecordsOf(**store, "t2").size(), 3u);
  store->reset();
  store = Store::Open(dir_);  // which empties the log into the file
  EXPECT_LT(std::filesystem::file_size(File()), 8'000'000u) << "30 MB were in it";
}

TEST_F(TidyTest, ANewTestWithTheIdOfADeletedOneHasNothingOfIt) {
  auto store = Store::Open(dir_);
  ASSERT_TRUE((*store)->Write(BatchOf("t1", v1::LoadTest::SUCCEEDED, 10)).ok());
  StoreBatch again = BatchOf("t1", v1::LoadTest::RUNNING, 2);
  again.deleted.push_back("t1");
  ASSERT_TRUE((*store)->Write(again).ok());
  EXPECT_EQ(RecordsOf(**store, "t1").size(), 3u);
  TidyUp(**store);
  EXPECT_EQ(RecordsOf(**store, "t1").size(), 3u);
  EXPECT_EQ((*store)->Load()->unfinished_records.size(), 3u);
}

TEST_F(TidyTest, RecordsOfADeletedTestAreNotLoadedEvenBeforeTheyAreGone) {
  auto store = Store::Open(dir_);
  ASSERT_TRUE((*store)->Write(BatchOf("t1", v1::LoadTest::SUCCEEDED, 10)).ok());
  StoreBatch erase;
  erase.deleted.push_back("t1");
  ASSERT_TRUE((*store)->Write(erase).ok());
  EXPECT_TRUE((*store)->Load()->unfinished_records.empty());
}

TEST(RecordBlockTest, ADamagedBlockIsAnError) {
  Record record;
  record.key = "driver-1";
  record.value = std::string(1'000, 'v');
  const std::string block = PackRecords({record, record});
  int taken = 0;
  const auto take = [&taken](const Record&) { return ++taken > 0; };
  EXPECT_TRUE(UnpackRecords(block, take).ok());
  EXPECT_EQ(taken, 2);
  for (const std::string& damaged :
       {std::string(), block.substr(0, block.size() / 2), std::string("nonsense"), 'x' + block}) {
    EXPECT_TRUE(absl::IsDataLoss(UnpackRecords(damaged, take))) << damaged.size();
  }
}

}  // namespace
}  // namespace loadtest
