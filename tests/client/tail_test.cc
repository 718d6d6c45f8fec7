// `loadctl tail` on a broker in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "client/loadctl.h"
#include "common/bus/embedded_broker.h"
#include "common/bus/kafka_bus.h"
#include "common/config/config.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {
namespace {

class TailTest : public testing::Test {
 protected:
  TailTest() {
    v1::KafkaConfig config = LoadConfig({})->kafka();
    broker_ = *EmbeddedBroker::Start(config);
    config.set_bootstrap_servers(broker_->bootstrap_servers());
    bus_ = *KafkaBus::Connect(config, {.client_id = "test", .role = "test", .embedded = true});
  }

  void PublishHeartbeats(int first, int last) {
    for (int sequence = first; sequence <= last; ++sequence) {
      v1::DriverHeartbeat heartbeat;
      heartbeat.set_driver_id("d1");
      heartbeat.set_sequence(sequence);
      ASSERT_TRUE(
          bus_->Publish(Topic::kHeartbeat, "d1", "DriverHeartbeat", heartbeat.SerializeAsString())
              .ok());
    }
    ASSERT_TRUE(bus_->Flush(std::chrono::seconds(5)).ok());
  }

  // The "sequence" of each line that was printed.
  std::string Tail(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"tail", "heartbeat", "--kafka", broker_->bootstrap_servers()});
    std::ostringstream out, err;
    std::istringstream in;
    Terminal terminal{.out = out, .err = err, .in = in};
    EXPECT_EQ(RunLoadctl(arguments, {}, "", terminal, interrupts_), 0) << err.str();
    std::string sequences;
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) {
      sequences += nlohmann::json::parse(line)["value"]["sequence"].dump() + " ";
    }
    return sequences;
  }

  Interrupts interrupts_;
  std::unique_ptr<EmbeddedBroker> broker_;
  std::unique_ptr<KafkaBus> bus_;
};

TEST_F(TailTest, FromTheBeginningOnceReadsAllThatIsThere) {
  PublishHeartbeats(1, 3);
  EXPECT_EQ(Tail({"--from", "begin", "--once"}), "1 2 3 ");
}

TEST_F(TailTest, StopsAfterTheNumberAskedFor) {
  PublishHeartbeats(1, 3);
  EXPECT_EQ(Tail({"--from", "begin", "-n", "2"}), "1 2 ");
}

TEST_F(TailTest, FromTheEndOnceReadsNothing) {
  PublishHeartbeats(1, 3);
  EXPECT_EQ(Tail({"--once"}), "");
}

}  // namespace
}  // namespace loadtest
