// The whole driver but for Kafka: what a driver does from a trigger to the last report.
#include "tests/driver/driver_process_fixture.h"

namespace loadtest {
namespace {

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(DriverProcessTest, RunsATestFromTriggerToFinalReport) {
  LoopbackServer server([](int) { return LoopbackServer::Reply{.bytes = kOk}; });
  StartDriver();
  StartTest("t", absl::StrFormat("http://127.0.0.1:%d/", server.port()), Avalanche(1000));
  ASSERT_TRUE(Await([this] { return HasFinalReport(); }));
  EXPECT_EQ(Sum().counts().completed(), 1000);
  EXPECT_EQ(server.requests(), 1000);
  EXPECT_TRUE(HasState(v1::DriverHeartbeat::ARMED));
  EXPECT_TRUE(HasState(v1::DriverHeartbeat::RUNNING));
  for (size_t i = 0; i < reports_.size(); ++i) {
    EXPECT_EQ(reports_[i].sequence(), static_cast<int64_t>(i) + 1);
    EXPECT_EQ(reports_[i].test_id(), "t");
    EXPECT_EQ(reports_[i].incarnation(), 7);
  }
  // And it is ready for the next one.
  StartTest("u", absl::StrFormat("http://127.0.0.1:%d/", server.port()), Avalanche(10));
  ASSERT_TRUE(Await([this] { return HasFinalReport() && reports_.back().test_id() == "u"; }));
  EXPECT_EQ(reports_.back().sequence(), 1);
}

TEST_F(DriverProcessTest, AStopOrderEndsTheTest) {
  LoopbackServer server([](int) { return LoopbackServer::Reply{.bytes = kOk}; });
  StartDriver();
  StartTest("t", absl::StrFormat("http://127.0.0.1:%d/", server.port()), Avalanche(1'000'000'000));
  ASSERT_TRUE(Await([this] { return reports_.size() > 1; }));
  v1::Trigger trigger;
  trigger.set_test_id("t");
  trigger.mutable_stop_ordered();
  Publish("t", "Trigger", trigger.SerializeAsString());
  ASSERT_TRUE(Await([this] { return HasFinalReport(); }));
  EXPECT_EQ(reports_.back().end_reason(), v1::MetricsReport::STOP_ORDERED);
  EXPECT_EQ(server.requests(), Sum().counts().sent());
}

TEST_F(DriverProcessTest, ADriverThatIsToldToEndReportsWhatItDidAndLeaves) {
  LoopbackServer server([](int) { return LoopbackServer::Reply{.bytes = kOk}; });
  StartDriver();
  StartTest("t", absl::StrFormat("http://127.0.0.1:%d/", server.port()), Avalanche(1'000'000'000));
  ASSERT_TRUE(Await([this] { return reports_.size() > 1; }));
  StopDriver();
  ASSERT_TRUE(Await([this] { return HasFinalReport() && HasState(v1::DriverHeartbeat::LEAVING); }));
  EXPECT_EQ(reports_.back().end_reason(), v1::MetricsReport::DRIVER_STOPPED);
  EXPECT_EQ(heartbeats_.back().state(), v1::DriverHeartbeat::LEAVING);
  EXPECT_EQ(server.requests(), Sum().counts().sent());
}

TEST_F(DriverProcessTest, AnUnknownHostIsAnArmError) {
  StartDriver();
  StartTest("t", "http://nowhere.invalid/", Avalanche(1));
  ASSERT_TRUE(Await([this] { return !ArmError().empty(); }));
  EXPECT_EQ(ArmError().rfind("t: resolve \"nowhere.invalid\": ", 0), 0u) << ArmError();
  EXPECT_TRUE(reports_.empty());
}

TEST_F(DriverProcessTest, ANameIsCheckedByTheAddressesItResolvesTo) {
  config_.add_allowed_targets("10.0.0.0/8");
  StartDriver();
  StartTest("t", "http://localhost:1/", Avalanche(1));
  ASSERT_TRUE(Await([this] { return !ArmError().empty(); }));
  EXPECT_NE(ArmError().find("this driver may only load 10.0.0.0/8"), std::string::npos)
      << ArmError();
}

TEST_F(DriverProcessTest, ARefusedTargetIsAReportAndNotAnArmError) {
  StartDriver();
  v1::LoadTestSpec spec;
  *spec.mutable_tsunami()->mutable_delay() = ToDuration(kNanosPerMilli);
  spec.set_requests_per_driver(20);
  StartTest("t", absl::StrFormat("http://127.0.0.1:%d/", UnusedPort()), spec);
  ASSERT_TRUE(Await([this] { return HasFinalReport(); }));
  EXPECT_EQ(Sum().counts().dropped(), 20);
  EXPECT_EQ(ArmError(), "");
}

TEST_F(DriverProcessTest, RecordsThatAreNoTriggersAreSkipped) {
  LoopbackServer server([](int) { return LoopbackServer::Reply{.bytes = kOk}; });
  StartDriver();
  Publish("x", "Trigger", "\xff\xff\xff not a protobuf");
  Publish("x", "Surprise", "");
  StartTest("t", absl::StrFormat("http://127.0.0.1:%d/", server.port()), Avalanche(1));
  EXPECT_TRUE(Await([this] { return HasFinalReport(); }));
}

TEST_F(DriverProcessTest, ATestGoesOnWhileTheBrokerIsAwayAndItsReportsArriveAfterwards) {
  LoopbackServer server([](int) { return LoopbackServer::Reply{.bytes = kOk}; });
  StartDriver();
  v1::LoadTestSpec spec;
  *spec.mutable_tsunami()->mutable_delay() = ToDuration(kNanosPerMilli);
  spec.set_requests_per_driver(500);
  StartTest("t", absl::StrFormat("http://127.0.0.1:%d/", server.port()), spec);
  ASSERT_TRUE(Await([this] { return !reports_.empty(); }));
  broker_.SetConnected(false);
  ASSERT_TRUE(Await([&] { return server.requests() == 500; }));
  EXPECT_FALSE(HasFinalReport());
  broker_.SetConnected(true);
  ASSERT_TRUE(Await([this] { return HasFinalReport(); }));
  EXPECT_EQ(Sum().counts().completed(), 500);
  EXPECT_EQ(reports_.back().sequence(), static_cast<int64_t>(reports_.size()));
}

}  // namespace
}  // namespace loadtest
