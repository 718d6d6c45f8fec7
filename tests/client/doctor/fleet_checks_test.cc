#include "client/doctor/fleet_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loadtest {
namespace {

using enum Finding::Level;
using testing::HasSubstr;

v1::Driver& AddDriver(v1::ListDriversResponse& drivers, const std::string& id,
                      v1::Driver::State state) {
  v1::Driver& driver = *drivers.add_drivers();
  driver.set_name("drivers/" + id);
  driver.set_state(state);
  driver.set_version("1");
  return driver;
}

TEST(CheckDrivers, SaysHowManyCanTakePart) {
  v1::ListDriversResponse drivers;
  AddDriver(drivers, "a", v1::Driver::IDLE);
  AddDriver(drivers, "b", v1::Driver::RUNNING);
  const std::vector<Finding> findings = CheckDrivers(drivers);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].level, kOk);
  EXPECT_EQ(findings[0].message, "1 idle, 1 in a test");
}

TEST(CheckDrivers, NamesThoseThatAreLost) {
  v1::ListDriversResponse drivers;
  AddDriver(drivers, "a", v1::Driver::IDLE);
  AddDriver(drivers, "b", v1::Driver::LOST);
  EXPECT_EQ(CheckDrivers(drivers)[0].level, kWarning);
  EXPECT_EQ(CheckDrivers(drivers)[0].message, "1 idle, 0 in a test, lost: b");
}

TEST(CheckDrivers, NoneIsAProblem) {
  EXPECT_EQ(CheckDrivers({})[0].level, kProblem);
  EXPECT_FALSE(CheckDrivers({})[0].is_unreachable);
  v1::ListDriversResponse drivers;
  AddDriver(drivers, "b", v1::Driver::LOST);
  EXPECT_EQ(CheckDrivers(drivers)[0].message, "all are lost: b");
}

TEST(CheckDrivers, ClocksThatAgreeWithinTheErrorOfTheEstimateAreFine) {
  v1::ListDriversResponse drivers;
  v1::Driver& driver = AddDriver(drivers, "a", v1::Driver::IDLE);
  driver.set_clock_offset_ns(-800'000);
  driver.set_clock_error_ns(1'000'000);
  ASSERT_EQ(CheckDrivers(drivers).size(), 2u);
  EXPECT_EQ(CheckDrivers(drivers)[1].level, kOk);
  driver.set_clock_offset_ns(-250'000'000);
  EXPECT_EQ(CheckDrivers(drivers)[1].level, kWarning);
  EXPECT_THAT(CheckDrivers(drivers)[1].message, HasSubstr("that of a is 250ms away"));
}

TEST(CheckDrivers, ReportsOnTheirWayAreNoneThatWait) {
  v1::ListDriversResponse drivers;
  v1::Driver& driver = AddDriver(drivers, "a", v1::Driver::IDLE);
  const size_t usual = CheckDrivers(drivers).size();
  driver.set_reports_waiting(2);
  EXPECT_EQ(CheckDrivers(drivers).size(), usual);
  driver.set_reports_waiting(3);
  EXPECT_EQ(CheckDrivers(drivers).size(), usual + 1);
}

TEST(CheckDrivers, SeveralVersionsAreWarnedOf) {
  v1::ListDriversResponse drivers;
  AddDriver(drivers, "a", v1::Driver::IDLE);
  AddDriver(drivers, "b", v1::Driver::IDLE).set_version("2");
  EXPECT_EQ(CheckDrivers(drivers)[1].message, "of drivers differ: 1, 2");
}

TEST(CheckOrchestrator, AnotherVersionIsWarnedOfAndALostBusIsAProblem) {
  v1::ServerInfo info;
  info.set_version("1");
  info.set_bus("kafka:9092");
  info.set_bus_connected(true);
  EXPECT_EQ(CheckOrchestrator("h:1", info, "1").level, kOk);
  EXPECT_EQ(CheckOrchestrator("h:1", info, "2").level, kWarning);
  info.set_bus_connected(false);
  EXPECT_EQ(CheckOrchestrator("h:1", info, "1").level, kProblem);
  EXPECT_TRUE(CheckOrchestrator("h:1", info, "1").is_unreachable);
}

TEST(CheckTopics, NamesThoseThatAreNotThere) {
  EXPECT_EQ(CheckTopics("h:9092", {}).level, kOk);
  EXPECT_EQ(CheckTopics("h:9092", {"x.trigger"}).message, "h:9092 answers; not there: x.trigger");
}

TEST(BrokerIsAway, ARefusedPasswordIsNoBrokerThatIsAway) {
  EXPECT_TRUE(BrokerIsAway("h:9092", absl::UnavailableError("x")).is_unreachable);
  EXPECT_FALSE(BrokerIsAway("h:9092", absl::UnauthenticatedError("x")).is_unreachable);
}

TEST(Findings, TheExitCodeIsThatOfTheWorst) {
  EXPECT_EQ(ExitCodeOf({{.level = kOk, .check = "a", .message = "b"}}), kExitOk);
  EXPECT_EQ(ExitCodeOf({{.level = kWarning, .check = "a", .message = "b"}}), kExitOk);
  const Finding problem{.level = kProblem, .check = "a", .message = "b"};
  Finding away = problem;
  away.is_unreachable = true;
  EXPECT_EQ(ExitCodeOf({problem}), kExitUsage);
  EXPECT_EQ(ExitCodeOf({problem, away}), kExitUnreachable);
}

TEST(Findings, AreALineEachWithWhatToDoBelow) {
  EXPECT_EQ(FindingsView({{.check = "clock", .message = "read from tsc"},
                          {.level = kProblem,
                           .check = "drivers",
                           .message = "there is none",
                           .advice = "start one"}},
                         {}),
            "ok       clock         read from tsc\n"
            "problem  drivers       there is none\n"
            "                       -> start one\n");
}

TEST(Findings, JsonHasTheWorstLevel) {
  EXPECT_EQ(FindingsJson({{.level = kWarning, .check = "clock", .message = "m", .advice = "a"}}),
            R"({
  "findings": [
    {
      "level": "warning",
      "check": "clock",
      "message": "m",
      "advice": "a"
    }
  ],
  "level": "warning"
})");
}

}  // namespace
}  // namespace loadtest
