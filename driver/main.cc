// driver [--config FILE] [--kafka HOST:PORT,...] [--id NAME] [--allow LIST]
#include <arpa/inet.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/base/time.h"
#include "common/base/version.h"
#include "common/bus/kafka_bus.h"
#include "common/cli/program_flags.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"
#include "driver/driver_process.h"
#include "driver/engine/socket_address.h"
#include "driver/host_facts.h"
#include "driver/lifeline.h"
#include "driver/metrics_server.h"
#include "driver/stop_signals.h"

namespace loadtest {
namespace {

constexpr int kProtocolVersion = 1;

int Fail(const absl::Status& status, int exit_code) {
  absl::FPrintF(stderr, "driver: %s\n", std::string(status.message()));
  return exit_code;
}

// Whoever can write to the broker decides where load goes. On loopback that is this machine's user;
// elsewhere the driver's owner must have said what is allowed.
absl::Status CheckBroker(const v1::Config& config) {
  const std::string& servers = config.kafka().bootstrap_servers();
  if (servers == "embedded") {
    return absl::InvalidArgumentError(
        "--kafka: got \"embedded\", want HOST:PORT,...: the embedded broker is inside an "
        "orchestrator, "
        "which prints its address and starts drivers of its own");
  }
  for (const auto& server : absl::StrSplit(servers, ',')) {
    ASSIGN_OR_RETURN(const HostPort address,
                     ParseHostPort(std::string(server), "kafka.bootstrap_servers"));
    if (IsLoopback(address.host) || config.driver().allowed_targets_size() > 0) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("the broker %s is not on this host, and no target is allowed: say where "
                        "this driver may send load "
                        "with --allow HOST|NETWORK|'*' or driver.allowed_targets",
                        std::string(server)));
  }
  return absl::OkStatus();
}

v1::DriverRegistration MakeRegistration(const v1::DriverConfig& config, Clock& clock) {
  const HostFacts host = ReadHostFacts();
  v1::DriverRegistration registration;
  registration.set_driver_id(config.id().empty() ? MakeDriverId(host.host_name) : config.id());
  registration.set_incarnation(clock.WallNow().ns);
  registration.set_host_name(host.host_name);
  registration.set_message_type("DriverRegistration");
  registration.set_version(kVersion);
  registration.set_protocol_version(kProtocolVersion);
  *registration.mutable_labels() = config.labels();
  registration.set_kernel(host.kernel);
  registration.set_cpu_model(host.cpu_model);
  registration.set_cpus(host.cpus);
  registration.set_max_open_files(MaxOpenFiles());
  registration.set_max_connections(config.max_connections());
  return registration;
}

// InvalidArgument names the entry.
absl::StatusOr<std::vector<SocketAddress>> SourceAddresses(const v1::DriverConfig& config) {
  std::vector<SocketAddress> sources;
  for (int i = 0; i < config.source_addresses_size(); ++i) {
    const std::string& ip = config.source_addresses(i);
    in6_addr unused;
    if (inet_pton(AF_INET, ip.c_str(), &unused) != 1 &&
        inet_pton(AF_INET6, ip.c_str(), &unused) != 1) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "driver.source_addresses[%d]: got \"%s\", want an IPv4 or IPv6 address", i, ip));
    }
    ASSIGN_OR_RETURN(const std::vector<SocketAddress> resolved, Resolve(ip, 0));
    sources.push_back(resolved[0]);
  }
  return sources;
}

