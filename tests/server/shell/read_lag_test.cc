#include "server/shell/read_lag.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

constexpr int64_t kSecond = kNanosPerSecond;

// Both clocks, in milliseconds.
Moment At(int64_t mono_ms, int64_t wall_ms) {
  return {{mono_ms * kNanosPerMilli}, {wall_ms * kNanosPerMilli}};
}
Moment At(int64_t ms) { return At(ms, ms); }

TEST(ReadLagTest, AProcessThatDidNotRunForLongerThanItsPatienceMayLagWhenItWakesUp) {
  ReadLag lag(kSecond);
  EXPECT_FALSE(lag.MayLag(At(50'000))) << "it has only begun";
  EXPECT_FALSE(lag.MayLag(At(51'000)));
  EXPECT_TRUE(lag.MayLag(At(52'001)));
  EXPECT_FALSE(lag.MayLag(At(52'002)));
}

TEST(ReadLagTest, AMachineThatSleptStopsItsMonotonicClock) {
  ReadLag lag(kSecond);
  EXPECT_FALSE(lag.MayLag(At(0, 0)));
  EXPECT_TRUE(lag.MayLag(At(10, 60'000)));
  EXPECT_FALSE(lag.MayLag(At(20, 0))) << "a clock that is put back is no sleep";
}

TEST(ReadLagTest, ItIsBehindWhenForLongerThanItsPatienceEachLookGaveAsMuchAsOneCan) {
  ReadLag lag(kSecond);
  for (int64_t ms = 0; ms <= 1'000; ms += 100) {
    lag.OnPolled({ms * kNanosPerMilli}, kMostRecordsPerPoll);
    EXPECT_FALSE(lag.MayLag(At(ms))) << ms;
  }
  EXPECT_TRUE(lag.MayLag(At(1'001)));
  lag.OnPolled({1'100 * kNanosPerMilli}, kMostRecordsPerPoll - 1);
  EXPECT_FALSE(lag.MayLag(At(1'101)));
}

// A thousand drivers report in the same moment, each second.
TEST(ReadLagTest, ABurstIsNoBacklog) {
  ReadLag lag(kSecond);
  for (int64_t second = 0; second < 10; ++second) {
    const int64_t ms = second * 1'000;
    EXPECT_FALSE(lag.MayLag(At(ms)));
    lag.OnPolled({ms * kNanosPerMilli}, kMostRecordsPerPoll);
    lag.OnPolled({(ms + 5) * kNanosPerMilli}, kMostRecordsPerPoll);
    lag.OnPolled({(ms + 10) * kNanosPerMilli}, 3);
    EXPECT_FALSE(lag.MayLag(At(ms + 900)));
  }
}

TEST(ReadLagTest, AShortPatienceIsNoReasonToSuspectABusyMachine) {
  ReadLag lag(10 * kNanosPerMilli);
  EXPECT_FALSE(lag.MayLag(At(0)));
  EXPECT_FALSE(lag.MayLag(At(200)));
  EXPECT_TRUE(lag.MayLag(At(401)));
}

}  // namespace
}  // namespace loadtest
