#include "server/shell/bus_echo.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

TEST(BusEchoTest, IsNotSilentWhileNothingIsAwaited) {
  BusEcho echo(100);
  EXPECT_FALSE(echo.IsSilent({1'000'000}));
  echo.OnWritten({0}, 7);
  echo.OnRead({1}, 7);
  EXPECT_FALSE(echo.IsSilent({1'000'000}));
}

TEST(BusEchoTest, IsSilentWhenNothingComesBackForLongerThanItsPatience) {
  BusEcho echo(100);
  echo.OnWritten({0}, 7);
  EXPECT_FALSE(echo.IsSilent({100}));
  EXPECT_TRUE(echo.IsSilent({101}));
  // What is written meanwhile does not begin the wait anew.
  echo.OnWritten({90}, 8);
  EXPECT_TRUE(echo.IsSilent({101}));
}

TEST(BusEchoTest, ASlowBusThatGoesOnIsNotSilent) {
  BusEcho echo(100);
  echo.OnWritten({0}, 7);
  echo.OnWritten({80}, 8);
  echo.OnRead({150}, 7);
  EXPECT_FALSE(echo.IsSilent({250}));
  EXPECT_TRUE(echo.IsSilent({251}));
  echo.OnRead({260}, 8);
  EXPECT_FALSE(echo.IsSilent({1'000}));
}

}  // namespace
}  // namespace loadtest
