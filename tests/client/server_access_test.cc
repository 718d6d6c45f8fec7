#include "client/server_access.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace loadtest {
namespace {

class TokenFile {
 public:
  explicit TokenFile(const std::string& text) : path_(testing::TempDir() + "server_access_token") {
    std::ofstream(path_) << text;
  }
  ~TokenFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

TEST(ServerAccessTest, NothingGivenIsPlainTextWithoutAToken) {
  const auto access = ReadServerAccess({}, "load.example:50051");
  ASSERT_TRUE(access.ok());
  EXPECT_FALSE(access->tls);
  EXPECT_EQ(access->token, "");
}

TEST(ServerAccessTest, TokenFileWinsOverTheEnvironment) {
  const TokenFile file("from-file\nnotes\n");
  ServerAccessFlags flags = AccessFromEnvironment({{"LOADTEST_TOKEN", "from-environment"}});
  EXPECT_EQ(ReadServerAccess(flags, "127.0.0.1:1")->token, "from-environment");
  flags.token_file = file.path();
  EXPECT_EQ(ReadServerAccess(flags, "127.0.0.1:1")->token, "from-file");
}

TEST(ServerAccessTest, TokenIsNotSentInClearTextToAnotherHost) {
  ServerAccessFlags flags;
  flags.token = "secret";
  EXPECT_TRUE(ReadServerAccess(flags, "localhost:1").ok());
  EXPECT_TRUE(ReadServerAccess(flags, "[::1]:1").ok());
  const absl::Status refused = ReadServerAccess(flags, "load.example:1").status();
  EXPECT_EQ(refused.message(),
            "--server: load.example:1 is another host, and the token would go there in clear text; "
            "want --server-tls or --server-cacert FILE");
  flags.tls = true;
  EXPECT_TRUE(ReadServerAccess(flags, "load.example:1")->tls);
}

TEST(ServerAccessTest, CertificateAndKeyComeTogether) {
  ServerAccessFlags flags;
  flags.certificate_file = "c.pem";
  EXPECT_EQ(ReadServerAccess(flags, "localhost:1").status().message(),
            "--server-cert: want --server-key beside it");
}

TEST(ServerAccessTest, MissingFileIsNamedWithItsFlag) {
  ServerAccessFlags flags;
  flags.ca_file = "/nowhere/ca.pem";
  EXPECT_EQ(ReadServerAccess(flags, "localhost:1").status().message(),
            "--server-cacert: cannot read /nowhere/ca.pem: No such file or directory; want a file "
            "that is not empty");
}

}  // namespace
}  // namespace loadtest
