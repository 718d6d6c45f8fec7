#include "server/api/rest_origin.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

int RefusalCode(const RestHead& head, const OriginRules& rules = {}) {
  const std::optional<RestResponse> refusal = RefuseForeignPage(head, rules);
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

TEST(RestOriginTest, DoorBeyondLoopbackHasAddressesToo) {
  const OriginRules rules = {.beyond_loopback = true};
  EXPECT_EQ(RefusalCode({.method = "GET", .host = "192.0.2.7:8080"}, rules), 0);
  EXPECT_EQ(RefusalCode({.method = "GET", .host = "[2001:db8::7]:8080"}, rules), 0);
  EXPECT_EQ(RefusalCode({.method = "GET", .host = "localhost"}, rules), 0);
  EXPECT_EQ(RefusalCode({.method = "GET", .host = "evil.example"}, rules), 403);
  EXPECT_EQ(RefusalCode({.method = "GET", .host = "192.0.2.7.evil.example"}, rules), 403);
}

TEST(RestOriginTest, WithTlsOrATokenTheHostMayHaveAnyName) {
  const OriginRules tls = {.tls = true, .any_host = true};
  EXPECT_EQ(RefusalCode({.method = "GET", .host = "load.example"}, tls), 0);
  EXPECT_EQ(RefusalCode(
                {.method = "POST", .host = "load.example", .origin = "https://load.example"}, tls),
            0);
  EXPECT_EQ(
      RefusalCode({.method = "POST", .host = "load.example", .origin = "http://load.example"}, tls),
      403);
  const OriginRules behind_a_proxy = {.any_host = true};
  EXPECT_EQ(RefusalCode({.method = "POST", .host = "load.example", .origin = "https://load.example"},
                        behind_a_proxy),
            0);
  EXPECT_EQ(RefusalCode({.method = "POST", .host = "load.example", .origin = "https://evil.example"},
                        behind_a_proxy),
            403);
}

TEST(RestOriginTest, ReadingIsLeftToTheBrowsersOwnRule) {
  EXPECT_EQ(
      RefusalCode({.method = "GET", .host = "localhost:8080", .origin = "http://evil.example"}), 0);
}

}  // namespace
}  // namespace loadtest
