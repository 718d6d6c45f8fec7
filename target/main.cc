// target: a web server with known behaviour and misbehaviour, to try load tests against.
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/cli/program_flags.h"
#include "target/target_server.h"

namespace loadtest {
namespace {

// Descriptors that are not connections: listeners, standard streams and the like.
constexpr rlim_t kOtherDescriptors = 64;

// Raises the limit of open files as far as it may. Returns how many connections fit, at most
// `wanted`.
int FittingConnections(int wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min(limit.rlim_max, std::max(limit.rlim_cur, wanted + kOtherDescriptors));
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted + kOtherDescriptors) return wanted;
  const rlim_t fitting = limit.rlim_cur - std::min(limit.rlim_cur - 1, kOtherDescriptors);
  absl::FPrintF(stderr,
                "target: serves %d connections instead of %d (target.max_connections): the hard "
                "limit of open files is "
                "%d, see ulimit -Hn\n",
                fitting, wanted, limit.rlim_max);
  return static_cast<int>(fitting);
}

// Written whole or not at all: who waits for the file may read it as soon as it is there.
bool WriteReadyFile(const std::string& path, const std::string& address) {
  const std::string unfinished = path + ".tmp";
  std::ofstream file(unfinished);
  file << absl::StrFormat("{\"http_address\": \"%s\"}\n", address);
  file.close();
  return file.good() && std::rename(unfinished.c_str(), path.c_str()) == 0;
}

int Main(int argc, char** argv) {
  v1::Config config;
  std::string ready_file;
  const ProgramFlags flags{
      .name = "target",
      .description =
          "A web server with known behaviour, to try load tests against. GET / lists its paths.",
      .settings = {{"--host", "target.host", "Address to listen on", "ADDR"},
                   {"--port", "target.port", "Port to listen on; 0 takes a free one", "PORT"},
                   {"--max_connections", "target.max_connections", "Connections served at once",
                    "N"}},
      .extras = {{"--ready_file", &ready_file,
                  "Write {\"http_address\": \"HOST:PORT\"} to this file when serving", "FILE"}},
      .positional = {},
      .switches = {},
      .examples =
          "Examples:\n"
          "  target                 then: loadctl run http://127.0.0.1:8081/ping\n"
          "  target --port 9000     then: loadctl run http://127.0.0.1:9000/flaky/5\n"
          "Paths: /ping /delay/20 (ms) /status/503 /bytes/1000 /stream/10 /stall /close "
          "/flaky/5 (% of 500) /metrics"};
  int exit_code = kExitOk;
  if (!ParseProgramFlags(argc, argv, flags, config, exit_code)) return exit_code;

  // Before any thread is made, so that all inherit it and only sigwait below gets the signals.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  // The kernel may wake a sleeper 50 us late by default; /delay should be truer than that.
  // Inherited as well.
  prctl(PR_SET_TIMERSLACK, 1'000);

  const auto server = TargetServer::Start(
      {.host = config.target().host(),
       .port = config.target().port(),
       .max_connections = FittingConnections(config.target().max_connections())});
  if (!server.ok()) {
    absl::FPrintF(stderr, "target: %s\n", std::string(server.status().message()));
    return kExitUsage;
  }
  absl::PrintF("target listens on http://%s\n",
               absl::StrJoin((*server)->addresses(), " and http://"));
  if (!(*server)->missing().empty()) {
    absl::PrintF("target does not serve IPv6: %s\n", (*server)->missing());
  }
  std::fflush(stdout);
  if (!ready_file.empty() && !WriteReadyFile(ready_file, (*server)->addresses().front())) {
    absl::FPrintF(stderr, "target: --ready_file: got \"%s\", want a file that can be written\n",
                  ready_file);
    return kExitUsage;
  }
  int signal_number = 0;
  sigwait(&stop_signals, &signal_number);
  return kExitOk;
}

}  // namespace
}  // namespace loadtest

int main(int argc, char** argv) { return loadtest::Main(argc, argv); }
