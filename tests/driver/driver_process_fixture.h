// The whole driver but for Kafka: a bus in memory, a server on loopback, the real loop thread.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/bus/memory_bus.h"
#include "common/config/config.h"
#include "common/measure/measurements.h"
#include "driver/driver_process.h"
#include "tests/driver/loopback_server.h"

namespace loadtest {

class DriverProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(bus_.EnsureTopics(std::chrono::milliseconds(1000)).ok());
    Offsets all;
    for (const Topic topic : {Topic::kRegister, Topic::kHeartbeat, Topic::kMetrics}) {
      const auto ranges = bus_.QueryOffsets(topic, std::chrono::milliseconds(1000));
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
    ASSERT_TRUE(bus_.Flush(std::chrono::milliseconds(1000)).ok());
  }

  // Starts a test whose first request is due in 100 ms.
  void StartTest(const std::string& test_id, const std::string& url, v1::LoadTestSpec spec) {
    const v1::Trigger trigger = MakeStarted(test_id, url, std::move(spec));
    Publish(test_id, "Trigger", trigger.SerializeAsString());
  }

  v1::Trigger MakeStarted(const std::string& test_id, const std::string& url,
                          v1::LoadTestSpec spec) {
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
    started.set_lease_ns(lease_ns_);
    return trigger;
  }

  static std::string UrlOf(const LoopbackServer& server) {
    return absl::StrFormat("http://127.0.0.1:%d/", server.port());
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
      for (const Record& record : bus_.Poll(std::chrono::milliseconds(10)).records) Take(record);
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
  int64_t lease_ns_ = 0;
  std::thread driver_;
  std::atomic<bool> stop_ = false;
  int registrations_ = 0;
  std::vector<v1::DriverHeartbeat> heartbeats_;
  std::vector<v1::MetricsReport> reports_;
};

}  // namespace loadtest