int RunDriver(const v1::Config& config, bool embedded, const Lifeline& lifeline,
              StopSignals& signals) {
  const absl::Status broker = CheckBroker(config);
  if (!broker.ok()) return Fail(broker, kExitUsage);
  const absl::StatusOr<DriverPolicy> policy = DriverPolicy::Create(config.driver());
  if (!policy.ok()) return Fail(policy.status(), kExitUsage);

  const absl::StatusOr<std::vector<SocketAddress>> sources = SourceAddresses(config.driver());
  if (!sources.ok()) return Fail(sources.status(), kExitUsage);

  SystemClock clock;
  RaiseMaxOpenFiles();
  const v1::DriverRegistration registration = MakeRegistration(config.driver(), clock);
  const absl::Status id_ok = CheckDriverId(registration.driver_id(), "driver.id");
  if (!id_ok.ok()) return Fail(id_ok, kExitUsage);
  const Logger log("driver " + registration.driver_id(), LogFormatOf(config));

  DriverMetrics metrics(registration.driver_id(), registration.incarnation());
  std::unique_ptr<MetricsServer> metrics_server;
  if (!config.driver().metrics_address().empty()) {
    auto started = MetricsServer::Start(config.driver(), [&metrics] { return metrics.Text(); });
    if (!started.ok()) return Fail(started.status(), kExitUsage);
    metrics_server = *std::move(started);
    log.Info(absl::StrFormat("metrics for Prometheus on port %d", metrics_server->port()));
  }

  absl::StatusOr<std::unique_ptr<KafkaBus>> bus = KafkaBus::Connect(
      config.kafka(), {.client_id = registration.driver_id(),
                       .role = "driver",
                       .embedded = embedded,
                       .on_notice = [&](const std::string& line) { log.Warning(line); }});
  if (!bus.ok()) {
    return Fail(bus.status(),
                absl::IsInvalidArgument(bus.status()) ? kExitUsage : kExitUnreachable);
  }
  signals.BeGraceful();
  DriverProcess driver({.registration = registration,
                        .policy = *policy,
                        .sources = *sources,
                        .heartbeat_interval_ns = ToNanos(config.driver().heartbeat_interval()),
                        .longest_delivery_ns = ToNanos(config.driver().max_lease()),
                        .broker = "Kafka " + config.kafka().bootstrap_servers(),
                        .metrics = metrics_server != nullptr ? &metrics : nullptr},
                       **bus, clock, log);
  // Whoever has lost its parent ends; but a test goes on under its lease, unless its broker was in
  // the parent, and its reports are delivered.
  driver.Run(
      [&] { return signals.requested() || (lifeline.IsCut() && (embedded || driver.IsDone())); });
  if (driver.HasStuckRun() || !(*bus)->connected()) _exit(kExitOk);
  return kExitOk;
}

}  // namespace
}  // namespace loadtest

int main(int argc, char** argv) {
  using namespace loadtest;
  std::string lifeline_fd;
  bool embedded = false;
  const ProgramFlags flags = {
      .name = "driver",
      .description = "Sends the load of tests that an orchestrator hands out over Kafka.",
      .settings = {{"--kafka", "kafka.bootstrap_servers", "Address list of the Kafka brokers",
                    "HOST:PORT,..."},
                   {"--id", "driver.id",
                    "Unique id of this driver (default: host name and a random part)", "NAME"},
                   {"--allow", "driver.allowed_targets",
                    "Where this driver may send load: names, *.NAME, addresses, networks, or *",
                    "LIST"}},
      .extras = {{"--lifeline_fd", &lifeline_fd,
                  "End when this pipe has no writer any more, but after a test that runs; given by "
                  "an orchestrator that starts drivers",
                  "N"}},
      .positional = {},
      .switches = {{"--embedded", &embedded, "The broker is the one inside an orchestrator"}},
      .examples =
          "Examples:\n"
          "  driver --kafka localhost:9092                             on the host of the broker\n"
          "  driver --kafka kafka.example:9092 --allow 10.1.0.0/16     elsewhere: it must be told "
          "where "
          "it may send load\n"
          "  driver --kafka kafka.example:9092 --allow 'shop.example,*.shop.example' --id rack-7\n"
          "A driver sends with one thread: start one for each core that is to send. loadctl "
          "drivers "
          "shows who is there."};
  v1::Config config;
  int exit_code = kExitOk;
  if (!ParseProgramFlags(argc, argv, flags, config, exit_code)) return exit_code;
  StopSignals signals;
  absl::StatusOr<Lifeline> lifeline;
  lifeline = lifeline_fd.empty() ? Lifeline() : Lifeline::Create(lifeline_fd);
  if (!lifeline.ok()) return Fail(lifeline.status(), kExitUsage);
  return RunDriver(config, embedded, *lifeline, signals);
}
