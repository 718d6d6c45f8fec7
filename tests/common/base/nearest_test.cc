#include "common/base/nearest.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

const std::vector<std::string> kKnown = {"run", "report", "watch", "--rate", "--requests"};

TEST(Nearest, ASlipIsForgiven) {
  EXPECT_EQ(Nearest("rnu", kKnown), "run");
  EXPECT_EQ(Nearest("reprot", kKnown), "report");
  EXPECT_EQ(Nearest("wach", kKnown), "watch");
  EXPECT_EQ(Nearest("--reqests", kKnown), "--requests");
}

TEST(Nearest, AnotherWordIsNotGuessedAt) {
  EXPECT_EQ(Nearest("delete", kKnown), "");
  EXPECT_EQ(Nearest("--rps", kKnown), "");
  EXPECT_EQ(Nearest("rn", kKnown), "") << "too short to tell";
  EXPECT_EQ(Nearest(std::string(10'000, 'x'), kKnown), "");
}

TEST(DidYouMean, IsASentenceOrNothing) {
  EXPECT_EQ(DidYouMean("rnu", kKnown), "; did you mean run?");
  EXPECT_EQ(DidYouMean("unknown", kKnown), "");
}

}  // namespace
}  // namespace loadtest
