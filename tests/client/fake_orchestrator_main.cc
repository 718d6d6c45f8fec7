// A program `orchestrator` for tests of `run --local`: serves FakeOrchestrator until SIGTERM.
// The environment variable FAKE_ORCHESTRATOR_FAILS makes it end at once with a line of error and
// exit code 7.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "client/fake_orchestrator.h"
#include "client/sample_messages.h"

int main(int argc, char** argv) {
  const char* variable = std::getenv("FAKE_ORCHESTRATOR");
  const std::string mode = variable == nullptr ? "" : variable;
  if (mode == "fails") {
    std::fputs("orchestrator: the broker cannot be started\n", stderr);
    return 7;
  }
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  loadtest::FakeOrchestrator orchestrator;
  orchestrator.Script({loadtest::SampleUpdate()}, loadtest::SampleReport());
  if (mode == "holds") orchestrator.HoldUntilStopped();
  std::string ready_file;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string(argv[i]) == "--ready_file") ready_file = argv[i + 1];
  }
  if (mode != "never ready") {
    std::ofstream(ready_file + ".tmp")
        << "{\"grpc_address\": \"" << orchestrator.address() << "\"}";
    std::rename((ready_file + ".tmp").c_str(), ready_file.c_str());
  }
  int signal = 0;
  sigwait(&stop, &signal);
  return 0;
}
