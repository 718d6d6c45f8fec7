// Serves a driver's metrics over HTTP, at /metrics and nothing else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "loadtest/v1/config.pb.h"

namespace httplib {
class Server;
}  // namespace httplib

namespace loadtest {

// Owned by main. Has threads of its own, which only ever read.
class MetricsServer {
 public:
  // Serves what `text` returns at driver.metrics_address from here on. InvalidArgument for an
  // address that is none, is taken, or can be reached by other hosts without
  // driver.metrics_insecure; names the setting.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const v1::DriverConfig& config,
                                                              std::function<std::string()> text);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  int port() const { return port_; }

 private:
  explicit MetricsServer(std::unique_ptr<httplib::Server> server);

  const std::unique_ptr<httplib::Server> server_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace loadtest
