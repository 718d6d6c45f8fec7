#include "driver/stop_signals.h"

#include <signal.h>
#include <unistd.h>

#include <thread>

namespace loadtest {

StopSignals::StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A thread of its own, so that a second signal works whatever the others are waiting for.
  std::thread([signals, state = state_] {
    while (true) {
      int signal = 0;
      if (sigwait(&signals, &signal) != 0) continue;
      if (!state->graceful) _exit(0);
      if (state->requested.exchange(true)) _exit(128 + signal);
    }
  }).detach();
}

}  // namespace loadtest
