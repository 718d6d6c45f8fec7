// orchestrator [N]: puts the parts together, waits for a signal, takes them down in reverse.
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/bus/embedded_broker.h"
#include "common/bus/kafka_bus.h"
#include "common/cli/program_flags.h"
#include "server/api/door_security.h"
#include "server/api/grpc_log.h"
#include "server/api/grpc_server.h"
#include "server/api/rest_server.h"
#include "server/fleet/driver_processes.h"
#include "server/shell/orchestrator.h"

namespace loadtest {
namespace {

constexpr auto kFlushAtEnd = std::chrono::seconds(2);
constexpr auto kDriversEnd = std::chrono::seconds(4);
// One partition of `metrics` each.
constexpr int kEmbeddedDrivers = EmbeddedBroker::kMetricsPartitions;
// The embedded broker keeps the newest 5 MB of a partition.
constexpr size_t kEmbeddedLargestBody = 3 << 20;
constexpr int kShortestLeaseHeartbeats = 3;
// The embedded broker dies with the orchestrator, so nobody comes back within a longer lease.
constexpr int64_t kShortestEmbeddedLeaseNs = 10 * kNanosPerSecond;
constexpr int64_t kAnnounceDriversWithinNs = 10 * kNanosPerSecond;
constexpr size_t kOwnDescriptors = 256;
constexpr size_t kFewestConnections = 32;
constexpr int kKeptMemory = 64 << 20;
constexpr int kLargestKeptBlock = 4 << 20;

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitUnreachable;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
      return kExitUsage;
    default:
      return kExitInternal;
  }
}

int Fail(const absl::Status& status, int code) {
  absl::FPrintF(stderr, "orchestrator: %s\n", std::string(status.message()));
  return code;
}

// How many connections each of the two doors may have, at most `wanted`: together they leave
// descriptors for broker, store and drivers. Asks the system for as many as it gives.
size_t ConnectionsOfADoor(size_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur / 2 > wanted + kOwnDescriptors / 2) return wanted;
  return limit.rlim_cur < 2 * kOwnDescriptors ? kFewestConnections
                                              : (limit.rlim_cur - kOwnDescriptors) / 2;
}

std::string ProgramFolder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

CoreOptions CoreOptionsOf(const v1::Config& config, const std::string& bus) {
  CoreOptions options;
  options.heartbeat_interval_ns = ToNanos(config.driver().heartbeat_interval());
  options.lost_after_heartbeats = config.orchestrator().lost_after_heartbeats();
  options.start_lead_ns = ToNanos(config.orchestrator().start_lead());
  options.finish_grace_ns = ToNanos(config.orchestrator().finish_grace());
  options.metrics_interval_ns = ToNanos(config.driver().metrics_interval());
  // A sign of life or two may be late.
  options.lease_ns = std::max(ToNanos(config.orchestrator().lease()),
                              kShortestLeaseHeartbeats * options.heartbeat_interval_ns);
  options.expected_drivers = config.orchestrator().drivers();
  options.keep_tests = config.orchestrator().keep_tests();
  options.keep_for_ns = ToNanos(config.orchestrator().keep_for());
  options.version = kVersion;
  options.bus = bus;
  return options;
}

// The drivers read what this process was configured with, whatever it came from.
absl::StatusOr<std::string> WriteDriverConfig(v1::Config config) {
  const std::string path = config.orchestrator().data_dir() + "/driver-config.json";
  std::ofstream out(path);
  // The bus's password is for them too, and for nobody else; the doors' token is not.
  std::error_code ignored;
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
  config.mutable_orchestrator()->clear_token();
  out << PrintConfig(config, Secrets::kWritten);
  out.close();
  if (!out)
    return absl::InvalidArgumentError(
        absl::StrFormat("cannot write %s; want a data folder that can be written", path));
  return path;
}

// Complete or not there: written beside it and renamed.
absl::Status WriteReadyFile(const std::string& path, const std::string& grpc_address,
                            const std::string& http_address, const std::string& bootstrap) {
  const std::string part = path + ".part";
  std::ofstream out(part);
  out << absl::StrFormat(
      "{\"grpc_address\": \"%s\", \"http_address\": \"%s\", \"kafka\": \"%s\"}\n", grpc_address,
      http_address, bootstrap);
  out.close();
  if (!out || std::rename(part.c_str(), path.c_str()) != 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--ready_file: cannot write %s: %s", path, std::strerror(errno)));
  }
  return absl::OkStatus();
}

std::string AddressOf(const std::string& configured, int port) {
  return configured.substr(0, configured.rfind(':')) + absl::StrFormat(":%d", port);
}

