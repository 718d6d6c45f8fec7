// One client of librdkafka: its handle, what it says about its brokers, and its errors in our
// words.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/bus/kafka_settings.h"

namespace loadtest {

// `what` says what was tried: "publish to metrics". OK for RD_KAFKA_RESP_ERR_NO_ERROR.
absl::Status KafkaStatus(rd_kafka_resp_err_t error, std::string_view what);

// librdkafka's reason without its own bookkeeping:
//   "127.0.0.1:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused (after 0ms in
//   state CONNECT)" -> "Connection refused"
std::string PlainReason(std::string_view reason);

// Name of the record header, and its value in `message`; empty when it has none.
inline constexpr char kMessageTypeHeader[] = "message_type";
std::string MessageTypeOf(const rd_kafka_message_t& message);

using KafkaTopicHandle = std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)>;

// Owner: the thread that polls calls everything but connected(), which any thread may call.
class KafkaHandle {
 public:
  using DeliveryHandler = std::function<void(const rd_kafka_message_t&)>;

  // `wakeup_fd`, an eventfd, is written to whenever there is something to poll for.
  // Errors: InvalidArgument with librdkafka's reason when a setting is refused.
  static absl::StatusOr<std::unique_ptr<KafkaHandle>> CreateProducer(
      const KafkaProperties& properties, int wakeup_fd, DeliveryHandler on_delivery);
  static absl::StatusOr<std::unique_ptr<KafkaHandle>> CreateConsumer(
      const KafkaProperties& properties, int wakeup_fd);

  ~KafkaHandle();
  KafkaHandle(const KafkaHandle&) = delete;
  KafkaHandle& operator=(const KafkaHandle&) = delete;

  rd_kafka_t* get() const { return handle_; }

  // Asks a broker for the state of `topic`, which also makes the client connect and learn the
  // topic's leaders: what is published or read next needs no wait for a timer. Blocks up to
  // `timeout`. Result: the partitions. Errors: NotFound when there is no such topic, Unavailable
  // when no broker answers.
  absl::StatusOr<int32_t> CountPartitions(const std::string& topic,
                                          std::chrono::milliseconds timeout);

  // Number of brokers in the cluster. Blocks up to `timeout`.
  absl::StatusOr<int32_t> CountBrokers(std::chrono::milliseconds timeout);

  // The id that the cluster was given when it was made; empty when the broker tells none in
  // `timeout`.
  std::string ClusterId(std::chrono::milliseconds timeout);

  bool connected() const { return connected_; }

  // Who else reads librdkafka's statistics, twice a second, within a poll.
  void SetStatisticsHandler(std::function<void(std::string_view json)> handler) {
    on_statistics_ = std::move(handler);
  }

  // Why the connection failed last; empty when it did not.
  const std::string& last_error() const { return last_error_; }

  // The broker answered, and will not have us: wrong password, wrong certificate.
  bool rejected() const { return rejected_; }

 private:
  explicit KafkaHandle(DeliveryHandler on_delivery) : on_delivery_(std::move(on_delivery)) {}

  absl::Status Open(rd_kafka_type_t type, const KafkaProperties& properties, int wakeup_fd);
  // Has librdkafka write to the eventfd `fd` when something comes; -1: to none any more.
  void SetWakeup(int fd);

  // Called by librdkafka within a poll of ours, with the KafkaHandle as `opaque`.
  static void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque);
  static void OnError(rd_kafka_t*, int error, const char* reason, void* opaque);
  static int OnStatistics(rd_kafka_t*, char* json, size_t size, void* opaque);

  const DeliveryHandler on_delivery_;
  std::function<void(std::string_view)> on_statistics_;
  rd_kafka_t* handle_ = nullptr;
  std::atomic<bool> connected_ = false;
  bool rejected_ = false;
  std::string last_error_;
};

}  // namespace loadtest
