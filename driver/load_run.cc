#include "driver/load_run.h"

#include <pthread.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "driver/engine/load_loop.h"
#include "driver/engine/socket_address.h"
#include "driver/host_facts.h"

namespace loadtest {
namespace {

// Descriptors that are not connections: broker, epoll, standard streams, name look-ups.
constexpr int64_t kOtherOpenFiles = 48;

absl::Status CheckOpenFiles(const LoadPlan& plan) {
  const int64_t most = MaxOpenFiles() - kOtherOpenFiles;
  if (plan.connections <= most) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrFormat("connections: got %d, want at most %d: this driver may open %d files (raise "
                      "its hard limit, ulimit -Hn)",
                      plan.connections, most, MaxOpenFiles()));
}

}  // namespace

LoadRun::LoadRun(ArmRun order, Options options, Clock& clock)
    : order_(std::move(order)),
      options_(std::move(options)),
      clock_(clock),
      thread_([this] { RunThread(); }) {}

LoadRun::~LoadRun() { thread_.join(); }

LoadRun::Progress LoadRun::progress() const {
  if (failed_.load(std::memory_order_acquire)) return Progress::kArmFailed;
  switch (control_.phase()) {
    case RunPhase::kArming:
      return Progress::kArming;
    case RunPhase::kArmed:
      return Progress::kArmed;
    case RunPhase::kRunning:
      return Progress::kRunning;
    case RunPhase::kDraining:
      return Progress::kDraining;
    case RunPhase::kEnded:
      return Progress::kEnded;
  }
  return Progress::kEnded;
}

void LoadRun::OrderStop(const StopRun& stop) {
  control_.OrderStop(stop.reason, stop.error);
  Wake();
}

void LoadRun::OrderShares(const ReplaceShares& order) {
  control_.OrderShares(SharesOf(order_.spec, order_.assignment, order.shares));
  Wake();
}

void LoadRun::Wake() {
  if (HttpClient* http = wakeable_.load(std::memory_order_acquire)) http->Wake();
}

void LoadRun::RunThread() {
  pthread_setname_np(pthread_self(), "load-loop");
  const absl::Status armed = Arm();
  if (!armed.ok()) {
    arm_error_ = armed;
    failed_.store(true, std::memory_order_release);
    return;
  }
  wakeable_.store(&stack_->client(), std::memory_order_release);
  LoadLoop(std::move(plan_), clock_, stack_->client(), control_, intervals_).Run();
}

absl::Status LoadRun::Arm() {
  ASSIGN_OR_RETURN(plan_, MakeLoadPlan(order_.spec, order_.assignment, order_.metrics_interval_ns));
  if (order_.shares)
    plan_.sends = plan_.sends.WithShares(SharesOf(order_.spec, order_.assignment, *order_.shares));
  const MonotonicTime resolve_began = clock_.Now();
  ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, Resolve(plan_.host, plan_.port));
  plan_.resolve_ns = clock_.Now().ns - resolve_began.ns;
  for (const SocketAddress& address : addresses) {
    RETURN_IF_ERROR(options_.targets.CheckAddress(plan_.host, address.ip));
    plan_.addresses.push_back(address.text);
  }
  target_addresses_ = plan_.addresses;
  RETURN_IF_ERROR(CheckOpenFiles(plan_));
  ASSIGN_OR_RETURN(stack_, HttpStack::Create(plan_, addresses, options_.sources, clock_));
  // From here on wall time plays no part: if it jumps, the schedule does not.
  const int64_t until_start_ns = order_.start_time.ns - clock_.WallNow().ns;
  plan_.start = {clock_.Now().ns + until_start_ns};
  return absl::OkStatus();
}

}  // namespace loadtest
