#include "driver/core/driver_policy.h"

#include <gtest/gtest.h>

#include "common/base/time.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

class DriverPolicyTest : public ::testing::Test {
 protected:
  DriverPolicyTest() {
    *config_.mutable_max_duration() = ToDuration(60 * kNanosPerSecond);
    config_.set_max_connections(100);
    spec_.mutable_request()->set_url("http://127.0.0.1/");
    *spec_.mutable_duration() = ToDuration(10 * kNanosPerSecond);
    spec_.mutable_avalanche();
    assignment_.set_slots(4);
  }

  std::string Check() {
    const absl::StatusOr<v1::LoadTestSpec> spec = ValidateSpec(spec_);
    EXPECT_TRUE(spec.ok()) << spec.status();
    return std::string(DriverPolicy::Create(config_)->Check(*spec, assignment_).message());
  }

  v1::DriverConfig config_;
  v1::LoadTestSpec spec_;
  v1::Assignment assignment_;
};

TEST_F(DriverPolicyTest, AllowsWhatIsWithinItsLimits) { EXPECT_EQ(Check(), ""); }

TEST_F(DriverPolicyTest, RefusesATargetThatIsNotAllowed) {
  config_.add_allowed_targets("10.0.0.0/8");
  EXPECT_EQ(
      Check(),
      "target 127.0.0.1: this driver may only load 10.0.0.0/8; allow it there with --allow or "
      "driver.allowed_targets");
}

TEST_F(DriverPolicyTest, RefusesToAskAnAllowedNameForAnotherSite) {
  config_.add_allowed_targets("front.example.com");
  spec_.mutable_request()->set_url("https://front.example.com/");
  v1::Header& header = *spec_.mutable_request()->add_headers();
  header.set_name("hOST");
  header.set_value("Front.example.com:8443");
  EXPECT_EQ(Check(), "");
  header.set_value("victim.example");
  const std::string denied =
      "target front.example.com asked for as \"victim.example\": this driver may only load "
      "front.example.com; allow it there with --allow or driver.allowed_targets";
  EXPECT_EQ(Check(), denied);
  spec_.mutable_request()->clear_headers();
  spec_.mutable_tls()->set_server_name("victim.example");
  EXPECT_EQ(Check(), denied);
}

TEST_F(DriverPolicyTest, RefusesAClosedLoopWhereTheRateIsLimited) {
  config_.set_max_rate(100);
  EXPECT_EQ(Check(),
            "rate: got an avalanche, which is as fast as its answers, want a tsunami, rate or "
            "stages of at most 100/s for this driver; allow any there with driver.max_rate=0");
}

TEST_F(DriverPolicyTest, RefusesARateOfItsOwnAboveTheLimit) {
  config_.set_max_rate(100);
  *spec_.mutable_tsunami()->mutable_delay() = ToDuration(5 * kNanosPerMilli);
  EXPECT_EQ(
      Check(),
      "rate: got 200/s for this driver, want at most 100/s; raise it there with driver.max_rate");
}

TEST_F(DriverPolicyTest, AFleetRateCountsByItsShare) {
  config_.set_max_rate(100);
  spec_.mutable_rate()->set_requests_per_second(400);
  EXPECT_EQ(Check(), "");
  spec_.mutable_rate()->set_requests_per_second(404);
  EXPECT_EQ(
      Check(),
      "rate: got 101/s for this driver, want at most 100/s; raise it there with driver.max_rate");
}

TEST_F(DriverPolicyTest, StagesCountByTheirHighestRate) {
  config_.set_max_rate(100);
  v1::Stage* stage = spec_.mutable_stages()->add_stages();
  *stage->mutable_duration() = ToDuration(10 * kNanosPerSecond);
  stage->set_to(400);
  EXPECT_EQ(Check(), "");
  stage->set_to(404);
  EXPECT_EQ(
      Check(),
      "rate: got 101/s for this driver, want at most 100/s; raise it there with driver.max_rate");
}

TEST_F(DriverPolicyTest, StagesAndWarmUpCountForTheDuration) {
  spec_.clear_duration();
  v1::Stage* stage = spec_.mutable_stages()->add_stages();
  stage->set_to(100);
  *stage->mutable_duration() = ToDuration(50 * kNanosPerSecond);
  *spec_.mutable_warmup() = ToDuration(10 * kNanosPerSecond);
  EXPECT_EQ(Check(), "");
  *spec_.mutable_warmup() = ToDuration(11 * kNanosPerSecond);
  EXPECT_EQ(Check(),
            "duration: got 1m1s, want at most 1m; raise it at the driver with driver.max_duration");
}

TEST_F(DriverPolicyTest, RefusesATestThatIsTooLong) {
  *spec_.mutable_duration() = ToDuration(61 * kNanosPerSecond);
  EXPECT_EQ(Check(),
            "duration: got 1m1s, want at most 1m; raise it at the driver with driver.max_duration");
}

TEST_F(DriverPolicyTest, ACountedOpenLoopHasADurationToo) {
  spec_.clear_duration();
  *spec_.mutable_tsunami()->mutable_delay() = ToDuration(kNanosPerSecond);
  spec_.set_requests_per_driver(61);
  EXPECT_EQ(Check(),
            "duration: got 1m1s, want at most 1m; raise it at the driver with driver.max_duration");
}

TEST_F(DriverPolicyTest, RefusesTooManyConnections) {
  spec_.set_connections(101);
  EXPECT_EQ(
      Check(),
      "connections: got 101, want at most 100; raise it at the driver with driver.max_connections");
}

TEST_F(DriverPolicyTest, LowersWhatAnOpenLoopMayOpen) {
  v1::LoadTestSpec spec = *ValidateSpec(spec_);
  spec.set_max_connections(4096);
  DriverPolicy::Create(config_)->Apply(spec);
  EXPECT_EQ(spec.max_connections(), 100);
}

}  // namespace
}  // namespace loadtest
