#include "server/api/rest_query.h"

#include <gtest/gtest.h>

#include <string>

namespace loadtest {
namespace {

TEST(RestQueryTest, TargetIsTakenApartAndDecoded) {
  const auto target = ParseTarget("/v1/loadTests/a%3Astop?page_size=5&page_token=a%26b+c&&empty");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->path, "/v1/loadTests/a:stop");
  EXPECT_EQ(StringParameter(*target, "page_size"), "5");
  EXPECT_EQ(StringParameter(*target, "page_token"), "a&b c");
  EXPECT_EQ(target->query.count("empty"), 1u);
}

TEST(RestQueryTest, BrokenEscapeIsNamed) {
  for (const char* text : {"/%", "/%4", "/%zz", "/a?b=%f", "/%+1"}) {
    EXPECT_FALSE(ParseTarget(text).ok()) << text;
  }
  EXPECT_EQ(
      ParseTarget("/%zz").status(),
      absl::InvalidArgumentError("target: got \"%zz\", want % only before two hexadecimal digits"));
}

TEST(RestQueryTest, ParameterGivenTwiceIsRefused) {
  EXPECT_EQ(ParseTarget("/?a=1&a=2").status(),
            absl::InvalidArgumentError("query: got \"a\" more than once, want it once"));
}

TEST(RestQueryTest, UnknownParameterIsNamedWithTheKnownOnes) {
  const std::string_view known[] = {"page_size", "page_token"};
  EXPECT_EQ(CheckKnownParameters(*ParseTarget("/?pagesize=1"), known),
            absl::InvalidArgumentError(
                "query: unknown parameter \"pagesize\", want one of page_size, page_token"));
  EXPECT_EQ(CheckKnownParameters(*ParseTarget("/?x=1"), {}),
            absl::InvalidArgumentError("query: unknown parameter \"x\", want none"));
  EXPECT_TRUE(CheckKnownParameters(*ParseTarget("/?page_size=1"), known).ok());
}

TEST(RestQueryTest, NumbersMustBeWhole) {
  EXPECT_EQ(*IntParameter(*ParseTarget("/?n=12"), "n"), 12);
  EXPECT_EQ(*IntParameter(*ParseTarget("/?n=-1"), "n"), -1);
  EXPECT_EQ(*IntParameter(*ParseTarget("/"), "n"), 0);
  for (const char* text : {"/?n=", "/?n=1.5", "/?n=ten", "/?n=1x", "/?n=99999999999"}) {
    EXPECT_FALSE(IntParameter(*ParseTarget(text), "n").ok()) << text;
  }
}

TEST(RestQueryTest, TruthIsSpelledTrueOrFalse) {
  EXPECT_TRUE(*BoolParameter(*ParseTarget("/?b=true"), "b"));
  EXPECT_FALSE(*BoolParameter(*ParseTarget("/?b=false"), "b"));
  EXPECT_FALSE(*BoolParameter(*ParseTarget("/"), "b"));
  EXPECT_EQ(BoolParameter(*ParseTarget("/?b=1"), "b").status(),
            absl::InvalidArgumentError("b: got \"1\", want true or false"));
}

}  // namespace
}  // namespace loadtest
