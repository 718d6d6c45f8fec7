#include "client/local_cluster.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "client/connection.h"

namespace loadtest {
namespace {

constexpr char kFake[] = FAKE_ORCHESTRATOR_FOLDER "/orchestrator";

class LocalClusterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "local_cluster_test.XXXXXX";
    folder_ = mkdtemp(pattern.data());
    setenv("TMPDIR", folder_.c_str(), 1);
  }
  void TearDown() override {
    unsetenv("TMPDIR");
    unsetenv("FAKE_ORCHESTRATOR");
    std::filesystem::remove_all(folder_);
  }

  std::string folder_;
};

TEST_F(LocalClusterTest, ServesAndLeavesNothingBehind) {
  auto cluster = LocalCluster::Start({.orchestrator = kFake});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  ASSERT_TRUE((*cluster)->AwaitReady().ok());
  const std::string address = (*cluster)->grpc_address();
  EXPECT_TRUE(Connection::Open(address).ok());
  EXPECT_FALSE(std::filesystem::is_empty(folder_));

  cluster->reset();
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  EXPECT_FALSE(Connection::Open(address).ok());
}

TEST_F(LocalClusterTest, AnOrchestratorThatEndsEarlyIsAnErrorWithItsLastWords) {
  setenv("FAKE_ORCHESTRATOR", "fails", 1);
  const auto cluster = LocalCluster::Start({.orchestrator = kFake});
  EXPECT_EQ((*cluster)->AwaitReady().message(),
            "--local: the orchestrator ended with exit code 7 before it was ready; it said: "
            "orchestrator: the broker cannot be started");
}

TEST_F(LocalClusterTest, AnOrchestratorThatIsNeverReadyIsGivenUp) {
  setenv("FAKE_ORCHESTRATOR", "never ready", 1);
  const auto cluster =
      LocalCluster::Start({.orchestrator = kFake, .start_timeout = std::chrono::milliseconds(50)});
  EXPECT_EQ((*cluster)->AwaitReady().message(),
            "--local: the orchestrator is not ready after 50 ms");
}

TEST_F(LocalClusterTest, AMissingProgramIsNamed) {
  EXPECT_EQ(LocalCluster::Start({.orchestrator = "/no/orchestrator"}).status().message(),
            "--local: /no/orchestrator: No such file or directory; want the program orchestrator "
            "beside loadctl");
}

}  // namespace
}  // namespace loadtest
