#include "common/bus/kafka_producer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// As queue.buffering.max.messages, which does not count what the client gave back.
constexpr size_t kMaxWaiting = 20'000;

// How often a client that cannot go on may be replaced.
constexpr std::chrono::seconds kReplacementPause{1};

// How long a record rests that the broker could not write.
constexpr milliseconds kRepeatPause{200};

// Whether the record itself is at fault (too large, not allowed, no such topic), so that sending it
// again cannot help.
bool IsRefusal(rd_kafka_resp_err_t error) {
  switch (KafkaStatus(error, "").code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
      return true;
    default:
      return false;
  }
}

// Whether the broker had trouble of its own, or the client gave the record back. librdkafka repeats
// all other passing errors itself; what it reports beyond these is final, and repeating it would
// never end.
bool MayPass(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_UNKNOWN:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__FATAL:
      return true;
    default:
      return false;
  }
}

std::string PublishTo(Topic topic) { return absl::StrFormat("publish to %s", TopicName(topic)); }

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaProducer>> KafkaProducer::Create(const v1::KafkaConfig& config,
                                                                     KafkaProperties properties,
                                                                     int wakeup_fd) {
  std::unique_ptr<KafkaProducer> producer(
      new KafkaProducer(config, std::move(properties), wakeup_fd));
  ASSIGN_OR_RETURN(producer->client_, producer->NewClient());
  return producer;
}

absl::StatusOr<KafkaProducer::Client> KafkaProducer::NewClient() {
  Client client;
  ASSIGN_OR_RETURN(client.handle, KafkaHandle::CreateProducer(
                                      properties_, wakeup_fd_,
                                      [this](const rd_kafka_message_t& m) { OnDelivery(m); }));
  for (const Topic topic : kAllTopics) {
    rd_kafka_topic_conf_t* conf = rd_kafka_topic_conf_new();
    const std::string codec(CompressionOf(topic));
    char error[256] = "";
    if (rd_kafka_topic_conf_set(conf, "compression.codec", codec.c_str(), error, sizeof(error)) !=
        RD_KAFKA_CONF_OK) {
      rd_kafka_topic_conf_destroy(conf);
      return absl::InternalError(absl::StrFormat("kafka: %s", error));
    }
    const std::string name = FullTopicName(config_, topic);
    client.topics.emplace(
        topic, KafkaTopicHandle(rd_kafka_topic_new(client.handle->get(), name.c_str(), conf),
                                &rd_kafka_topic_destroy));
  }
  return client;
}

absl::Status KafkaProducer::Publish(Topic topic, std::string_view key,
                                    std::string_view message_type, std::string_view value,
                                    PublishDone done) {
  Record record{.topic = topic,
                .key = std::string(key),
                .value = std::string(value),
                .message_type = std::string(message_type)};
  std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMaxWaiting) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "%s: %d records wait for the broker, no more are taken", PublishTo(topic), kMaxWaiting));
  }
  const uint64_t number = ++last_number_;
  // Behind those that wait already: order is kept.
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__FATAL;
  if (unsent_.empty()) error = Enqueue(number, record);
  if (error == RD_KAFKA_RESP_ERR__FATAL) {
    unsent_.emplace(number, std::move(record));
  } else if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus(error, PublishTo(topic));
  }
  waiting_.emplace(number, std::move(done));
  return absl::OkStatus();
}

rd_kafka_resp_err_t KafkaProducer::Enqueue(uint64_t number, const Record& record) {
  // librdkafka copies the value and does not write to it, but takes it as void*.
  return rd_kafka_producev(
      client_.handle->get(), RD_KAFKA_V_RKT(client_.topics.at(record.topic).get()),
      RD_KAFKA_V_PARTITION(RD_KAFKA_PARTITION_UA),
      RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
      RD_KAFKA_V_VALUE(const_cast<char*>(record.value.data()), record.value.size()),
      RD_KAFKA_V_HEADER(kMessageTypeHeader, record.message_type.data(),
                        static_cast<ssize_t>(record.message_type.size())),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(number)),
      RD_KAFKA_V_END);
}

int KafkaProducer::Serve(milliseconds timeout) {
  finished_ = 0;
  rd_kafka_poll(handle().get(), static_cast<int>(timeout.count()));
  if (rd_kafka_fatal_error(handle().get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR &&
      steady_clock::now() >= next_replacement_) {
    ReplaceClient();
  }
  std::lock_guard lock(mutex_);
  SendUnsent();
  return finished_;
}

absl::Status KafkaProducer::Flush(milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    Serve(std::clamp(left, milliseconds(0), milliseconds(20)));
    size_t waiting = 0;
    {
      std::lock_guard lock(mutex_);
      waiting = waiting_.size();
    }
    if (waiting == 0) return absl::OkStatus();
    if (left <= milliseconds(0)) {
      return absl::DeadlineExceededError(
          absl::StrFormat("%d records are not delivered after %d ms", waiting, timeout.count()));
    }
  }
}

bool KafkaProducer::connected() const {
  std::lock_guard lock(mutex_);
  return client_.handle->connected();
}

void KafkaProducer::OnDelivery(const rd_kafka_message_t& message) {
  const auto number = reinterpret_cast<uint64_t>(message._private);
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    Finish(number, absl::OkStatus());
    return;
  }
  const auto topic = std::find_if(kAllTopics.begin(), kAllTopics.end(), [&](Topic candidate) {
    return client_.topics.at(candidate).get() == message.rkt;
  });
  const bool client_died =
      rd_kafka_fatal_error(handle().get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
  if (IsRefusal(message.err) || !(client_died || MayPass(message.err))) {
    Finish(number, KafkaStatus(message.err, PublishTo(*topic)));
    return;
  }
  if (!client_died) next_repetition_ = steady_clock::now() + kRepeatPause;
  Record record{.topic = *topic,
                .key = std::string(static_cast<const char*>(message.key), message.key_len),
                .value = std::string(static_cast<const char*>(message.payload), message.len),
                .message_type = MessageTypeOf(message)};
  std::lock_guard lock(mutex_);
  unsent_.emplace(number, std::move(record));
}

void KafkaProducer::Finish(uint64_t number, const absl::Status& status) {
  PublishDone done;
  {
    std::lock_guard lock(mutex_);
    auto waiting = waiting_.extract(number);
    done = std::move(waiting.mapped());
  }
  ++finished_;
  if (done) done(status);
}

void KafkaProducer::ReplaceClient() {
  next_replacement_ = steady_clock::now() + kReplacementPause;
  absl::StatusOr<Client> fresh = NewClient();
  if (!fresh.ok()) return;  // No thread or no memory was left; the next call tries again.

  rd_kafka_t* dead = handle().get();
  rd_kafka_purge(dead, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  // Each record comes back through OnDelivery; those published meanwhile are refused by it and kept
  // in unsent_.
  while (rd_kafka_outq_len(dead) > 0) rd_kafka_poll(dead, 10);

  std::lock_guard lock(mutex_);
  std::swap(client_, *fresh);
}

void KafkaProducer::SendUnsent() {
  if (steady_clock::now() < next_repetition_) return;
  while (!unsent_.empty()) {
    const auto& [number, record] = *unsent_.begin();
    // Refused by the client itself: its queue is full, or it too cannot go on. Both pass.
    if (Enqueue(number, record) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    unsent_.erase(unsent_.begin());
  }
}

}  // namespace loadtest
