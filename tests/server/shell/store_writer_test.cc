#include "server/shell/store_writer.h"

#include <gtest/gtest.h>

#include "tests/server/store/store_folder.h"

namespace loadtest {
namespace {

constexpr int64_t kMilli = 1'000'000;

class StoreWriterTest : public StoreFolderTest {
 protected:
  StoreWriter Open() { return StoreWriter(*Store::Open(dir_), log_); }

  const Logger log_{"store_writer_test"};
};

TEST_F(StoreWriterTest, WritesTogetherWhatComesInATenthOfASecond) {
  StoreWriter writer = Open();
  MonotonicTime now = {10'000 * kMilli};  // long after the last write
  writer.PutRecord("t1", RecordOf(Topic::kMetrics, 1, "a"));
  EXPECT_FALSE(writer.IsDue(now, false));
  now.ns += 99 * kMilli;
  writer.PutRecord("t1", RecordOf(Topic::kMetrics, 2, "b"));
  EXPECT_FALSE(writer.IsDue(now, false));
  now.ns += kMilli;
  EXPECT_TRUE(writer.IsDue(now, false));
  writer.Write(now);
  EXPECT_TRUE(writer.status().ok()) << writer.status();
  EXPECT_FALSE(writer.IsDue(now, false));
  // What comes next is waited for anew.
  EXPECT_FALSE(writer.IsDue(now, true));
  now.ns += 100 * kMilli;
  EXPECT_TRUE(writer.IsDue(now, true));
}

TEST_F(StoreWriterTest, WritesOffsetsAloneEveryFewSeconds) {
  StoreWriter writer = Open();
  MonotonicTime now = {10'000 * kMilli};
  writer.Write(now);
  writer.PutOffset({Topic::kTrigger, 0}, 7);
  now.ns += 4'999 * kMilli;
  EXPECT_FALSE(writer.IsDue(now, false));
  now.ns += kMilli;
  EXPECT_TRUE(writer.IsDue(now, false));
}

}  // namespace
}  // namespace loadtest
