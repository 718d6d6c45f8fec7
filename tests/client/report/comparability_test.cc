#include "client/report/comparability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/report/simulated_run.h"

namespace loadtest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ComparabilityTest : public testing::Test {
 protected:
  std::vector<std::string> Why() const { return WhyNotComparable(before_, after_); }
  v1::LoadTestSpec& spec() { return *after_.mutable_load_test()->mutable_spec(); }

  v1::Report before_ = SimulateRun({.seed = 1});
  v1::Report after_ = SimulateRun({.seed = 2});
};

TEST_F(ComparabilityTest, AnotherServerTitleDurationOrMachineCanBeCompared) {
  spec().mutable_request()->set_url("http://127.0.0.1:8082/");
  spec().set_title("after");
  *spec().mutable_duration() = ToDuration(60'000'000'000);
  after_.mutable_manifest()->add_drivers()->set_kernel("6.6");
  EXPECT_THAT(Why(), IsEmpty());
}

TEST_F(ComparabilityTest, AnotherLoadCannot) {
  spec().mutable_rate()->set_requests_per_second(500);
  ASSERT_EQ(Why().size(), 1u);
  EXPECT_THAT(Why()[0], HasSubstr("load: got "));
  EXPECT_THAT(Why()[0], HasSubstr("400/s"));
  EXPECT_THAT(Why()[0], HasSubstr("500/s"));
}

TEST_F(ComparabilityTest, OtherArrivalsVersionsOrStreamsCannot) {
  spec().set_arrivals(v1::LoadTestSpec::POISSON);
  EXPECT_THAT(Why(), ElementsAre(HasSubstr("load: ")));
  spec().set_arrivals(v1::LoadTestSpec::UNIFORM);
  EXPECT_THAT(Why(), IsEmpty());
  spec().set_http_version(v1::LoadTestSpec::HTTP_2);
  EXPECT_THAT(Why(), ElementsAre(HasSubstr("load: ")));
}

TEST_F(ComparabilityTest, ConnectionsAreTheLoadOfAClosedLoopOnly) {
  spec().set_connections(7);
  EXPECT_THAT(Why(), IsEmpty());
  spec().mutable_avalanche();
  before_.mutable_load_test()->mutable_spec()->mutable_avalanche();
  EXPECT_THAT(Why(), ElementsAre(HasSubstr("load: ")));
}

TEST_F(ComparabilityTest, DriversCountUnlessTheyShareARate) {
  after_.mutable_load_test()->add_assignments()->set_driver_id("d2");
  EXPECT_THAT(Why(), IsEmpty());
  for (v1::Report* report : {&before_, &after_})
    report->mutable_load_test()->mutable_spec()->mutable_avalanche();
  EXPECT_THAT(Why(), ElementsAre("drivers: got 1 and 2, want as many"));
}

TEST_F(ComparabilityTest, WhatTellsNothingCannot) {
  after_.mutable_verdict()->set_level(v1::Verdict::INVALID);
  after_.mutable_load_test()->set_state(v1::LoadTest::RUNNING);
  EXPECT_THAT(Why(), ElementsAre("B: state: got RUNNING, want SUCCEEDED or STOPPED",
                                 HasSubstr("B: verdict: got INVALID, want VALID")));
  after_ = SimulateRun({.seed = 2, .seconds = 2});
  EXPECT_THAT(Why(),
              ElementsAre(HasSubstr("B: got 2 whole intervals of the measured part, want 3")));
  after_.clear_response_time();
  EXPECT_THAT(Why(), ElementsAre("B: got no answer at all, want one"));
  after_.set_report_version(2);
  EXPECT_THAT(Why(), ElementsAre("B: report_version: got 2, want 1"));
}

TEST_F(ComparabilityTest, AnotherPartOfTheTestCannot) {
  after_.mutable_slice()->set_from_offset_ns(10'000'000'000);
  EXPECT_THAT(Why(), ElementsAre("slice: got the whole test and 10s to the end, want the same"));
}

TEST(DifferencesOf, ListsWhatIsOtherwiseInSpecAndManifest) {
  v1::Report before = SimulateRun({.seed = 1});
  v1::Report after = SimulateRun({.seed = 2});
  EXPECT_TRUE(DifferencesOf(before, after).empty());
  after.mutable_load_test()->mutable_spec()->mutable_request()->set_url("http://127.0.0.1:8082/");
  after.mutable_load_test()->mutable_spec()->set_title("after");
  before.mutable_manifest()->add_drivers()->set_kernel("6.1");
  after.mutable_manifest()->add_drivers()->set_kernel("6.6");
  std::vector<std::string> lines;
  for (const Difference& d : DifferencesOf(before, after))
    lines.push_back(d.what + ": " + d.before + " -> " + d.after);
  EXPECT_THAT(lines,
              ElementsAre("spec.request.url: http://127.0.0.1:8081/ -> http://127.0.0.1:8082/",
                          "spec.title: - -> after", "driver kernel: 6.1 -> 6.6"));
}

}  // namespace
}  // namespace loadtest
