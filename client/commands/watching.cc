#include "client/commands/watching.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/exit_codes.h"
#include "client/report/csv_report.h"
#include "client/report/html_report.h"
#include "client/report/junit_report.h"
#include "client/view/report_view.h"
#include "common/json/proto_json.h"

namespace loadtest {
namespace {

std::string FailedThresholds(const v1::Report& report) {
  std::vector<std::string> failed;
  for (const v1::ThresholdResult& threshold : report.thresholds()) {
    if (threshold.passed()) continue;
    failed.push_back(threshold.expression() + ": " +
                     (threshold.actual().empty() ? "nothing was measured" : threshold.actual()));
  }
  return absl::StrFormat("%s failed: %s", failed.size() == 1 ? "a threshold" : "thresholds",
                         absl::StrJoin(failed, "; "));
}

std::string WhyNotGood(const v1::Report& report, ExitCode code) {
  const v1::LoadTest& test = report.load_test();
  switch (code) {
    case kExitNoRequestSucceeded:
      return "no request succeeded";
    case kExitInvalidVerdict:
      return "the verdict is INVALID";
    case kExitThreshold:
      return FailedThresholds(report);
    default: {
      const std::string state = v1::LoadTest::State_Name(test.state());
      return test.state_reason().empty() ? state : state + ": " + test.state_reason();
    }
  }
}

// The reason for an exit code other than 0; returns the code.
int SayOutcome(const v1::Report& report, int exit_code, Context& context) {
  if (exit_code == kExitOk) return exit_code;
  const std::string why = WhyNotGood(report, static_cast<ExitCode>(exit_code));
  // An interrupted loadctl says so with its exit code, whatever came of the test.
  if (context.interrupts.received() != 0) exit_code = context.interrupts.exit_code();
  context.terminal.err << absl::StrFormat("loadctl: %s: %s (exit code %d)\n",
                                          report.load_test().name(), why, exit_code);
  return exit_code;
}

std::string ReportAs(CommandLine::Format format, const v1::Report& report, Judge judge) {
  switch (format) {
    case CommandLine::Format::kTable:
      break;
    case CommandLine::Format::kJson:
      return ProtoToJson(report, /*indent=*/2, /*defaults=*/true) + "\n";
    case CommandLine::Format::kCsv:
      return CsvReport(report);
    case CommandLine::Format::kJunit:
      return JunitReport(report, judge);
    case CommandLine::Format::kHtml:
      return HtmlReport(report);
  }
  return "";
}

}  // namespace

StopOnInterrupt::StopOnInterrupt(Connection& connection, Interrupts& interrupts)
    : connection_(connection), interrupts_(interrupts) {
  interrupts_.OnFirst([this](int) {
    std::lock_guard lock(mutex_);
    wanted_ = true;
    if (!name_.empty()) Stop();
  });
}

StopOnInterrupt::~StopOnInterrupt() { interrupts_.OnFirst(nullptr); }

void StopOnInterrupt::SetTest(const std::string& name) {
  std::lock_guard lock(mutex_);
  name_ = name;
  if (wanted_) Stop();
}

void StopOnInterrupt::Stop() {
  // If it fails, the test has ended or the orchestrator is away: the one who watches sees that as
  // well.
  connection_.StopLoadTest(name_, "interrupted by loadctl").IgnoreError();
}

int WatchToEnd(const std::string& name, LiveView::CtrlC ctrl_c, Connection& connection,
               Context& context) {
  LiveView view(context.terminal, context.interrupts, context.line.quiet, ctrl_c);
  const absl::Status watched =
      connection.Watch(name, [&view](const v1::LoadTestUpdate& update) { view.Update(update); });
  view.Finish();
  if (!watched.ok()) {
    const std::string message(watched.message());
    return Fail(context,
                absl::Status(watched.code(), absl::StrFormat("watching %s: %s", name, message)));
  }
  const absl::StatusOr<v1::Report> report = connection.GetReport(name);
  if (!report.ok()) return Fail(context, report.status());
  return PrintReport(*report, context);
}

int PrintReport(const v1::Report& report, Context& context) {
  const bool is_file = !context.line.output_file.empty();
  ReportViewOptions options;
  if (!is_file) options.width = context.terminal.out_width;
  options.unicode = context.terminal.out_unicode && !is_file;
  options.colors = context.terminal.out_colors && !is_file;
  options.kept = context.tests_are_kept;
  return PrintReportAs(report, ReportView(report, options), ExitCodeOf, context);
}

int PrintReportAs(const v1::Report& report, const std::string& table, Judge judge,
                  Context& context) {
  const auto as = [&](CommandLine::Format format) {
    return format == CommandLine::Format::kTable ? table : ReportAs(format, report, judge);
  };
  context.out << as(context.line.format) << std::flush;
  for (const ExtraOutputFile& extra : context.extras) {
    *extra.file << as(extra.format) << std::flush;
  }
  return SayOutcome(report, judge(report), context);
}

}  // namespace loadtest
