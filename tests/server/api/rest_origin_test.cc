#include "server/api/rest_origin.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

int RefusalCode(const RestHead& head) {
  const std::optional<RestResponse> refusal = RefuseForeignPage(head);
  return refusal ? refusal->code : 0;
}

TEST(RestOriginTest, NamesOfThisMachineAreAccepted) {
  for (const char* host : {"127.0.0.1:8080", "localhost", "LOCALHOST:9", "[::1]:8080"}) {
    EXPECT_EQ(RefusalCode({.method = "GET", .host = host}), 0) << host;
  }
}

TEST(RestOriginTest, NameThatWasReboundToThisMachineIsForbidden) {
  EXPECT_EQ(RefusalCode({.method = "GET", .host = "evil.example:8080"}), 403);
  EXPECT_EQ(RefusalCode({.method = "GET", .host = "127.0.0.1.evil.example"}), 403);
}

TEST(RestOriginTest, RequestWithoutHostIsRefused) {
  EXPECT_EQ(RefusalCode({.method = "GET"}), 400);
}

TEST(RestOriginTest, OwnPageMayPost) {
  EXPECT_EQ(
      RefusalCode({.method = "POST", .host = "localhost:8080", .origin = "http://localhost:8080"}),
      0);
}

TEST(RestOriginTest, ProgramWithoutOriginMayPost) {
  EXPECT_EQ(RefusalCode({.method = "POST", .host = "localhost:8080"}), 0);
}

TEST(RestOriginTest, OtherPagesMayNotChangeAnything) {
  for (const char* origin : {"http://evil.example", "null", "http://localhost:3000",
                             "https://localhost:8080", "http://localhost:8080.evil.example"}) {
    EXPECT_EQ(RefusalCode({.method = "POST", .host = "localhost:8080", .origin = origin}), 403)
        << origin;
    EXPECT_EQ(RefusalCode({.method = "DELETE", .host = "localhost:8080", .origin = origin}), 403)
        << origin;
  }
}

TEST(RestOriginTest, ReadingIsLeftToTheBrowsersOwnRule) {
  EXPECT_EQ(
      RefusalCode({.method = "GET", .host = "localhost:8080", .origin = "http://evil.example"}), 0);
}

}  // namespace
}  // namespace loadtest
