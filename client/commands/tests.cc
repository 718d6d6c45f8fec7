// `ls`, `get`, `stop`, `rm`, `report`, `check`, `note` and `drivers`.
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/commands/watching.h"
#include "client/exit_codes.h"
#include "client/flags/flag_values.h"
#include "client/view/tables.h"
#include "client/view/thresholds_view.h"
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

absl::StatusOr<v1::ListLoadTestsRequest> ListRequest(const ListCommand& command) {
  v1::ListLoadTestsRequest request;
  for (const std::string& label : command.labels) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(
          absl::StrFormat("--label: got \"%s\", want KEY=VALUE", label));
    }
    (*request.mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  for (const std::string& text : command.states) {
    v1::LoadTest::State state;
    if (!v1::LoadTest::State_Parse(absl::AsciiStrToUpper(text), &state) ||
        state == v1::LoadTest::STATE_UNSPECIFIED) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "--state: got \"%s\", want pending, starting, running, stopping, succeeded, stopped or "
          "failed",
          text));
    }
    request.add_states(state);
  }
  return request;
}

// What came of the tests that have ended. A watch of such a test is one small message, while its
// report has all its intervals.
TestResults ResultsOf(const v1::ListLoadTestsResponse& tests, Connection& connection) {
  TestResults results;
  for (const v1::LoadTest& test : tests.load_tests()) {
    if (!test.has_end_time()) continue;
    // One that was deleted meanwhile has none.
    connection
        .Watch(test.name(),
               [&](const v1::LoadTestUpdate& update) { results[test.name()] = update; })
        .IgnoreError();
  }
  return results;
}

// What the slice flags ask for.
absl::StatusOr<v1::GetReportRequest> SliceRequestOf(const std::string& name,
                                                    const SliceFlags& flags) {
  v1::GetReportRequest request;
  request.set_name(name);
  if (flags.from) {
    ASSIGN_OR_RETURN(*request.mutable_from(), DurationFlag("--from", *flags.from));
  }
  if (flags.to) {
    ASSIGN_OR_RETURN(*request.mutable_to(), DurationFlag("--to", *flags.to));
  }
  for (const std::string& id : flags.exclude) request.add_exclude_drivers(id);
  ASSIGN_OR_RETURN(*request.mutable_thresholds(), ThresholdsFlag("--slo", flags.thresholds));
  return request;
}

// An error of the orchestrator, with the flag in place of the field.
absl::Status InTermsOfSliceFlags(const absl::Status& error) {
  std::string message(error.message());
  for (const auto& [field, flag] :
       {std::pair<std::string_view, std::string_view>{"from, to:", "--from, --to:"},
        {"from:", "--from:"},
        {"to:", "--to:"},
        {"exclude_drivers:", "--exclude:"},
        {"thresholds[", "--slo ["}}) {
    if (message.compare(0, field.size(), field) != 0) continue;
    message.replace(0, field.size(), flag);
    break;
  }
  return absl::Status(error.code(), message);
}

absl::StatusOr<v1::Report> FetchReport(const std::string& text, const SliceFlags& flags,
                                       Context& context) {
  ASSIGN_OR_RETURN(const std::string name, TestName(text));
  ASSIGN_OR_RETURN(const v1::GetReportRequest request, SliceRequestOf(name, flags));
  ASSIGN_OR_RETURN(const auto connection, Connect(context));
  absl::StatusOr<v1::Report> report = connection->GetReport(request);
  if (!report.ok()) return InTermsOfSliceFlags(report.status());
  return report;
}

}  // namespace

int ListTests(const ListCommand& command, Context& context) {
  const absl::StatusOr<int64_t> limit = ParseCount(command.limit);
  if (!limit.ok() || *limit < 1 || *limit > kLargestLimit) {
    return Fail(context, absl::InvalidArgumentError(
                             absl::StrFormat("--limit: got \"%s\", want 1 to %s", command.limit,
                                             FormatCount(kLargestLimit))));
  }
  absl::StatusOr<v1::ListLoadTestsRequest> request = ListRequest(command);
  if (!request.ok()) return Fail(context, request.status());
  const auto connection = Connect(context);
  if (!connection.ok()) return Fail(context, connection.status());
  request->set_page_size(static_cast<int32_t>(*limit));
  const absl::StatusOr<v1::ListLoadTestsResponse> tests = (*connection)->ListLoadTests(*request);
  if (!tests.ok()) return Fail(context, tests.status());
  if (context.json()) {
    context.out << ProtoToJson(*tests, 2, /*defaults=*/true) << std::endl;
    return kExitOk;
  }
  TestResults results;
  if (!command.brief) results = ResultsOf(*tests, **connection);
  context.out << TestsTable(*tests, results) << std::flush;
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
  if (command.all != command.names.empty()) {
    return Fail(context, absl::InvalidArgumentError("stop: want names of tests, or --all"));
  }
  if (command.all) return StopAllTests(command, context);
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
  const absl::StatusOr<v1::Report> report = FetchReport(command.name, command.slice, context);
  if (!report.ok()) return Fail(context, report.status());
  return PrintReport(*report, context);
}

int CheckTest(const CheckCommand& command, Context& context) {
  const absl::StatusOr<v1::Report> report = FetchReport(command.name, command.slice, context);
  if (!report.ok()) return Fail(context, report.status());
  if (report->thresholds().empty()) {
    return Fail(context, absl::InvalidArgumentError(absl::StrFormat(
                             "%s was run without thresholds; want --slo, such as --slo 'p99<50ms'",
                             report->load_test().name())));
  }
  const bool is_file = !context.line.output_file.empty();
  const std::string table =
      is_file ? ThresholdsView(*report, /*colors=*/false)
              : ThresholdsView(*report, context.terminal.out_colors, context.terminal.out_width);
  return PrintReportAs(*report, table, ExitCodeOfNumbers, context);
}

int WriteNote(const NoteCommand& command, Context& context) {
  return ForEach({command.name}, context, [&](Connection& connection, const std::string& name) {
    const absl::StatusOr<v1::LoadTest> test = connection.WriteNote(name, command.text);
    RETURN_IF_ERROR(test.status());
    if (context.json()) {
      context.out << ProtoToJson(*test, 2, /*defaults=*/true) << std::endl;
    } else if (!context.line.quiet) {
      context.terminal.err << name << (command.text.empty() ? " has no note\n" : " is noted\n");
    }
    return absl::OkStatus();
  });
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
