// The whole driver but for Kafka: a bus in memory, a server on loopback, the real loop thread.
#include "driver/driver_process.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_format.h"
#include "common/bus/memory_bus.h"
#include "common/config/config.h"
#include "common/measure/measurements.h"
#include "tests/driver/loopback_server.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class DriverProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(bus_.EnsureTopics(milliseconds(1000)).ok());
    Offsets all;
    for (const Topic topic : {Topic::kRegister, Topic::kHeartbeat, Topic::kMetrics}) {
      const auto ranges = bus_.QueryOffsets(topic, milliseconds(1000));
      ASSERT_TRUE(ranges.ok()) << ranges.status();
      for (const auto& [partition, range] : *ranges) all[partition] = range.end;
    }
    ASSERT_TRUE(bus_.Assign(all).ok());
    config_.set_max_connections(1000);
    *config_.mutable_max_duration() = ToDuration(3600 * kNanosPerSecond);
    *config_.mutable_max_lease() = ToDuration(3600 * kNanosPerSecond);
  }

  void TearDown() override { StopDriver(); }

  void StartDriver() {
    driver_ = std::thread([this] {
      DriverProcess::Options options;
      options.registration.set_driver_id("a1");
      options.registration.set_incarnation(7);
      options.policy = *DriverPolicy::Create(config_);
      options.heartbeat_interval_ns = 20 * kNanosPerMilli;
      options.broker = "memory";
      MemoryBus bus(broker_);
      const Logger log("driver a1");
      DriverProcess(std::move(options), bus, clock_, log).Run([this] { return stop_.load(); });
    });
    ASSERT_TRUE(Await([this] { return registrations_ > 0 && heartbeats_.size() > 1; }));
  }

  void StopDriver() {
    stop_ = true;
    if (driver_.joinable()) driver_.join();
  }

  void Publish(const std::string& key, const std::string& type, const std::string& value) {
    ASSERT_TRUE(bus_.Publish(Topic::kTrigger, key, type, value).ok());
    ASSERT_TRUE(bus_.Flush(milliseconds(1000)).ok());
  }

  // Starts a test whose first request is due in 100 ms.
  void StartTest(const std::string& test_id, const std::string& url, v1::LoadTestSpec spec) {
    v1::Trigger trigger;
    trigger.set_test_id(test_id);
    v1::Started& started = *trigger.mutable_started();
    *started.mutable_spec() = std::move(spec);
    started.mutable_spec()->mutable_request()->set_url(url);
    started.mutable_spec()->set_connections(4);
    started.set_start_time_ns(clock_.WallNow().ns + 100 * kNanosPerMilli);
    started.set_metrics_interval_ns(50 * kNanosPerMilli);
    v1::Assignment& mine = *started.add_assignments();
    mine.set_driver_id("a1");
    mine.set_incarnation(7);
    mine.set_slots(1);
    Publish(test_id, "Trigger", trigger.SerializeAsString());
  }

  static v1::LoadTestSpec Avalanche(int64_t requests) {
    v1::LoadTestSpec spec;
    spec.mutable_avalanche();
    spec.set_requests_per_driver(requests);
    return spec;
  }

  // Reads records until `done`; false when it takes absurdly long.
  bool Await(const std::function<bool()>& done) {
    for (int i = 0; i < 3000; ++i) {
      for (const Record& record : bus_.Poll(milliseconds(10)).records) Take(record);
      if (done()) return true;
    }
    return false;
  }

  void Take(const Record& record) {
    EXPECT_EQ(record.key, "a1");
    if (record.topic == Topic::kRegister) {
      EXPECT_EQ(record.message_type, "DriverRegistration");
      v1::DriverRegistration registration;
      ASSERT_TRUE(registration.ParseFromString(record.value));
      EXPECT_EQ(registration.ip_address(), "127.0.0.1");
      ++registrations_;
    } else if (record.topic == Topic::kHeartbeat) {
      EXPECT_EQ(record.message_type, "DriverHeartbeat");
      ASSERT_TRUE(heartbeats_.emplace_back().ParseFromString(record.value));
    } else {
      EXPECT_EQ(record.message_type, "MetricsReport");
      ASSERT_TRUE(reports_.emplace_back().ParseFromString(record.value));
    }
  }

  bool HasFinalReport() const { return !reports_.empty() && reports_.back().final(); }
  bool HasState(v1::DriverHeartbeat::State state) const {
    for (const v1::DriverHeartbeat& heartbeat : heartbeats_) {
      if (heartbeat.state() == state) return true;
    }
    return false;
  }
  std::string ArmError() const {
    for (const v1::DriverHeartbeat& heartbeat : heartbeats_) {
      if (!heartbeat.arm_error().empty()) return heartbeat.test_id() + ": " + heartbeat.arm_error();
    }
    return "";
  }
  v1::Measurements Sum() const {
    MeasurementSum sum;
    for (const v1::MetricsReport& report : reports_)
      EXPECT_TRUE(sum.Add(report.measurements()).ok());
    return sum.ToProto();
  }

  MemoryBroker broker_;
  MemoryBus bus_{broker_};
  SystemClock clock_;
  v1::DriverConfig config_;
  std::thread driver_;
  std::atomic<bool> stop_ = false;
  int registrations_ = 0;
  std::vector<v1::DriverHeartbeat> heartbeats_;
  std::vector<v1::MetricsReport> reports_;
};

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
