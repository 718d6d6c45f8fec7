// `run`, `create` and `watch`.
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/commands/plan.h"
#include "client/commands/watching.h"
#include "client/local_cluster.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/json/proto_json.h"

namespace loadtest {
namespace {

// What the embedded broker serves.
constexpr int64_t kMostLocalDrivers = 16;

absl::StatusOr<int> LocalDrivers(const RunCommand& command, const Context& context) {
  if (context.line.server_given) {
    return absl::InvalidArgumentError(
        "--local and --server: got both, want --local (starts an orchestrator of its own) or "
        "--server (uses a running one)");
  }
  const absl::StatusOr<int64_t> drivers = ParseCount(*command.local);
  if (!drivers.ok() || *drivers < 1 || *drivers > kMostLocalDrivers) {
    return absl::InvalidArgumentError(absl::StrFormat("--local: got \"%s\", want 1 to %d drivers",
                                                      *command.local, kMostLocalDrivers));
  }
  return static_cast<int>(*drivers);
}

int RunOn(Connection& connection, const Plan& plan, Context& context) {
  Explain(plan, DriversOf(plan, connection), context);
  if (plan.request.validate_only()) return Validate(plan, connection, context);
  StopOnInterrupt stop_on_interrupt(connection, context.interrupts);
  const absl::StatusOr<v1::LoadTest> test = connection.CreateLoadTest(plan.request);
  if (!test.ok()) return Fail(context, test.status());
  stop_on_interrupt.SetTest(test->name());
  if (!context.line.quiet) context.terminal.err << test->name() << std::endl;
  const int exit_code =
      WatchToEnd(test->name(), LiveView::CtrlC::kStopsTheTest, connection, context);
  return context.interrupts.received() != 0 ? context.interrupts.exit_code() : exit_code;
}

int RunLocally(const RunCommand& command, Plan plan, Context& context) {
  const absl::StatusOr<int> drivers = LocalDrivers(command, context);
  if (!drivers.ok()) return Fail(context, drivers.status());
  if (plan.complete.drivers() > *drivers) {
    return Fail(context, absl::InvalidArgumentError(
                             absl::StrFormat("--drivers: got %d, want at most the %d of --local",
                                             plan.complete.drivers(), *drivers)));
  }
  if (plan.complete.drivers() == 0) {
    plan.complete.set_drivers(*drivers);
    plan.request.mutable_spec()->set_drivers(*drivers);
  }
  const auto cluster = LocalCluster::Start(
      {.orchestrator = context.program_folder + "/orchestrator", .drivers = *drivers});
  if (!cluster.ok()) return Fail(context, cluster.status());
  // Interrupted twice, or before there is a test to stop.
  const Interrupts::CleanUp clean_up(context.interrupts, [&cluster] { (*cluster)->Stop(); });

  context.tests_are_kept = false;
  int exit_code = 0;
  const absl::Status ready = (*cluster)->AwaitReady();
  if (!ready.ok()) {
    exit_code = Fail(context, ready);
  } else if (const auto connection = Connection::Open((*cluster)->grpc_address());
             !connection.ok()) {
    exit_code = Fail(context, connection.status());
  } else {
    exit_code = RunOn(**connection, plan, context);
  }
  return exit_code;
}

}  // namespace

int RunTest(const RunCommand& command, Context& context) {
  absl::StatusOr<Plan> plan = MakePlan(command.create, context);
  if (!plan.ok()) return Fail(context, plan.status());
  if (command.local) return RunLocally(command, *std::move(plan), context);
  const auto connection = Connect(context);
  if (!connection.ok()) return Fail(context, connection.status());
  return RunOn(**connection, *plan, context);
}

int CreateTest(const CreateCommand& command, Context& context) {
  const absl::StatusOr<Plan> plan = MakePlan(command, context);
  if (!plan.ok()) return Fail(context, plan.status());
  const auto connection = Connect(context);
  if (!connection.ok()) return Fail(context, connection.status());
  Explain(*plan, DriversOf(*plan, **connection), context);
  if (command.validate_only) return Validate(*plan, **connection, context);
  const absl::StatusOr<v1::LoadTest> test = (*connection)->CreateLoadTest(plan->request);
  if (!test.ok()) return Fail(context, test.status());
  context.out << (context.json() ? ProtoToJson(*test, 2) : test->name()) << std::endl;
  return kExitOk;
}

int WatchTest(const WatchCommand& command, Context& context) {
  const absl::StatusOr<std::string> name = TestName(command.name);
  if (!name.ok()) return Fail(context, name.status());
  const auto connection = Connect(context);
  if (!connection.ok()) return Fail(context, connection.status());
  return WatchToEnd(*name, LiveView::CtrlC::kEndsTheWatching, **connection, context);
}

}  // namespace loadtest
