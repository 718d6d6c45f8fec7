#include "client/report/html_diff.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "client/report/chart_data.h"
#include "client/report/html_page.h"
#include "client/view/thresholds_view.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

std::string RunLine(std::string_view letter, const v1::Report& report) {
  const v1::LoadTest& test = report.load_test();
  std::string text = absl::StrFormat("%s: %s", letter, test.name());
  if (!test.spec().title().empty()) text += ", " + test.spec().title();
  if (!test.note().empty()) text += " (" + test.note() + ")";
  if (const std::string slice = SliceInWords(report); !slice.empty()) text += ", " + slice;
  return Element("p", text);
}

std::string Range(const Change& change, const Estimate& estimate) {
  return absl::StrFormat("%s (%s to %s)", FormatMeasured(change, estimate.value),
                         FormatMeasured(change, estimate.low),
                         FormatMeasured(change, estimate.high));
}

std::string CssOf(Change::Direction direction) {
  return direction == Change::Direction::kWorse    ? "bad"
         : direction == Change::Direction::kBetter ? "good"
                                                   : "";
}

std::string Badge(const Diff& diff) {
  if (diff.failed()) return Element("span", "REGRESSION", "badge bad");
  for (const Change& change : diff.changes) {
    if (change.direction != Change::Direction::kNone)
      return Element("span", "changed", "badge warn");
  }
  return Element("span", "nothing changed beyond noise", "badge good");
}

std::string ChangesTable(const Diff& diff, bool typical) {
  HtmlTable table({"", "A (99 % interval)", "B (99 % interval)", "change", "99 % interval", ""}, 1);
  for (const Change* shown : ShownChanges(diff, typical)) {
    const Change& change = *shown;
    table.Add({change.name.substr(typical ? kTypical.size() : 0), Range(change, change.before),
               Range(change, change.after), FormatChange(change, change.difference.value),
               absl::StrFormat("%s to %s", FormatChange(change, change.difference.low),
                               FormatChange(change, change.difference.high)),
               DirectionName(change.direction)},
              CssOf(change.direction));
  }
  return table.Take();
}

}  // namespace

std::string HtmlDiff(const Diff& diff) {
  const v1::LoadTest& test = diff.after.load_test();
  std::string body =
      "<header>\n" + Element("h1", diff.before.load_test().name() + " and " + test.name());
  body += RunLine("A", diff.before) + RunLine("B", diff.after);
  body += Element(
      "p", DescribeSpec(test.spec(), std::max(test.spec().drivers(), test.assignments_size())),
      "soft");
  body += "<div class=\"badges\">" + Badge(diff) + "</div>\n</header>\n<main>\n";
  for (const std::string& warning : diff.warnings) {
    body += "<div class=\"note warn\">" + Element("p", "Compared by force") +
            Element("p", warning) + "</div>\n";
  }
  body += Element("h2", "Changes") + ChangesTable(diff, /*typical=*/false);
  if (std::any_of(diff.changes.begin(), diff.changes.end(),
                  [](const Change& change) { return change.is_typical(); })) {
    body += Element("h2", "Changes in a typical interval") + ChangesTable(diff, /*typical=*/true);
  }
  if (!diff.limits.empty()) {
    body += Element("h2", "Limits");
    HtmlTable limits({"limit", "", "got"});
    for (const LimitResult& result : diff.limits) {
      limits.Add(
          {result.limit.expression, result.failed ? "FAILED" : "passed", LimitOutcome(result)},
          result.failed ? "bad" : "good");
    }
    body += limits.Take();
  }
  body += "<div class=\"charts\">\n";
  body += ChartPlace("rate", "Rate", "");
  body += ChartPlace("latency", "Response time", "Of each interval.");
  body += ChartPlace("distribution", "Distribution of response times",
                     "Each factor of ten to the right leaves a tenth of the requests.");
  body += "</div>\n";
  if (!diff.differences.empty()) {
    body += Element("h2", "What else is different");
    HtmlTable differences({"", "A", "B"});
    for (const Difference& d : diff.differences) differences.Add({d.what, d.before, d.after});
    body += differences.Take();
  }
  body +=
      "</main>\n<footer>" +
      Element("p",
              "Percentiles are those of all requests, from merged histograms. Their 99 % intervals "
              "are the wider of two: by the number of requests, and by how the intervals of a test "
              "differ. A typical interval is compared by ranks, so that a few bad ones do not "
              "count. A change counts when its 99 % interval does not contain 0.") +
      "</footer>\n";
  const nlohmann::json data = {{"runs", {ChartData(diff.before, "A"), ChartData(diff.after, "B")}}};
  return HtmlPage("A and B: " + diff.before.load_test().name() + ", " + test.name(), body, data);
}

}  // namespace loadtest
