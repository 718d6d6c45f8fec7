#include "client/report/junit_report.h"

#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/report/markup.h"
#include "client/view/report_view.h"
#include "client/view/thresholds_view.h"

namespace loadtest {
namespace {

struct Case {
  std::string name;
  // "failure", "error" or, when all is well, empty.
  std::string problem;
  std::string type;
  std::string message;
};

Case VerdictCase(const v1::Report& report, Judge judge) {
  Case out{.name = "verdict", .problem = "", .type = "", .message = ""};
  const v1::LoadTest& test = report.load_test();
  v1::Report without_thresholds = report;
  without_thresholds.clear_thresholds();
  switch (judge(without_thresholds)) {
    case kExitOk:
      return out;
    case kExitNoRequestSucceeded:
      out.problem = "failure";
      out.type = "requests";
      out.message = "no request succeeded";
      return out;
    case kExitInvalidVerdict: {
      std::vector<std::string> reasons;
      for (const v1::VerdictReason& reason : report.verdict().reasons()) {
        reasons.push_back((reason.driver_id().empty() ? "" : reason.driver_id() + ": ") +
                          reason.resource() + ": " + reason.message());
      }
      out.problem = "error";
      out.type = "verdict";
      out.message = "INVALID, the generator itself was the limit: " + absl::StrJoin(reasons, "; ");
      return out;
    }
    default:
      out.problem = "error";
      out.type = "state";
      out.message = v1::LoadTest::State_Name(test.state());
      if (!test.state_reason().empty()) out.message += ": " + test.state_reason();
      return out;
  }
}

std::vector<Case> CasesOf(const v1::Report& report, Judge judge) {
  std::vector<Case> cases;
  for (const v1::ThresholdResult& result : report.thresholds()) {
    Case& threshold = cases.emplace_back();
    threshold.name = result.expression();
    if (result.passed()) continue;
    threshold.problem = "failure";
    threshold.type = "threshold";
    threshold.message =
        absl::StrFormat("%s, want %s", ThresholdOutcome(result), result.expression());
  }
  cases.push_back(VerdictCase(report, judge));
  return cases;
}

int CountOf(const std::vector<Case>& cases, std::string_view problem) {
  int count = 0;
  for (const Case& c : cases) count += c.problem == problem;
  return count;
}

}  // namespace

std::string JunitReport(const v1::Report& report, Judge judge) {
  const v1::LoadTest& test = report.load_test();
  const std::vector<Case> cases = CasesOf(report, judge);
  const std::string suite = EscapeMarkup(
      test.spec().title().empty() ? test.name() : test.spec().title() + " (" + test.name() + ")");
  const std::string totals = absl::StrFormat(
      "tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"0\" time=\"%.3f\"", cases.size(),
      CountOf(cases, "failure"), CountOf(cases, "error"), report.sending_seconds());
  const std::string when = absl::FormatTime(
      "%Y-%m-%dT%H:%M:%S", absl::FromUnixSeconds(test.start_time().seconds()), absl::UTCTimeZone());
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += absl::StrFormat("<testsuites name=\"loadtest\" %s>\n", totals);
  out += absl::StrFormat("  <testsuite name=\"%s\" %s timestamp=\"%s\">\n", suite, totals, when);
  out += absl::StrFormat(
      "    <properties>\n      <property name=\"url\" value=\"%s\"/>\n"
      "      <property name=\"verdict\" value=\"%s\"/>\n    </properties>\n",
      EscapeMarkup(test.spec().request().url()), v1::Verdict::Level_Name(report.verdict().level()));
  for (const Case& c : cases) {
    out +=
        absl::StrFormat("    <testcase classname=\"%s\" name=\"%s\" time=\"%.3f\"",
                        EscapeMarkup(test.name()), EscapeMarkup(c.name), report.sending_seconds());
    if (c.problem.empty()) {
      out += "/>\n";
      continue;
    }
    const std::string message = EscapeMarkup(c.message);
    out += absl::StrFormat(">\n      <%s type=\"%s\" message=\"%s\">%s</%s>\n    </testcase>\n",
                           c.problem, c.type, message, message, c.problem);
  }
  out += absl::StrFormat("    <system-out>%s</system-out>\n  </testsuite>\n</testsuites>\n",
                         EscapeMarkup(ReportView(report, {.width = 100, .colors = false})));
  return out;
}

}  // namespace loadtest
