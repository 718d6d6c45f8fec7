#include "driver/metrics_server.h"

#include <arpa/inet.h>
#include <httplib.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"
#include "common/measure/prometheus_text.h"

namespace loadtest {
namespace {

constexpr char kSetting[] = "driver.metrics_address";

// A scraper or two; whoever holds more connections than that waits.
constexpr size_t kThreads = 2;
constexpr time_t kTimeoutSeconds = 5;

bool IsNumeric(const std::string& host) {
  in6_addr unused;
  return inet_pton(AF_INET, host.c_str(), &unused) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &unused) == 1;
}

absl::StatusOr<HostPort> ReadAddress(const v1::DriverConfig& config) {
  ASSIGN_OR_RETURN(HostPort address, ParseHostPort(config.metrics_address(), kSetting));
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (!IsNumeric(address.host)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: got \"%s\", want a numeric address and a port such as 127.0.0.1:9101",
                        kSetting, config.metrics_address()));
  }
  if (!IsLoopback(address.host) && !config.metrics_insecure()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: got %s, which other hosts can reach in plain text and without a token: want a "
        "loopback address, or driver.metrics_insecure to allow it",
        kSetting, config.metrics_address()));
  }
  return address;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const v1::DriverConfig& config, std::function<std::string()> text) {
  ASSIGN_OR_RETURN(const HostPort address, ReadAddress(config));
  auto server = std::make_unique<httplib::Server>();
  server->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server->set_read_timeout(kTimeoutSeconds);
  server->set_write_timeout(kTimeoutSeconds);
  server->set_payload_max_length(0);
  // httplib's default lets a second process listen on the same port; each would get half the calls.
  server->set_socket_options([](int fd) {
    const int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server->Get("/metrics", [text = std::move(text)](const httplib::Request&,
                                                   httplib::Response& response) {
    response.set_content(text(), kPrometheusContentType);
  });
  std::unique_ptr<MetricsServer> metrics(new MetricsServer(std::move(server)));
  const bool any_port = address.port == 0;
  errno = 0;
  metrics->port_ = any_port ? metrics->server_->bind_to_any_port(address.host) : address.port;
  if (metrics->port_ < 0 ||
      (!any_port && !metrics->server_->bind_to_port(address.host, address.port))) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: cannot listen on %s: %s", kSetting, config.metrics_address(),
                        errno == 0 ? "the address is not of this host" : std::strerror(errno)));
  }
  metrics->thread_ = std::thread([&server = *metrics->server_] { server.listen_after_bind(); });
  // stop() would not reach a server that has not begun.
  while (!metrics->server_->is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return metrics;
}

MetricsServer::MetricsServer(std::unique_ptr<httplib::Server> server)
    : server_(std::move(server)) {}

MetricsServer::~MetricsServer() {
  server_->stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace loadtest
