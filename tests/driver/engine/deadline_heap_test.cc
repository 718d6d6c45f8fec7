#include "driver/engine/deadline_heap.h"

#include <gtest/gtest.h>

#include <vector>

namespace loadtest {
namespace {

std::vector<int> TakeAll(DeadlineHeap& heap, int64_t now) {
  std::vector<int> expired;
  for (int c; (c = heap.TakeExpired({now})) >= 0;) expired.push_back(c);
  return expired;
}

TEST(DeadlineHeapTest, ExpiresInOrderOfTime) {
  DeadlineHeap heap(4);
  heap.Set(0, {30});
  heap.Set(1, {10});
  heap.Set(2, {20});
  EXPECT_EQ(heap.NextCheck(), MonotonicTime{10});
  EXPECT_EQ(TakeAll(heap, 9), (std::vector<int>{}));
  EXPECT_EQ(TakeAll(heap, 20), (std::vector<int>{1, 2}));
  EXPECT_EQ(TakeAll(heap, 100), (std::vector<int>{0}));
}

TEST(DeadlineHeapTest, ALaterDeadlineReplacesAnEarlierOne) {
  DeadlineHeap heap(2);
  heap.Set(0, {10});
  heap.Set(0, {50});
  EXPECT_EQ(TakeAll(heap, 49), (std::vector<int>{}));
  EXPECT_EQ(heap.NextCheck(), MonotonicTime{50});
  EXPECT_EQ(TakeAll(heap, 50), (std::vector<int>{0}));
}

TEST(DeadlineHeapTest, AnEarlierDeadlineReplacesALaterOne) {
  DeadlineHeap heap(2);
  heap.Set(0, {50});
  heap.Set(1, {40});
  heap.Set(0, {10});
  EXPECT_EQ(TakeAll(heap, 10), (std::vector<int>{0}));
  EXPECT_EQ(TakeAll(heap, 100), (std::vector<int>{1}));
}

TEST(DeadlineHeapTest, AClearedDeadlineNeverExpires) {
  DeadlineHeap heap(1);
  heap.Set(0, {10});
  heap.Clear(0);
  EXPECT_EQ(TakeAll(heap, 1000), (std::vector<int>{}));
  EXPECT_EQ(heap.NextCheck(), DeadlineHeap::kNever);
}

TEST(DeadlineHeapTest, HoldsForAnyOrderOfCalls) {
  // Against a plain table, with numbers from a fixed generator.
  constexpr int kConnections = 17;
  DeadlineHeap heap(kConnections);
  std::vector<int64_t> truth(kConnections, DeadlineHeap::kNever.ns);
  uint32_t random = 1;
  const auto next = [&](int below) {
    random = random * 1664525 + 1013904223;
    return static_cast<int>((random >> 16) % below);
  };
  for (int64_t now = 0; now < 20'000; ++now) {
    const int c = next(kConnections);
    if (next(4) == 0) {
      heap.Clear(c);
      truth[c] = DeadlineHeap::kNever.ns;
    } else {
      truth[c] = now + 1 + next(100);
      heap.Set(c, {truth[c]});
    }
    for (const int expired : TakeAll(heap, now)) {
      ASSERT_LE(truth[expired], now);
      truth[expired] = DeadlineHeap::kNever.ns;
    }
    for (const int64_t deadline : truth) ASSERT_GT(deadline, now);
  }
}

}  // namespace
}  // namespace loadtest
