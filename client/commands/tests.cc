// `ls`, `get`, `stop`, `rm`, `report` and `drivers`.
#include <functional>
#include <string>

#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/commands/watching.h"
#include "client/view/tables.h"
#include "common/base/status_macros.h"
#include "common/base/time.h"
#include "common/base/units.h"
#include "common/json/proto_json.h"

namespace loadtest {
namespace {

constexpr int64_t kLargestLimit = 1'000;

// Does the same with several tests and goes on after a failure; the exit code is that of the first
// one.
int ForEach(const std::vector<std::string>& names, Context& context,
            const std::function<absl::Status(Connection&, const std::string& name)>& action) {
  std::vector<std::string> full_names;
  for (const std::string& text : names) {
    const absl::StatusOr<std::string> name = TestName(text);
    if (!name.ok()) return Fail(context, name.status());
    full_names.push_back(*name);
  }
  const auto connection = Connect(context);
  if (!connection.ok()) return Fail(context, connection.status());
  int exit_code = kExitOk;
  for (const std::string& name : full_names) {
    const absl::Status done = action(**connection, name);
    if (done.ok()) continue;
    const int code = Fail(context, done);
    if (exit_code == kExitOk) exit_code = code;
  }
  return exit_code;
}

}  // namespace

int ListTests(const ListCommand& command, Context& context) {
  const absl::StatusOr<int64_t> limit = ParseCount(command.limit);
  if (!limit.ok() || *limit < 1 || *limit > kLargestLimit) {
    return Fail(context, absl::InvalidArgumentError(
                             absl::StrFormat("--limit: got \"%s\", want 1 to %s", command.limit,
                                             FormatCount(kLargestLimit))));
  }
  const auto connection = Connect(context);
  if (!connection.ok()) return Fail(context, connection.status());
  v1::ListLoadTestsRequest request;
  request.set_page_size(static_cast<int32_t>(*limit));
  const absl::StatusOr<v1::ListLoadTestsResponse> tests = (*connection)->ListLoadTests(request);
  if (!tests.ok()) return Fail(context, tests.status());
  if (context.json()) {
    context.out << ProtoToJson(*tests, 2, /*defaults=*/true) << std::endl;
    return kExitOk;
  }
  context.out << TestsTable(*tests) << std::flush;
  if (!tests->next_page_token().empty() && !context.line.quiet) {
    context.terminal.err << "there are more; --limit shows them\n";
  }
  return kExitOk;
}

int GetTest(const GetCommand& command, Context& context) {
  return ForEach({command.name}, context, [&](Connection& connection, const std::string& name) {
    const absl::StatusOr<v1::LoadTest> test = connection.GetLoadTest(name);
    RETURN_IF_ERROR(test.status());
    context.out << (context.json() ? ProtoToJson(*test, 2, /*defaults=*/true) + "\n"
                                   : TestDetails(*test))
                << std::flush;
    return absl::OkStatus();
  });
}

int StopTests(const StopCommand& command, Context& context) {
  const std::string reason = command.reason.empty() ? "stopped by loadctl" : command.reason;
  return ForEach(command.names, context, [&](Connection& connection, const std::string& name) {
    const absl::StatusOr<v1::LoadTest> test = connection.StopLoadTest(name, reason);
    RETURN_IF_ERROR(test.status());
    context.out << (context.json() ? ProtoToJson(*test, 2, /*defaults=*/true)
                                   : test->name() + "  " + v1::LoadTest::State_Name(test->state()))
                << std::endl;
    return absl::OkStatus();
  });
}

int RemoveTests(const RemoveCommand& command, Context& context) {
  if (command.names.empty() == command.older_than.empty()) {
    return Fail(context,
                absl::InvalidArgumentError("rm: want names of tests, or --older-than DURATION"));
  }
  if (!command.older_than.empty()) return RemoveOlderTests(command, context);
  return ForEach(command.names, context, [&](Connection& connection, const std::string& name) {
    RETURN_IF_ERROR(connection.DeleteLoadTest(name));
    if (!context.line.quiet) context.terminal.err << name << " is deleted\n";
    return absl::OkStatus();
  });
}

int PrintReportOf(const ReportCommand& command, Context& context) {
  const absl::StatusOr<std::string> name = TestName(command.name);
  if (!name.ok()) return Fail(context, name.status());
  const auto connection = Connect(context);
  if (!connection.ok()) return Fail(context, connection.status());
  const absl::StatusOr<v1::Report> report = (*connection)->GetReport(*name);
  if (!report.ok()) return Fail(context, report.status());
  return PrintReport(*report, context);
}

int ListDrivers(const DriversCommand&, Context& context) {
  const auto connection = Connect(context);
  if (!connection.ok()) return Fail(context, connection.status());
  const absl::StatusOr<v1::ListDriversResponse> drivers = (*connection)->ListDrivers();
  if (!drivers.ok()) return Fail(context, drivers.status());
  context.out << (context.json() ? ProtoToJson(*drivers, 2, /*defaults=*/true) + "\n"
                                 : DriversTable(*drivers, SystemClock().WallNow()))
              << std::flush;
  return kExitOk;
}

}  // namespace loadtest
