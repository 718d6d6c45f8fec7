#include "server/shell/bus_echo.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

// Hundredths of a second.
MonotonicTime At(int64_t n) { return {n * 10'000'000}; }
constexpr int64_t kPatienceNs = 1'000'000'000;

TEST(BusEchoTest, IsNotSilentWhileNothingIsAwaited) {
  BusEcho echo(kPatienceNs);
  EXPECT_FALSE(echo.IsSilent(At(1'000'000)));
  echo.OnWritten(At(0), 7);
  echo.OnRead(At(1), 7);
  EXPECT_FALSE(echo.IsSilent(At(1'000'000)));
}

TEST(BusEchoTest, IsSilentWhenNothingComesBackForLongerThanItsPatience) {
  BusEcho echo(kPatienceNs);
  echo.OnWritten(At(0), 7);
  EXPECT_FALSE(echo.IsSilent(At(100)));
  EXPECT_TRUE(echo.IsSilent(At(101)));
  // What is written meanwhile does not begin the wait anew.
  echo.OnWritten(At(90), 8);
  EXPECT_TRUE(echo.IsSilent(At(101)));
}

TEST(BusEchoTest, ASlowBusThatGoesOnIsNotSilent) {
  BusEcho echo(kPatienceNs);
  echo.OnWritten(At(0), 7);
  echo.OnWritten(At(80), 8);
  echo.OnRead(At(150), 7);
  EXPECT_FALSE(echo.IsSilent(At(250)));
  EXPECT_TRUE(echo.IsSilent(At(251)));
  echo.OnRead(At(260), 8);
  EXPECT_FALSE(echo.IsSilent(At(1'000)));
}

TEST(BusEchoTest, DoesNotCallABrokerSilentForAMoment) {
  BusEcho echo(10'000'000);
  echo.OnWritten(At(0), 7);
  EXPECT_FALSE(echo.IsSilent(At(20)));
  EXPECT_TRUE(echo.IsSilent(At(21)));
}

}  // namespace
}  // namespace loadtest
