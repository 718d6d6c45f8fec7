#include "client/view/tables.h"

#include <gtest/gtest.h>

#include "client/sample_messages.h"

namespace loadtest {
namespace {

TEST(DriversTable, ShowsADriverALine) {
  v1::ListDriversResponse drivers;
  v1::Driver& driver = *drivers.add_drivers();
  driver.set_name("drivers/d1");
  driver.set_ip_address("10.0.0.2");
  driver.set_host_name("node1");
  driver.set_state(v1::Driver::RUNNING);
  driver.set_load_test("loadTests/soak");
  driver.set_version("0.1.0");
  driver.set_cpu_cores(0.5);
  driver.mutable_last_heartbeat_time()->set_seconds(1'700'000'000);
  v1::Driver& other = *drivers.add_drivers();
  other.set_name("drivers/d2");
  other.set_state(v1::Driver::IDLE);
  EXPECT_EQ(DriversTable(drivers, WallTime{1'700'000'000'400'000'000}),
            "ID  ADDRESS   HOST   STATE    TEST   CPU  HEARTBEAT  VERSION\n"
            "d1  10.0.0.2  node1  RUNNING  soak  0.50   0.4s ago  0.1.0\n"
            "d2  -         -      IDLE     -     0.00          -  -\n");
}

TEST(DriversTable, AHeartbeatIsNeverFromTheFuture) {
  v1::ListDriversResponse drivers;
  drivers.add_drivers()->mutable_last_heartbeat_time()->set_seconds(2);
  EXPECT_NE(DriversTable(drivers, WallTime{1'000'000'000}).find("0.0s ago"), std::string::npos);
}

TEST(TestsTable, ShowsATestALine) {
  v1::ListLoadTestsResponse tests;
  *tests.add_load_tests() = SampleReport().load_test();
  EXPECT_EQ(TestsTable(tests),
            "NAME       STATE      LOAD         CREATED  URL                         TITLE\n"
            "tsunami-1  SUCCEEDED  tsunami 5ms  -        http://127.0.0.1:8081/ping  Ping under a "
            "steady wave\n");
}

TEST(TestsTable, ShowsWhatWasWantedAndReachedWithin80Columns) {
  v1::ListLoadTestsResponse tests;
  *tests.add_load_tests() = SampleReport().load_test();
  v1::LoadTestUpdate result = SampleUpdate();
  result.set_sending_seconds(5);
  result.set_completed_per_second(599.2);
  const std::string table = TestsTable(tests, {{tests.load_tests(0).name(), result}});
  EXPECT_NE(table.find("tsunami-1  SUCCEEDED  tsunami 5ms  599/s  "), std::string::npos) << table;
  EXPECT_LT(table.find("CREATED"), 80u) << table;
}

TEST(TestsTable, ShowsStagesByTheirHighestRate) {
  v1::ListLoadTestsResponse tests;
  v1::LoadTestSpec& spec = *tests.add_load_tests()->mutable_spec();
  v1::Stage& ramp = *spec.mutable_stages()->add_stages();
  ramp.set_to(1'000);
  v1::Stage& steady = *spec.mutable_stages()->add_stages();
  steady.set_from(1'000);
  steady.set_to(1'000);
  EXPECT_NE(TestsTable(tests).find("  2 stages, to 1,000/s  "), std::string::npos)
      << TestsTable(tests);
}

TEST(TestDetails, TellsHowHttpsIsSpokenWithoutThePem) {
  v1::LoadTest test = SampleReport().load_test();
  v1::TlsOptions& tls = *test.mutable_spec()->mutable_tls();
  tls.set_insecure(true);
  tls.set_client_certificate("-----BEGIN CERTIFICATE-----");
  tls.set_client_key("-----BEGIN PRIVATE KEY-----");
  tls.set_server_name("api.example.com");
  const std::string text = TestDetails(test);
  EXPECT_NE(text.find("tls         certificate not verified, with a client certificate, server "
                      "name api.example.com\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("BEGIN"), std::string::npos);
}

TEST(TestDetails, TellsTheSizeOfABodyThatIsNotShown) {
  v1::LoadTest test = SampleReport().load_test();
  test.mutable_spec()->mutable_request()->set_body_bytes(5'000'000);
  EXPECT_NE(TestDetails(test).find("body        5.0 MB\n"), std::string::npos);
}

TEST(TestDetails, ShowsSpecAndState) {
  v1::LoadTest test = SampleReport().load_test();
  (*test.mutable_spec()->mutable_labels())["team"] = "web";
  (*test.mutable_spec()->mutable_labels())["env"] = "staging";
  EXPECT_EQ(TestDetails(test),
            "name        loadTests/tsunami-1\n"
            "title       Ping under a steady wave\n"
            "state       SUCCEEDED\n"
            "load        3 drivers x 200/s = 600/s, open loop (tsunami, a request every 5ms), "
            "1,000 requests a driver\n"
            "request     GET http://127.0.0.1:8081/ping\n"
            "timeout     10s, connecting 10s, drain 10s\n"
            "created     -\n"
            "started     -\n"
            "ended       -\n"
            "drivers     d1, d2, d3\n"
            "label       env=staging\n"
            "label       team=web\n");
}

}  // namespace
}  // namespace loadtest
