// What door security is made of; tests/process/door_security_test.py has it at real doors.
#include "server/api/door_security.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace loadtest {
namespace {

constexpr char kToken[] = "0123456789abcdef-token";

absl::Status Exposed(const std::string& address, const DoorSecurity& security) {
  return CheckExposure(security, *ParseListenAddress(address, "x"), "x");
}

TEST(DoorSecurityTest, LoopbackNeedsNothing) {
  for (const char* address : {"127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "localhost:80"}) {
    EXPECT_TRUE(Exposed(address, {}).ok()) << address;
  }
}

TEST(DoorSecurityTest, OtherAddressesNeedTlsAndAWayToKnowTheCaller) {
  for (const char* address : {"0.0.0.0:80", "[::]:80", "192.0.2.7:80", "[2001:db8::7]:80"}) {
    EXPECT_FALSE(Exposed(address, {}).ok()) << address;
    EXPECT_FALSE(Exposed(address, {.token = kToken}).ok()) << address;
    EXPECT_FALSE(Exposed(address, {.certificate = "pem"}).ok()) << address;
    EXPECT_TRUE(Exposed(address, {.token = kToken, .certificate = "pem"}).ok()) << address;
    EXPECT_TRUE(Exposed(address, {.certificate = "pem", .client_authorities = "pem"}).ok());
    EXPECT_TRUE(Exposed(address, {.insecure = true}).ok()) << address;
  }
}

TEST(DoorSecurityTest, WithoutATokenEverybodyIsAuthorized) {
  EXPECT_TRUE(CheckAuthorization({}, "").ok());
  EXPECT_TRUE(CheckAuthorization({}, "Bearer whatever").ok());
}

TEST(DoorSecurityTest, OnlyTheTokenIsAuthorized) {
  const DoorSecurity security = {.token = kToken};
  EXPECT_TRUE(CheckAuthorization(security, std::string("Bearer ") + kToken).ok());
  EXPECT_TRUE(CheckAuthorization(security, std::string("bearer ") + kToken).ok());
  for (const std::string& wrong :
       {std::string(), std::string("Bearer"), std::string("Bearer "), std::string(kToken),
        std::string("Basic ") + kToken, std::string("Bearer ") + kToken + "x",
        std::string("Bearer  ") + kToken, std::string("Bearer ") + kToken + " "}) {
    const absl::Status status = CheckAuthorization(security, wrong);
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << wrong;
    EXPECT_EQ(std::string(status.message()).find(kToken), std::string::npos) << wrong;
  }
}

class TokenFile {
 public:
  explicit TokenFile(const std::string& text) {
    path_ = testing::TempDir() + "token-XXXXXX";
    close(mkstemp(path_.data()));
    std::ofstream(path_) << text;
  }
  ~TokenFile() { std::remove(path_.c_str()); }
  v1::OrchestratorConfig config() const {
    v1::OrchestratorConfig config;
    config.set_token_file(path_);
    return config;
  }

 private:
  std::string path_;
};

TEST(DoorSecurityTest, TokenIsTheFirstLineOfItsFile) {
  for (const std::string& end : {std::string(), std::string("\n"), std::string("\r\nnotes\n")}) {
    const auto security = LoadDoorSecurity(TokenFile(kToken + end).config());
    ASSERT_TRUE(security.ok()) << security.status();
    EXPECT_EQ(security->token, kToken);
  }
}

TEST(DoorSecurityTest, TokenThatCanBeGuessedOrNotSentIsRefused) {
  for (const char* text : {"", "\n", "short", "has a blank in its middle", "fünfzehn-und-mehr-zeichen"}) {
    const absl::Status status = LoadDoorSecurity(TokenFile(text).config()).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    if (*text > ' ') {
      EXPECT_EQ(std::string(status.message()).find(text), std::string::npos);
    }
  }
}

TEST(DoorSecurityTest, FileThatIsMissingIsNamed) {
  v1::OrchestratorConfig config;
  config.set_token_file("/nowhere/token");
  EXPECT_EQ(LoadDoorSecurity(config).status(),
            absl::InvalidArgumentError("orchestrator.token_file: cannot read /nowhere/token: No such "
                                       "file or directory; want a readable file"));
}

}  // namespace
}  // namespace loadtest
