#include "server/api/listen_address.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

TEST(ListenAddressTest, ReadsLoopbackAddresses) {
  EXPECT_EQ(ParseListenAddress("127.0.0.1:8080", "x")->ToString(), "127.0.0.1:8080");
  EXPECT_EQ(ParseListenAddress("127.8.9.10:0", "x")->ToString(), "127.8.9.10:0");
  EXPECT_EQ(ParseListenAddress("[::1]:8080", "x")->ToString(), "[::1]:8080");
  EXPECT_EQ(ParseListenAddress("localhost:65535", "x")->ToString(), "127.0.0.1:65535");
}

TEST(ListenAddressTest, ReadsAddressesThatOtherHostsReach) {
  EXPECT_EQ(ParseListenAddress("0.0.0.0:80", "x")->ToString(), "0.0.0.0:80");
  EXPECT_EQ(ParseListenAddress("192.168.1.2:0", "x")->ToString(), "192.168.1.2:0");
  EXPECT_EQ(ParseListenAddress("[::]:80", "x")->ToString(), "[::]:80");
}

TEST(ListenAddressTest, RefusesWhatIsNoNumericAddress) {
  for (const char* text : {":80", "*:80", "::1:80", "::80", "example.com:80", "127.1:80",
                           "2130706433:80", "127.0.0.1.example.com:80", "256.0.0.1:80"}) {
    EXPECT_FALSE(ParseListenAddress(text, "x").ok()) << text;
  }
}

TEST(ListenAddressTest, RefusesPortsThatAreNone) {
  for (const char* text : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1:80x", "127.0.0.1: 80", "[::1]80", "[::1"}) {
    EXPECT_FALSE(ParseListenAddress(text, "x").ok()) << text;
  }
}

TEST(ListenAddressTest, ErrorNamesSettingValueAndWhatWasWanted) {
  EXPECT_EQ(ParseListenAddress("web:80", "orchestrator.http_address").status(),
            absl::InvalidArgumentError(
                "orchestrator.http_address: got \"web:80\", want a numeric address and a port such "
                "as 127.0.0.1:8080"));
}

TEST(ListenAddressTest, LoopbackNamesAreThoseOfThisMachine) {
  for (const char* host :
       {"localhost", "LocalHost", "a.localhost", "127.0.0.1", "127.200.0.3", "::1"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  }
  for (const char* host : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                           "notlocalhost", "0.0.0.0", "::2", "126.0.0.1"}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

}  // namespace
}  // namespace loadtest
