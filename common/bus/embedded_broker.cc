#include "common/bus/embedded_broker.h"

#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <future>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/bus/kafka_settings.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

constexpr int kBrokers = 1;
constexpr int kBrokerId = 1;  // Mock brokers are numbered from 1.

void IgnoreLog(const rd_kafka_t*, int, const char*, const char*) {}

sockaddr_in LoopbackAddress(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool ListensOn(int fd, int port) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return false;
  sockaddr_in address{};
  size = sizeof(address);
  return getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.sin_family == AF_INET && ntohs(address.sin_port) == port;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EmbeddedBroker>> EmbeddedBroker::Start(
    const v1::KafkaConfig& config) {
  std::unique_ptr<EmbeddedBroker> broker(new EmbeddedBroker);
  RETURN_IF_ERROR(broker->Open(config));
  return broker;
}

absl::Status EmbeddedBroker::Open(const v1::KafkaConfig& config) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(conf, IgnoreLog);
  char error[256] = "";
  host_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
  if (host_ == nullptr) {
    rd_kafka_conf_destroy(conf);
    return absl::InternalError(absl::StrFormat("embedded broker: %s", error));
  }
  cluster_ = rd_kafka_mock_cluster_new(host_, kBrokers);
  if (cluster_ == nullptr) {
    return absl::InternalError("embedded broker: cannot listen on 127.0.0.1");
  }
  bootstrap_servers_ = rd_kafka_mock_cluster_bootstraps(cluster_);
  ASSIGN_OR_RETURN(const HostPort address, ParseHostPort(bootstrap_servers_, "embedded broker"));
  port_ = address.port;
  SendAnswersAtOnce();

  for (const Topic topic : kAllTopics) {
    const std::string name = FullTopicName(config, topic);
    const int partitions = topic == Topic::kMetrics ? kMetricsPartitions : 1;
    rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR_NO_ERROR;
    Control(
        [&] { result = rd_kafka_mock_topic_create(cluster_, name.c_str(), partitions, kBrokers); });
    if (result != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return absl::InternalError(
          absl::StrFormat("embedded broker: create topic %s: %s", name, rd_kafka_err2str(result)));
    }
  }
  return absl::OkStatus();
}

EmbeddedBroker::~EmbeddedBroker() {
  if (cluster_ != nullptr) Control([this] { rd_kafka_mock_cluster_destroy(cluster_); });
  if (host_ != nullptr) rd_kafka_destroy(host_);
}

void EmbeddedBroker::SetReachable(bool reachable) {
  Control([this, reachable] {
    if (reachable) {
      rd_kafka_mock_broker_set_up(cluster_, kBrokerId);
    } else {
      rd_kafka_mock_broker_set_down(cluster_, kBrokerId);
    }
  });
  if (reachable) SendAnswersAtOnce();  // Its listening socket is a new one.
}

// The cluster's thread first takes its orders and then empties the pipe that wakes it, so an order
// that comes between the two is left lying for up to a second (librdkafka 2.0.2,
// rd_kafka_mock_cluster_io_poll). A connection wakes it too.
void EmbeddedBroker::Control(const std::function<void()>& call) {
  const std::future<void> done = std::async(std::launch::async, call);
  while (done.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) Knock();
}

void EmbeddedBroker::Knock() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const sockaddr_in address = LoopbackAddress(port_);
  connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  close(fd);
}

// The cluster leaves Nagle's algorithm on: of two answers in a row the second would wait 40 ms for
// the client's delayed acknowledgement. Accepted sockets inherit the option from the listening one,
// which librdkafka does not hand out.
void EmbeddedBroker::SendAnswersAtOnce() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
    const std::string name = entry.path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (!ListensOn(fd, port_)) continue;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
}

}  // namespace loadtest
