#include "common/bus/kafka_handle.h"

#include "gtest/gtest.h"

namespace loadtest {
namespace {

TEST(PlainReasonTest, ConnectionRefused) {
  EXPECT_EQ(
      PlainReason("127.0.0.1:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused "
                  "(after 0ms in state CONNECT)"),
      "Connection refused");
}

TEST(PlainReasonTest, KeepsTheNameThatDoesNotResolve) {
  EXPECT_EQ(
      PlainReason("nohost:9092/bootstrap: Failed to resolve 'nohost:9092': Name or service not "
                  "known (after 12ms in state CONNECT)"),
      "Failed to resolve 'nohost:9092': Name or service not known");
}

TEST(PlainReasonTest, DropsWhatIsSaidOfRepetitions) {
  EXPECT_EQ(
      PlainReason("127.0.0.1:9092/1: Disconnected (after 5ms in state UP, 3 identical error(s) "
                  "suppressed)"),
      "Disconnected");
}

TEST(PlainReasonTest, LeavesATextWithoutBrokerAsItIs) {
  EXPECT_EQ(PlainReason("Local: Queue full"), "Local: Queue full");
}

TEST(KafkaStatusTest, NamesWhatWasTriedAndWhy) {
  const absl::Status status = KafkaStatus(RD_KAFKA_RESP_ERR__QUEUE_FULL, "publish to metrics");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "publish to metrics: Local: Queue full");
}

TEST(KafkaStatusTest, NoErrorIsOk) {
  EXPECT_TRUE(KafkaStatus(RD_KAFKA_RESP_ERR_NO_ERROR, "publish to metrics").ok());
}

}  // namespace
}  // namespace loadtest
