#include "driver/core/target_policy.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

TargetPolicy Policy(const std::vector<std::string>& entries) {
  const absl::StatusOr<TargetPolicy> policy = TargetPolicy::Create(entries);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *policy;
}

TEST(TargetPolicyTest, AnEmptyListAllowsEverything) {
  EXPECT_TRUE(Policy({}).CheckHost("example.com").ok());
  EXPECT_TRUE(Policy({}).CheckAddress("example.com", "10.0.0.1").ok());
}

TEST(TargetPolicyTest, AStarAllowsEverything) {
  EXPECT_TRUE(Policy({"*"}).CheckHost("10.0.0.1").ok());
  EXPECT_TRUE(Policy({"*"}).CheckAddress("example.com", "10.0.0.1").ok());
}

TEST(TargetPolicyTest, NamesAreComparedWithoutRegardToCase) {
  const TargetPolicy policy = Policy({"API.example.com"});
  EXPECT_TRUE(policy.CheckHost("api.Example.com").ok());
  EXPECT_FALSE(policy.CheckHost("www.example.com").ok());
  EXPECT_FALSE(policy.CheckHost("api.example.com.evil.org").ok());
}

TEST(TargetPolicyTest, AWildcardStandsForNamesBelow) {
  const TargetPolicy policy = Policy({"*.example.com"});
  EXPECT_TRUE(policy.CheckHost("a.b.example.com").ok());
  EXPECT_FALSE(policy.CheckHost("example.com").ok());
  EXPECT_FALSE(policy.CheckHost("badexample.com").ok());
}

TEST(TargetPolicyTest, NetworksAllowTheirAddresses) {
  const TargetPolicy policy = Policy({"10.1.0.0/16", "192.168.7.128/25", "fd00::/8"});
  EXPECT_TRUE(policy.CheckHost("10.1.255.255").ok());
  EXPECT_FALSE(policy.CheckHost("10.2.0.0").ok());
  EXPECT_TRUE(policy.CheckHost("192.168.7.200").ok());
  EXPECT_FALSE(policy.CheckHost("192.168.7.100").ok());
  EXPECT_TRUE(policy.CheckHost("fd12::1").ok());
  EXPECT_FALSE(policy.CheckHost("fe80::1").ok());
}

TEST(TargetPolicyTest, ANameIsAllowedByTheAddressItResolvesTo) {
  const TargetPolicy policy = Policy({"10.1.0.0/16"});
  EXPECT_TRUE(policy.CheckHost("inside.example.com").ok());
  EXPECT_TRUE(policy.CheckAddress("inside.example.com", "10.1.2.3").ok());
  EXPECT_EQ(policy.CheckAddress("inside.example.com", "8.8.8.8").message(),
            "target inside.example.com (8.8.8.8): this driver may only load 10.1.0.0/16; allow it "
            "there with "
            "--allow or driver.allowed_targets");
}

TEST(TargetPolicyTest, DeniedNamesTheTargetWhatIsAllowedAndHowToAllowIt) {
  const absl::Status status = Policy({"127.0.0.1", "*.example.com"}).CheckHost("10.9.9.9");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status.message(),
            "target 10.9.9.9: this driver may only load 127.0.0.1, *.example.com; allow it there "
            "with --allow "
            "or driver.allowed_targets");
}

TEST(TargetPolicyTest, AnAddressThatIsMappedIntoIpv6IsTheOneItStandsFor) {
  const TargetPolicy v4 = Policy({"10.1.0.0/16"});
  EXPECT_TRUE(v4.CheckHost("::ffff:10.1.2.3").ok());
  EXPECT_FALSE(v4.CheckHost("::ffff:127.0.0.1").ok());
  const TargetPolicy v6 = Policy({"::/0"});
  EXPECT_TRUE(v6.CheckHost("2001:db8::1").ok());
  EXPECT_FALSE(v6.CheckHost("::ffff:10.1.2.3").ok());
  EXPECT_TRUE(Policy({"::ffff:10.1.0.0/112"}).CheckHost("10.1.9.9").ok());
}

TEST(TargetPolicyTest, AHostThatIsAllowedByNameIsAskedForAllowedNamesOnly) {
  const TargetPolicy policy = Policy({"front.example.com", "*.shop.example", "10.1.0.0/16"});
  EXPECT_TRUE(policy.CheckServedName("front.example.com", "front.example.com").ok());
  EXPECT_TRUE(policy.CheckServedName("front.example.com", "A.shop.example").ok());
  EXPECT_EQ(policy.CheckServedName("front.example.com", "victim.example").message(),
            "target front.example.com asked for as \"victim.example\": this driver may only load "
            "front.example.com, *.shop.example, 10.1.0.0/16; allow it there with --allow or "
            "driver.allowed_targets");
  // Whatever stands at an allowed address is allowed.
  EXPECT_TRUE(policy.CheckServedName("10.1.2.3", "victim.example").ok());
  EXPECT_TRUE(policy.CheckServedName("inside.example.com", "victim.example").ok());
  EXPECT_TRUE(Policy({}).CheckServedName("front.example.com", "victim.example").ok());
  EXPECT_TRUE(Policy({"*"}).CheckServedName("front.example.com", "victim.example").ok());
}

TEST(TargetPolicyTest, WrongEntriesAreRefusedByPlaceAndValue) {
  for (const char* entry : {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "1.2.3.4.5", "fd00::/129",
                            "a b", "*.", "**", "http://x", "fd00::g"}) {
    const absl::StatusOr<TargetPolicy> policy = TargetPolicy::Create({"ok.example.com", entry});
    ASSERT_FALSE(policy.ok()) << entry;
    EXPECT_EQ(policy.status().message(),
              "driver.allowed_targets[1]: got \"" + std::string(entry) +
                  "\", want a name, *.NAME, an address, a network such as 10.1.0.0/16, or *");
  }
}

}  // namespace
}  // namespace loadtest
