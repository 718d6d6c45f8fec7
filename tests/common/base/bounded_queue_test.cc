#include "common/base/bounded_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BoundedQueueTest, GivesItemsInTheOrderTheyCame) {
  BoundedQueue<int> queue(3);
  EXPECT_TRUE(queue.TryPush(1));
  EXPECT_TRUE(queue.TryPush(2));
  EXPECT_EQ(queue.TryPop(), 1);
  EXPECT_EQ(queue.TryPop(), 2);
  EXPECT_EQ(queue.TryPop(), std::nullopt);
}

TEST(BoundedQueueTest, RefusesWhatDoesNotFitAndLeavesItWithTheCaller) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.TryPush(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(queue.TryPush(std::move(second)));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(*second, 2);
}

TEST(BoundedQueueTest, WakesAWaitingReaderWhenItIsClosed) {
  BoundedQueue<int> queue(1);
  std::thread closer([&] { queue.Close(); });
  EXPECT_EQ(queue.Pop(seconds(60)), std::nullopt);
  closer.join();
  EXPECT_TRUE(queue.closed());
}

TEST(BoundedQueueTest, StillGivesWhatWasInsideWhenItWasClosed) {
  BoundedQueue<int> queue(2);
  queue.TryPush(7);
  queue.Close();
  EXPECT_FALSE(queue.TryPush(8));
  EXPECT_EQ(queue.Pop(milliseconds(0)), 7);
  EXPECT_EQ(queue.Pop(milliseconds(0)), std::nullopt);
}

TEST(BoundedQueueTest, LosesAndDoublesNothingBetweenThreads) {
  BoundedQueue<int> queue(16);
  std::thread writer([&] {
    for (int i = 1; i <= 10'000; ++i) {
      int item = i;
      while (!queue.TryPush(std::move(item))) std::this_thread::yield();
    }
    queue.Close();
  });
  int64_t sum = 0;
  int count = 0;
  while (auto item = queue.Pop(seconds(60))) {
    sum += *item;
    ++count;
  }
  writer.join();
  EXPECT_EQ(count, 10'000);
  EXPECT_EQ(sum, 50'005'000);
}

}  // namespace
}  // namespace loadtest
