#include "common/bus/kafka_bus.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/bus/kafka_consumer.h"
#include "common/bus/kafka_producer.h"
#include "common/bus/kafka_settings.h"
#include "common/bus/kafka_topics.h"
#include "common/bus/local_address.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// While waiting for the broker, how long one question may take before librdkafka is asked for the
// reason why it is not there. It grows, for a broker far away needs more than the first.
constexpr milliseconds kFirstConnectStep{100};
constexpr milliseconds kLongestConnectStep{1000};

milliseconds ToMillis(const google::protobuf::Duration& duration) {
  return milliseconds(ToNanos(duration) / kNanosPerMilli);
}

milliseconds Until(steady_clock::time_point deadline) {
  return std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaBus>> KafkaBus::Connect(const v1::KafkaConfig& config,
                                                            KafkaBusOptions options) {
  std::unique_ptr<KafkaBus> bus(new KafkaBus(config, std::move(options)));
  RETURN_IF_ERROR(bus->Open());
  return bus;
}

KafkaBus::KafkaBus(const v1::KafkaConfig& config, KafkaBusOptions options)
    : config_(config),
      options_(std::move(options)),
      wakeup_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

KafkaBus::~KafkaBus() {
  consumer_.reset();
  producer_.reset();
  close(wakeup_fd_);
}

absl::Status KafkaBus::Open() {
  if (wakeup_fd_ < 0) return absl::ResourceExhaustedError("cannot open an eventfd for the bus");
  const std::string client_id = absl::StrFormat("%s-%s", options_.role, options_.client_id);
  ASSIGN_OR_RETURN(const KafkaProperties connection, ConnectionProperties(config_, client_id));

  KafkaProperties producing = connection;
  for (auto& property : ProducerProperties()) producing.push_back(std::move(property));
  ASSIGN_OR_RETURN(producer_, KafkaProducer::Create(config_, std::move(producing), wakeup_fd_));
  RETURN_IF_ERROR(AwaitBroker());

  const milliseconds fetch_wait =
      options_.embedded ? kEmbeddedFetchWait : ToMillis(config_.fetch_wait());
  KafkaProperties consuming = connection;
  for (auto& property : ConsumerProperties(client_id, fetch_wait)) {
    consuming.push_back(std::move(property));
  }
  ASSIGN_OR_RETURN(consumer_, KafkaConsumer::Create(config_, consuming, wakeup_fd_));
  if (options_.watch_leaders) consumer_->WatchLeaders(fetch_wait);

  LearnTopics();
  local_address_ = LocalAddressTowards(config_.bootstrap_servers());
  id_ = producer_->handle().ClusterId(ToMillis(config_.connect_timeout()));
  if (!id_.empty() && !config_.topic_prefix().empty()) id_ += "/" + config_.topic_prefix();
  connected_ = true;
  return absl::OkStatus();
}

absl::Status KafkaBus::AwaitBroker() {
  const auto deadline = steady_clock::now() + ToMillis(config_.connect_timeout());
  KafkaHandle& handle = producer_->handle();
  for (milliseconds step = kFirstConnectStep;; step = std::min(2 * step, kLongestConnectStep)) {
    const milliseconds left = Until(deadline);
    if (left <= milliseconds(0)) return ConnectError();
    // One that has only just started may answer before it has registered itself.
    if (handle.CountBrokers(std::min(left, step)).value_or(0) > 0) return absl::OkStatus();
    producer_->Serve(milliseconds(0));
    if (handle.rejected()) return ConnectError();
  }
}

absl::Status KafkaBus::ConnectError() const {
  const KafkaHandle& handle = producer_->handle();
  const std::string& servers = config_.bootstrap_servers();
  if (handle.rejected()) {
    const bool scram = config_.sasl_mechanism().starts_with("SCRAM");
    return absl::UnauthenticatedError(absl::StrFormat(
        "Kafka at %s refuses us: %s; want the kafka.* security settings of that broker%s", servers,
        handle.last_error(),
        scram ? " (this client can do SCRAM only with Kafka up to 3.9; PLAIN works with all)"
              : ""));
  }
  const std::string reason =
      handle.last_error().empty()
          ? absl::StrFormat("no answer in %s", FormatDuration(ToNanos(config_.connect_timeout())))
          : handle.last_error();
  return absl::UnavailableError(absl::StrFormat(
      "cannot reach Kafka at %s: %s; want HOST:PORT of a running broker", servers, reason));
}

void KafkaBus::LearnTopics() {
  for (const Topic topic : kAllTopics) {
    const std::string name = FullTopicName(config_, topic);
    // That one is missing is told by QueryOffsets, to whoever needs it.
    for (KafkaHandle* handle : {&producer_->handle(), &consumer_->handle()}) {
      handle->CountPartitions(name, ToMillis(config_.connect_timeout())).IgnoreError();
    }
  }
}

absl::Status KafkaBus::EnsureTopics(milliseconds timeout) {
  RETURN_IF_ERROR(EnsureKafkaTopics(producer_->handle(), config_, timeout));
  LearnTopics();
  return absl::OkStatus();
}

absl::StatusOr<std::map<TopicPartition, OffsetRange>> KafkaBus::QueryOffsets(Topic topic,
                                                                             milliseconds timeout) {
  return consumer_->QueryOffsets(topic, timeout);
}

absl::Status KafkaBus::Assign(const Offsets& offsets) { return consumer_->Assign(offsets); }

BusEvents KafkaBus::Poll(milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  for (;;) {
    // Cleared before looking, so that what comes after the look wakes the wait.
    eventfd_t ignored = 0;
    eventfd_read(wakeup_fd_, &ignored);
    const int finished = producer_->Serve(milliseconds(0));
    BusEvents events = consumer_->Take();
    UpdateConnected();
    const milliseconds left = Until(deadline);
    if (finished > 0 || !events.records.empty() || !events.gaps.empty() ||
        left <= milliseconds(0)) {
      return events;
    }
    WaitForWakeup(left);
  }
}

void KafkaBus::WaitForWakeup(milliseconds timeout) {
  pollfd wakeup{.fd = wakeup_fd_, .events = POLLIN, .revents = 0};
  poll(&wakeup, 1, static_cast<int>(timeout.count()));
}

void KafkaBus::UpdateConnected() {
  const bool connected = producer_->connected() || consumer_->handle().connected();
  if (connected == connected_) return;
  connected_ = connected;
  if (!options_.on_notice) return;
  if (connected) {
    options_.on_notice(absl::StrFormat("connected to %s again", description()));
  } else {
    options_.on_notice(absl::StrFormat("lost the connection to %s: %s", description(),
                                       producer_->handle().last_error()));
  }
}

bool KafkaBus::hears() const { return connected_ && consumer_->hears(); }

absl::Status KafkaBus::Publish(Topic topic, std::string_view key, std::string_view message_type,
                               std::string_view value, PublishDone done) {
  return producer_->Publish(topic, key, message_type, value, std::move(done));
}

absl::Status KafkaBus::Flush(milliseconds timeout) { return producer_->Flush(timeout); }

std::string KafkaBus::description() const {
  if (options_.embedded) return "embedded broker (one host, not durable)";
  return absl::StrFormat("kafka %s", config_.bootstrap_servers());
}

}  // namespace loadtest
