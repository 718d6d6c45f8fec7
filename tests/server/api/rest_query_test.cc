#include "server/api/rest_query.h"

#include <gtest/gtest.h>

#include <string>

#include "loadtest/v1/service.pb.h"

namespace loadtest {
namespace {

TEST(RestQueryTest, TargetIsTakenApartAndDecoded) {
  const auto target = ParseTarget("/v1/loadTests/a%3Astop?page_size=5&page_token=a%26b+c&&empty");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->path, "/v1/loadTests/a:stop");
  EXPECT_EQ(target->query.at("page_size"), "5");
  EXPECT_EQ(target->query.at("page_token"), "a&b c");
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

template <typename Request>
absl::StatusOr<Request> Filled(std::string_view target) {
  Request request;
  const absl::Status status = FillFromQuery(*ParseTarget(target), request);
  if (!status.ok()) return status;
  return request;
}

TEST(RestQueryTest, NumbersMustBeWhole) {
  EXPECT_EQ(Filled<v1::ListDriversRequest>("/?page_size=12")->page_size(), 12);
  EXPECT_EQ(Filled<v1::ListDriversRequest>("/?page_size=-1")->page_size(), -1);
  EXPECT_EQ(Filled<v1::ListDriversRequest>("/")->page_size(), 0);
  for (const char* text : {"/?page_size=", "/?page_size=1.5", "/?page_size=ten", "/?page_size=1x",
                           "/?page_size=99999999999"}) {
    EXPECT_FALSE(Filled<v1::ListDriversRequest>(text).ok()) << text;
  }
}

TEST(RestQueryTest, TruthIsSpelledTrueOrFalse) {
  EXPECT_TRUE(Filled<v1::CreateLoadTestRequest>("/?validate_only=true")->validate_only());
  EXPECT_FALSE(Filled<v1::CreateLoadTestRequest>("/?validate_only=false")->validate_only());
  EXPECT_EQ(Filled<v1::CreateLoadTestRequest>("/?validate_only=1").status(),
            absl::InvalidArgumentError("validate_only: got \"1\", want true or false"));
}

TEST(RestQueryTest, ListsMapsAndStatesAreSeparatedByCommas) {
  const auto request =
      Filled<v1::ListLoadTestsRequest>("/?labels=team=web,env=a%3Db&states=RUNNING,FAILED");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->labels().at("team"), "web");
  EXPECT_EQ(request->labels().at("env"), "a=b");
  ASSERT_EQ(request->states_size(), 2);
  EXPECT_EQ(request->states(1), v1::LoadTest::FAILED);
  EXPECT_EQ(Filled<v1::ListLoadTestsRequest>("/?labels=team").status(),
            absl::InvalidArgumentError("labels: got \"team\", want KEY=VALUE,KEY=VALUE"));
  EXPECT_EQ(Filled<v1::ListLoadTestsRequest>("/?states=LOST").status(),
            absl::InvalidArgumentError("states: got \"LOST\", want one of PENDING, STARTING, "
                                       "RUNNING, STOPPING, SUCCEEDED, STOPPED, FAILED"));
}

TEST(RestQueryTest, SliceOfAReportIsReadWithNamesInEitherForm) {
  for (const char* text : {"/?from=10s&to=1m30s&exclude_drivers=a,b&thresholds=p99%3C5ms",
                           "/?from=10s&to=1m30s&excludeDrivers=a,b&thresholds=p99%3C5ms"}) {
    const auto request = Filled<v1::GetReportRequest>(text);
    ASSERT_TRUE(request.ok()) << request.status();
    EXPECT_EQ(request->from().seconds(), 10);
    EXPECT_EQ(request->to().seconds(), 90);
    ASSERT_EQ(request->exclude_drivers_size(), 2);
    EXPECT_EQ(request->exclude_drivers(1), "b");
    EXPECT_EQ(request->thresholds(0), "p99<5ms");
  }
  for (const char* text : {"/?from=", "/?from=soon", "/?from=-1s"}) {
    EXPECT_FALSE(Filled<v1::GetReportRequest>(text).ok()) << text;
  }
}

TEST(RestQueryTest, FieldMaskIsAListOfPaths) {
  EXPECT_EQ(Filled<v1::UpdateLoadTestRequest>("/?updateMask=note")->update_mask().paths(0), "note");
}

TEST(RestQueryTest, BytesThatAreNotUtf8AreRefused) {
  for (const char* text : {"/%FF", "/a?b=%C3", "/a?b=%C3%28", "/%80"}) {
    EXPECT_FALSE(ParseTarget(text).ok()) << text;
  }
  EXPECT_EQ(ParseTarget("/a?b=%C3%A9")->query.at("b"), "\xC3\xA9");
}

}  // namespace
}  // namespace loadtest