// Waits for SIGINT or SIGTERM, or until another orchestrator has taken over, looking after the
// drivers meanwhile. Once the drivers are there (or ten seconds are over) `announce` is called.
template <typename Announce>
void WaitForEnd(const sigset_t& signals, DriverProcesses& drivers, const Orchestrator& orchestrator,
                int expected, const Announce& announce) {
  SystemClock clock;
  const int64_t start_ns = clock.Now().ns;
  bool announced = false;
  while (true) {
    const timespec wait{0, announced ? 200'000'000 : 5'000'000};
    const int signal = sigtimedwait(&signals, nullptr, &wait);
    if (signal == SIGINT || signal == SIGTERM || orchestrator.fenced()) return;
    drivers.Watch(clock.Now());
    if (!announced && (orchestrator.live_drivers() >= expected ||
                       clock.Now().ns - start_ns > kAnnounceDriversWithinNs)) {
      announced = true;
      announce();
    }
  }
}

int Run(v1::Config& config, const std::string& ready_file, const Logger& log) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&signals, s);
  // Before any thread, so that all of them leave these signals to WaitForEnd.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // A file that reaches its limit is an error of the write, and the store says so.
  signal(SIGXFSZ, SIG_IGN);

  // Before anything is started: what is wrong with the settings is said at once.
  const absl::StatusOr<DoorSecurity> security = LoadDoorSecurity(config.orchestrator());
  if (!security.ok()) return Fail(security.status(), kExitUsage);
  for (const auto& [setting, address] :
       {std::pair("orchestrator.grpc_address", config.orchestrator().grpc_address()),
        std::pair("orchestrator.http_address", config.orchestrator().http_address())}) {
    const absl::StatusOr<ListenAddress> listen = ParseListenAddress(address, setting);
    if (!listen.ok()) return Fail(listen.status(), kExitUsage);
    const absl::Status exposed = CheckExposure(*security, *listen, setting);
    if (!exposed.ok()) return Fail(exposed, kExitUsage);
  }

  std::unique_ptr<EmbeddedBroker> embedded;
  const bool is_embedded = config.kafka().bootstrap_servers() == "embedded";
  if (is_embedded && config.orchestrator().drivers() > kEmbeddedDrivers) {
    return Fail(absl::InvalidArgumentError(absl::StrFormat(
                    "orchestrator.drivers: got %d, want at most %d with the embedded broker; use "
                    "--kafka HOST:PORT for more",
                    config.orchestrator().drivers(), kEmbeddedDrivers)),
                kExitUsage);
  }
  if (is_embedded) {
    absl::StatusOr<std::unique_ptr<EmbeddedBroker>> started = EmbeddedBroker::Start(config.kafka());
    if (!started.ok()) return Fail(started.status(), kExitInternal);
    embedded = *std::move(started);
    config.mutable_kafka()->set_bootstrap_servers(embedded->bootstrap_servers());
    log.Info(
        absl::StrFormat("embedded broker on %s: one host, up to 16 drivers, nothing durable; "
                        "--kafka HOST:PORT uses a real Kafka",
                        embedded->bootstrap_servers()));
  }
  KafkaBusOptions bus_options;
  bus_options.client_id = "orchestrator";
  bus_options.role = "loadtest";
  bus_options.embedded = is_embedded;
  bus_options.watch_leaders = true;
  bus_options.on_notice = [&log](const std::string& text) { log.Warning(text); };
  absl::StatusOr<std::unique_ptr<KafkaBus>> bus = KafkaBus::Connect(config.kafka(), bus_options);
  if (!bus.ok()) return Fail(bus.status(), ExitCodeOf(bus.status()));

  // After the broker, so that a wrong address leaves no empty data folder behind.
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(config.orchestrator().data_dir());
  if (!store.ok()) return Fail(store.status(), ExitCodeOf(store.status()));

  SystemClock clock;
  Orchestrator::Options options{.core = CoreOptionsOf(config, (*bus)->description()),
                                .bus_is_new = is_embedded};
  if (is_embedded) {
    options.core.largest_body = kEmbeddedLargestBody;
    options.core.lease_ns =
        std::min(options.core.lease_ns,
                 std::max(kShortestEmbeddedLeaseNs,
                          kShortestLeaseHeartbeats * options.core.heartbeat_interval_ns));
  }
  absl::StatusOr<std::unique_ptr<Orchestrator>> orchestrator =
      Orchestrator::Start(options, **bus, *std::move(store), clock, log);
  if (!orchestrator.ok()) return Fail(orchestrator.status(), ExitCodeOf(orchestrator.status()));

  const absl::StatusOr<std::unique_ptr<GrpcServer>> grpc =
      GrpcServer::Start(config.orchestrator().grpc_address(), **orchestrator, *security,
                        {.max_connections = ConnectionsOfADoor(GrpcLimits().max_connections)});
  if (!grpc.ok()) return Fail(grpc.status(), kExitUsage);
  const absl::StatusOr<std::unique_ptr<RestServer>> rest = RestServer::Start(
      config.orchestrator().http_address(), **orchestrator,
      {.max_connections = ConnectionsOfADoor(RestOptions().max_connections)}, *security);
  if (!rest.ok()) return Fail(rest.status(), kExitUsage);
  const std::string grpc_address = AddressOf(config.orchestrator().grpc_address(), (*grpc)->port());
  const std::string http_address = AddressOf(config.orchestrator().http_address(), (*rest)->port());

  const absl::StatusOr<std::string> driver_config = WriteDriverConfig(config);
  if (!driver_config.ok()) return Fail(driver_config.status(), kExitUsage);
  const std::string& program = config.orchestrator().driver_program();
  DriverProcesses::Options fleet{.program = program.empty() ? ProgramFolder() + "/driver" : program,
                                 .arguments = {"--config", *driver_config},
                                 .count = config.orchestrator().drivers(),
                                 .metrics_address = config.driver().metrics_address(),
                                 .taken_ids = (*orchestrator)->busy_drivers_at_start()};
  if (is_embedded) fleet.arguments.push_back("--embedded");
  DriverProcesses drivers(std::move(fleet), log);
  if (const absl::Status started = drivers.Start(); !started.ok()) return Fail(started, kExitUsage);

  absl::Status ready = absl::OkStatus();
  WaitForEnd(signals, drivers, **orchestrator, config.orchestrator().drivers(), [&] {
    log.Info(absl::StrFormat(
        "gRPC on %s, REST and web page on %s://%s, %d driver%s ready, %s", grpc_address,
        security->tls() ? "https" : "http", http_address, (*orchestrator)->live_drivers(),
        (*orchestrator)->live_drivers() == 1 ? "" : "s", (*bus)->description()));
    if (!ready_file.empty())
      ready = WriteReadyFile(ready_file, grpc_address, http_address,
                             config.kafka().bootstrap_servers());
    if (!ready.ok()) log.Error(std::string(ready.message()));
  });

  const bool replaced = (*orchestrator)->fenced();
  // Its drivers may run a test that is the other one's now.
  if (replaced) drivers.Abandon();
  log.Info("ending");
  (*grpc)->Stop();
  (*rest)->Stop();
  // Drivers first: their last reports are read and stored before the orchestrator goes.
  drivers.Stop(kDriversEnd);
  orchestrator->reset();
  (*bus)->Flush(kFlushAtEnd).IgnoreError();
  if (replaced)
    return Fail(absl::AbortedError("another orchestrator has taken over; its process and host are "
                                   "in the line \"replaced by\" above"),
                kExitInternal);
  return ready.ok() ? kExitOk : kExitInternal;
}

}  // namespace
}  // namespace loadtest

