#include "target/endpoints.h"

#include <gtest/gtest.h>

#include <string>

namespace loadtest {
namespace {

using Fate = FlakySequence::Fate;

std::string FatesOf(FlakySequence& sequence, uint64_t seed, double percent, int requests) {
  std::string fates;
  for (int i = 0; i < requests; ++i) {
    fates += sequence.Next(seed, percent) == Fate::kFails ? 'x' : '.';
  }
  return fates;
}

TEST(EndpointOf, TheFirstPartOfThePathDecides) {
  EXPECT_EQ(EndpointOf("/ping"), Endpoint::kPing);
  EXPECT_EQ(EndpointOf("/delay/100"), Endpoint::kDelay);
  EXPECT_EQ(EndpointOf("/metrics"), Endpoint::kMetrics);
}

TEST(EndpointOf, TheQueryDoesNotCount) { EXPECT_EQ(EndpointOf("/ping?a=/b"), Endpoint::kPing); }

TEST(EndpointOf, AnEndpointWithoutArgumentTakesNone) {
  EXPECT_EQ(EndpointOf("/ping/x"), Endpoint::kOther);
  EXPECT_EQ(EndpointOf("/stall/1"), Endpoint::kOther);
}

TEST(EndpointOf, WhatIsNotKnownIsOther) {
  EXPECT_EQ(EndpointOf("/"), Endpoint::kOther);
  EXPECT_EQ(EndpointOf(""), Endpoint::kOther);
  EXPECT_EQ(EndpointOf("/pings"), Endpoint::kOther);
  EXPECT_EQ(EndpointOf("/other"), Endpoint::kOther);
}

TEST(FlakySequence, ASeedAlwaysHasTheSameSequence) {
  FlakySequence first, second;
  const std::string fates = FatesOf(first, 42, 50, 100);
  EXPECT_EQ(FatesOf(second, 42, 50, 100), fates);
  EXPECT_EQ(fates.substr(0, 16), "...x.x..x.x.xxxx");
}

TEST(FlakySequence, OtherSeedsDoNotDisturbASequence) {
  FlakySequence alone, disturbed;
  const std::string fates = FatesOf(alone, 42, 50, 40);
  std::string seen;
  for (int i = 0; i < 40; ++i) {
    disturbed.Next(7, 50);
    seen += FatesOf(disturbed, 42, 50, 1);
  }
  EXPECT_EQ(seen, fates);
}

TEST(FlakySequence, TheShareOfFailuresIsThePercentage) {
  FlakySequence sequence;
  int failures = 0;
  for (int i = 0; i < 100'000; ++i) failures += sequence.Next(1, 2.5) == Fate::kFails;
  EXPECT_NEAR(failures, 2'500, 200);  // four standard deviations
}

TEST(FlakySequence, ZeroPercentNeverFailsAndHundredAlways) {
  FlakySequence sequence;
  EXPECT_EQ(FatesOf(sequence, 1, 0, 1'000).find('x'), std::string::npos);
  EXPECT_EQ(FatesOf(sequence, 1, 100, 1'000).find('.'), std::string::npos);
}

TEST(FlakySequence, TheNumberOfSeedsIsBounded) {
  FlakySequence sequence;
  for (uint64_t seed = 0; seed < 1'000; ++seed) sequence.Next(seed, 50);
  EXPECT_EQ(sequence.Next(1'000, 50), Fate::kTooManySeeds);
  EXPECT_NE(sequence.Next(999, 50), Fate::kTooManySeeds);
}

}  // namespace
}  // namespace loadtest
