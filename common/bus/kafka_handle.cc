#include "common/bus/kafka_handle.h"

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

// It takes some milliseconds, or a second when it has to wait for a timer.
constexpr std::chrono::seconds kDestroyTimeout{2};

void IgnoreLog(const rd_kafka_t*, int, const char*, const char*) {}

absl::StatusCode CodeOf(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return absl::StatusCode::kOk;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      return absl::StatusCode::kNotFound;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return absl::StatusCode::kPermissionDenied;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      return absl::StatusCode::kInvalidArgument;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return absl::StatusCode::kUnauthenticated;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kUnknown;
  }
}

}  // namespace

absl::Status KafkaStatus(rd_kafka_resp_err_t error, std::string_view what) {
  return absl::Status(CodeOf(error), absl::StrFormat("%s: %s", what, rd_kafka_err2str(error)));
}

std::string PlainReason(std::string_view reason) {
  reason = reason.substr(0, reason.find(" (after "));
  reason = reason.substr(0, reason.find(" or broker version is < 0.10"));
  // The broker's name, "HOST:PORT/ID: ".
  const size_t slash = reason.find('/');
  const size_t colon = reason.find(": ", slash == std::string_view::npos ? reason.size() : slash);
  if (colon != std::string_view::npos) reason.remove_prefix(colon + 2);
  constexpr std::string_view kFailed = " failed: ";
  if (const size_t failed = reason.find(kFailed);
      reason.starts_with("Connect to ") && failed != std::string_view::npos) {
    reason.remove_prefix(failed + kFailed.size());
  }
  return std::string(reason);
}

std::string MessageTypeOf(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      rd_kafka_header_get_last(headers, kMessageTypeHeader, &value, &size) !=
          RD_KAFKA_RESP_ERR_NO_ERROR) {
    return "";
  }
  return std::string(static_cast<const char*>(value), size);
}

absl::StatusOr<std::unique_ptr<KafkaHandle>> KafkaHandle::CreateProducer(
    const KafkaProperties& properties, int wakeup_fd, DeliveryHandler on_delivery) {
  std::unique_ptr<KafkaHandle> handle(new KafkaHandle(std::move(on_delivery)));
  RETURN_IF_ERROR(handle->Open(RD_KAFKA_PRODUCER, properties, wakeup_fd));
  return handle;
}

absl::StatusOr<std::unique_ptr<KafkaHandle>> KafkaHandle::CreateConsumer(
    const KafkaProperties& properties, int wakeup_fd) {
  std::unique_ptr<KafkaHandle> handle(new KafkaHandle(nullptr));
  RETURN_IF_ERROR(handle->Open(RD_KAFKA_CONSUMER, properties, wakeup_fd));
  return handle;
}

absl::Status KafkaHandle::Open(rd_kafka_type_t type, const KafkaProperties& properties,
                               int wakeup_fd) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char error[512] = "";
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof(error)) !=
        RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return absl::InvalidArgumentError(absl::StrFormat("kafka: %s", error));
    }
  }
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_log_cb(conf, IgnoreLog);
  rd_kafka_conf_set_error_cb(conf, OnError);
  rd_kafka_conf_set_stats_cb(conf, OnStatistics);
  if (on_delivery_) rd_kafka_conf_set_dr_msg_cb(conf, OnDelivery);

  handle_ = rd_kafka_new(type, conf, error, sizeof(error));
  if (handle_ == nullptr) {  // It has taken `conf` only if it succeeded.
    rd_kafka_conf_destroy(conf);
    return absl::InvalidArgumentError(absl::StrFormat("kafka: %s", error));
  }
  if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(handle_);
  SetWakeup(wakeup_fd);
  return absl::OkStatus();
}

KafkaHandle::~KafkaHandle() {
  if (handle_ == nullptr) return;
  SetWakeup(-1);
  // librdkafka 2.0.2 never ends a consumer whose topic was deleted under it. A program that wants
  // to stop must not wait for that, so the rest of it is left behind then.
  std::promise<void> ended;
  const std::future<void> end = ended.get_future();
  std::thread([handle = handle_, ended = std::move(ended)]() mutable {
    // Nothing is committed and no group was joined, so there is nothing to say good-bye for.
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    ended.set_value();
  }).detach();
  end.wait_for(kDestroyTimeout);
}

void KafkaHandle::SetWakeup(int fd) {
  rd_kafka_queue_t* queue = rd_kafka_type(handle_) == RD_KAFKA_CONSUMER
                                ? rd_kafka_queue_get_consumer(handle_)
                                : rd_kafka_queue_get_main(handle_);
  const uint64_t one = 1;  // What an eventfd wants to be written.
  rd_kafka_queue_io_event_enable(queue, fd, &one, sizeof(one));
  rd_kafka_queue_destroy(queue);
}

absl::StatusOr<int32_t> KafkaHandle::CountPartitions(const std::string& topic,
                                                     std::chrono::milliseconds timeout) {
  const KafkaTopicHandle topic_handle(rd_kafka_topic_new(handle_, topic.c_str(), nullptr),
                                      &rd_kafka_topic_destroy);
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(handle_, /*all_topics=*/0, topic_handle.get(),
                                                      &metadata, static_cast<int>(timeout.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus(error, absl::StrFormat("look up topic %s", topic));
  }
  absl::StatusOr<int32_t> partitions = 0;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& found = metadata->topics[i];
    if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      partitions = KafkaStatus(found.err, absl::StrFormat("look up topic %s", topic));
    } else {
      partitions = found.partition_cnt;
    }
  }
  rd_kafka_metadata_destroy(metadata);
  if (partitions.ok() && *partitions == 0) {
    return absl::NotFoundError(absl::StrFormat("topic %s does not exist", topic));
  }
  return partitions;
}

std::string KafkaHandle::ClusterId(std::chrono::milliseconds timeout) {
  const std::unique_ptr<char, std::function<void(char*)>> id(
      rd_kafka_clusterid(handle_, static_cast<int>(timeout.count())),
      [this](char* text) { rd_kafka_mem_free(handle_, text); });
  return id == nullptr ? "" : id.get();
}

absl::StatusOr<int32_t> KafkaHandle::CountBrokers(std::chrono::milliseconds timeout) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(handle_, /*all_topics=*/0, nullptr, &metadata,
                                                      static_cast<int>(timeout.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaStatus(error, "look up the brokers");
  const int32_t brokers = metadata->broker_cnt;
  rd_kafka_metadata_destroy(metadata);
  connected_ = true;
  return brokers;
}

void KafkaHandle::OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  static_cast<KafkaHandle*>(opaque)->on_delivery_(*message);
}

void KafkaHandle::OnError(rd_kafka_t*, int error, const char* reason, void* opaque) {
  auto* self = static_cast<KafkaHandle*>(opaque);
  switch (error) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      // Its reason only counts brokers; what was said of one of them before is better.
      self->connected_ = false;
      return;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
      self->rejected_ = true;
      break;
    default:
      break;
  }
  self->last_error_ = PlainReason(reason);
}

int KafkaHandle::OnStatistics(rd_kafka_t*, char* json, size_t size, void* opaque) {
  // Each broker has its connection state in it. librdkafka writes this without blanks, and no other
  // thing has a state in capitals; so there is no need to parse 20 KB twice a second.
  auto* self = static_cast<KafkaHandle*>(opaque);
  const std::string_view text(json, size);
  self->connected_ = text.find("\"state\":\"UP\"") != std::string_view::npos;
  if (self->on_statistics_) self->on_statistics_(text);
  return 0;  // `json` stays librdkafka's.
}

}  // namespace loadtest