int main(int argc, char** argv) {
  using loadtest::ProgramFlags;
  // The reports of many drivers come and go each second: their memory is kept, for the kernel takes
  // longer to give pages than the reports to be added up. mallopt(3).
  mallopt(M_TRIM_THRESHOLD, loadtest::kKeptMemory);
  mallopt(M_MMAP_THRESHOLD, loadtest::kLargestKeptBlock);
  std::string ready_file;
  bool insecure = false;
  ProgramFlags flags{
      .name = "orchestrator",
      .description =
          "Plans load tests, coordinates drivers over Kafka, and serves gRPC, REST and a web "
          "page.",
      .settings = {{"--kafka", "kafka.bootstrap_servers",
                    "\"embedded\", or HOST:PORT,... of a real Kafka", "embedded|HOST:PORT,..."},
                   {"--grpc", "orchestrator.grpc_address", "Where gRPC is served", "HOST:PORT"},
                   {"--http", "orchestrator.http_address", "Where REST and the web page are served",
                    "HOST:PORT"},
                   {"--token-file", "orchestrator.token_file",
                    "Callers must know the token in this file", "FILE"},
                   {"--tls-cert", "orchestrator.tls_certificate_file",
                    "Serve over TLS with this certificate", "FILE"},
                   {"--tls-key", "orchestrator.tls_key_file", "Its private key", "FILE"},
                   {"--data", "orchestrator.data_dir", "Folder of tests and reports", "DIR"}},
      .extras = {{"--ready_file", &ready_file,
                  "Write the addresses to FILE, as JSON, once the drivers are there", "FILE"}},
      .positional = {"N", "orchestrator.drivers",
                     "Driver processes to start; 0: drivers come from elsewhere", "N"},
      .switches = {{"--insecure", &insecure,
                    "Serve addresses that other hosts reach without TLS or without a token"}},
      .examples = R"(Examples:
  orchestrator 3                          three drivers and a broker of its own: nothing else is needed
  orchestrator 3 --kafka localhost:9092   the same over a real Kafka; drivers of other hosts can join
  orchestrator 0 --kafka kafka:9092 --grpc 0.0.0.0:50051 --tls-cert tls.crt --tls-key tls.key --token-file token
                                          for callers on other hosts, without drivers of its own
Then: loadctl run http://127.0.0.1:8081/ping, or the web page that it names.)"};
  loadtest::v1::Config config;
  int exit_code = loadtest::kExitOk;
  if (!loadtest::ParseProgramFlags(argc, argv, flags, config, exit_code)) return exit_code;
  if (insecure) config.mutable_orchestrator()->set_insecure(true);
  const loadtest::Logger log("orchestrator", loadtest::LogFormatOf(config));
  loadtest::SendGrpcLogTo(log);
  return loadtest::Run(config, ready_file, log);
}
