#include "client/report/html_report.h"

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/report/chart_data.h"
#include "client/report/html_page.h"
#include "client/view/error_hints.h"
#include "client/view/labels.h"
#include "client/view/latency_view.h"
#include "client/view/layout.h"
#include "client/view/thresholds_view.h"
#include "client/view/verdict_hints.h"
#include "common/base/units.h"
#include "common/json/proto_json.h"
#include "common/measure/histogram.h"
#include "common/measure/measurements.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr int kMostEvents = 200;

std::string Utc(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

int64_t ErrorsOf(const v1::RequestCounts& counts) {
  return counts.failed() + counts.dropped() + counts.http_errors();
}

std::string Badges(const v1::Report& report) {
  const v1::LoadTest& test = report.load_test();
  std::string out = "<div class=\"badges\">";
  const bool good = test.state() == v1::LoadTest::SUCCEEDED;
  const bool bad = test.state() == v1::LoadTest::FAILED;
  out += Element("span", v1::LoadTest::State_Name(test.state()),
                 good  ? "badge good"
                 : bad ? "badge bad"
                       : "badge warn");
  const v1::Verdict::Level level = report.verdict().level();
  out += Element("span", "verdict " + v1::Verdict::Level_Name(level),
                 level == v1::Verdict::VALID     ? "badge good"
                 : level == v1::Verdict::INVALID ? "badge bad"
                                                 : "badge warn");
  if (!report.thresholds().empty()) {
    const auto failed = std::count_if(report.thresholds().begin(), report.thresholds().end(),
                                      [](const auto& t) { return !t.passed(); });
    out += failed == 0 ? Element("span", Plural(report.thresholds_size(), "threshold") + " passed",
                                 "badge good")
                       : Element("span",
                                 absl::StrFormat("%d of %s failed", failed,
                                                 Plural(report.thresholds_size(), "threshold")),
                                 "badge bad");
  }
  return out + "</div>\n";
}

std::string Head(const v1::Report& report) {
  const v1::LoadTest& test = report.load_test();
  const v1::LoadTestSpec& spec = test.spec();
  std::string out = "<header>\n";
  out += Element("h1", spec.title().empty() ? test.name() : spec.title()) + "\n";
  out += Element("p", DescribeSpec(spec, std::max(spec.drivers(), test.assignments_size())));
  out += Element("p", spec.request().method() + " " + spec.request().url());
  std::string when = test.name();
  if (test.has_start_time()) when += ", started " + Utc(test.start_time());
  if (test.has_end_time()) when += ", ended " + Utc(test.end_time());
  out += Element("p", when, "soft");
  if (!spec.description().empty()) out += Element("p", spec.description());
  out += Badges(report);
  if (!spec.labels().empty()) out += Element("p", "Labels: " + LabelsInShort(spec), "soft");
  if (const std::string slice = SliceInWords(report); !slice.empty()) {
    out += "<div class=\"note warn\">" + Element("p", "Not the whole test") +
           Element("p", slice + "; whole intervals only.") + "</div>\n";
  }
  if (!test.note().empty()) {
    out += "<div class=\"note\">" + Element("p", "Note") + Element("p", test.note()) + "</div>\n";
  }
  if (!test.state_reason().empty()) out += Element("p", test.state_reason());
  return out + "</header>\n";
}

std::string Card(std::string_view value, std::string_view name) {
  return "<li>" + Element("b", value) + Element("span", name) + "</li>";
}

std::string Cards(const v1::Report& report) {
  const v1::RequestCounts& counts = report.totals().counts();
  const int64_t ended = counts.completed() + counts.failed() + counts.dropped();
  std::string out = "<ul class=\"cards\">";
  out += Card(FormatPerSecond(report.completed_per_second()), "answered per second");
  out += Card(FormatCount(counts.completed()), "requests answered");
  out += Card(absl::StrFormat(
                  "%s (%s)", FormatCount(ErrorsOf(counts)),
                  FormatShare(static_cast<double>(ErrorsOf(counts)), static_cast<double>(ended))),
              "errors");
  if (const v1::LatencySummary& response = report.response_time(); response.count() > 0) {
    out += Card(FormatLatency(response.p50_ns()), "response time p50");
    out += Card(FormatLatency(response.p99_ns()), "response time p99");
    out += Card(FormatLatency(response.max_ns()), "response time max");
  }
  if (IsOpenLoop(report.load_test().spec()) && report.send_delay().count() > 0)
    out += Card(FormatLatency(report.send_delay().p99_ns()), "send delay p99");
  return out + "</ul>\n";
}

std::string VerdictNote(const v1::Report& report) {
  const v1::Verdict& verdict = report.verdict();
  std::string_view css;
  std::string_view words;
  switch (verdict.level()) {
    case v1::Verdict::VALID:
      css = "note good";
      words = "Verdict VALID: the generator kept its schedule";
      break;
    case v1::Verdict::DEGRADED:
      css = "note warn";
      words = "Verdict DEGRADED: drivers or intervals are missing; what is there is true";
      break;
    case v1::Verdict::INVALID:
      css = "note bad";
      words = "Verdict INVALID: the generator itself was the limit; do not trust these numbers";
      break;
    default:
      return "";
  }
  std::string out = absl::StrFormat("<div class=\"%s\">", css) + Element("p", words);
  for (const v1::VerdictReason& reason : verdict.reasons()) {
    const std::string who = reason.driver_id().empty() ? "" : reason.driver_id() + ": ";
    out += Element("p", who + reason.resource() + ": " + reason.message());
  }
  for (const std::string& advice : WhatToDo(verdict)) out += Element("p", "To do: " + advice);
  return out + "</div>\n";
}

std::string Thresholds(const v1::Report& report) {
  if (report.thresholds().empty()) return "";
  HtmlTable table({"threshold", "", "measured"});
  for (const v1::ThresholdResult& result : report.thresholds()) {
    table.Add(
        {result.expression(), result.passed() ? "passed" : "FAILED", ThresholdOutcome(result)},
        result.passed() ? "good" : "bad");
  }
  return Element("h2", "Thresholds") + table.Take();
}

std::string Charts(const v1::Report& report) {
  std::string out = "<div class=\"charts\">\n";
  const int merged = (report.intervals_size() + kMostPoints - 1) / kMostPoints;
  const std::string thinned =
      merged > 1 ? absl::StrFormat(
                       " Each point stands for %d intervals: their mean rate, their highest "
                       "percentiles.",
                       merged)
                 : "";
  out += ChartPlace("rate", "Rate", "Of all drivers, warm-up included." + thinned);
  out += ChartPlace("latency", "Response time",
                    "Percentiles of each interval, by when the answer came." + thinned);
  out += ChartPlace("distribution", "Distribution of latencies",
                    "Each factor of ten to the right leaves a tenth of the requests. Response time "
                    "counts from when a request was due, service time from when it was sent; the "
                    "send delay between them is the load generator's own.");
  if (ErrorsOf(report.totals().counts()) > 0)
    out += ChartPlace("errors", "Errors by kind", "In each interval, on top of each other.");
  return out + "</div>\n";
}

std::vector<std::string> LatencyRow(std::string name, const v1::LatencySummary& latency) {
  std::vector<std::string> row = {std::move(name), FormatCount(latency.count())};
  for (const int64_t ns :
       {latency.min_ns(), latency.mean_ns(), latency.p50_ns(), latency.p90_ns(), latency.p95_ns(),
        latency.p99_ns(), latency.p999_ns(), latency.p9999_ns(), latency.max_ns()})
    row.push_back(FormatLatency(ns));
  return row;
}

std::string Latencies(const v1::Report& report) {
  HtmlTable table(
      {"latency", "count", "min", "mean", "p50", "p90", "p95", "p99", "p99.9", "p99.99", "max"}, 1);
  const v1::PhaseSummaries& phases = report.phases();
  for (const auto& [name, latency] : {std::pair{"response time", &report.response_time()},
                                      {"service time", &report.service_time()},
                                      {"send delay", &report.send_delay()},
                                      {"first byte", &phases.first_byte()},
                                      {"connect", &phases.connect()},
                                      {"TLS handshake", &phases.tls()},
                                      {"name look-up", &phases.resolve()}}) {
    if (latency->count() > 0) table.Add(LatencyRow(name, *latency));
  }
  std::string out = Element("h2", "Latencies") + table.Take();
  if (const std::string why = WhyTheyDiffer(report); !why.empty()) out += Element("p", why, "soft");
  return out;
}

std::string Requests(const v1::Report& report) {
  const v1::Measurements& totals = report.totals();
  const v1::RequestCounts& counts = totals.counts();
  HtmlTable table({"requests", "", "of those due"}, 1);
  const auto add = [&](const char* name, int64_t count) {
    table.Add({name, FormatCount(count),
               FormatShare(static_cast<double>(count), static_cast<double>(counts.due()))});
  };
  add("due", counts.due());
  add("sent", counts.sent());
  add("answered", counts.completed());
  const std::map<int32_t, int64_t> codes(totals.status_codes().begin(),
                                         totals.status_codes().end());
  for (const auto& [code, count] : codes)
    add(absl::StrFormat("answered with status %d", code).c_str(), count);
  add("failed: sent, but not answered whole", counts.failed());
  add("dropped: due, but never sent", counts.dropped());
  if (HasAny(totals.warmup()))
    add("sent in the warm-up, in no other number", totals.warmup().sent());
  std::string out = Element("h2", "Requests") + table.Take();
  out +=
      Element("p",
              absl::StrFormat(
                  "Sent %s, received %s; %s, %s could not be made.",
                  FormatBytes(totals.bytes_sent()), FormatBytes(totals.bytes_received()),
                  Plural(totals.connects(), "connection"), FormatCount(totals.connect_failures())),
              "soft");
  return out;
}

std::string Errors(const v1::Report& report) {
  if (report.totals().errors().empty()) return "";
  std::vector<const v1::ErrorCount*> errors;
  for (const v1::ErrorCount& error : report.totals().errors()) errors.push_back(&error);
  std::stable_sort(errors.begin(), errors.end(),
                   [](const auto* a, const auto* b) { return a->count() > b->count(); });
  HtmlTable table({"error", "count", "for example", "to do"});
  for (const v1::ErrorCount* error : errors) {
    table.Add({ErrorKindName(error->kind()), FormatCount(error->count()), error->example(),
               std::string(WhatToDoAbout(error->kind()))});
  }
  return Element("h2", "Errors") + table.Take();
}

std::string Drivers(const v1::Report& report) {
  HtmlTable table({"driver", "address", "sent", "answered", "errors", "p50", "p99",
                   "send delay p99", "cpu cores", "intervals missing", "state"},
                  2);
  const bool open_loop = IsOpenLoop(report.load_test().spec());
  const auto latency = [](const v1::LatencySummary& summary, int64_t ns) {
    return summary.count() == 0 ? "-" : FormatLatency(ns);
  };
  for (const v1::DriverResult& driver : report.drivers()) {
    table.Add(
        {driver.assignment().driver_id(), driver.ip_address(), FormatCount(driver.counts().sent()),
         FormatCount(driver.counts().completed()), FormatCount(ErrorsOf(driver.counts())),
         latency(driver.response_time(), driver.response_time().p50_ns()),
         latency(driver.response_time(), driver.response_time().p99_ns()),
         open_loop ? latency(driver.send_delay(), driver.send_delay().p99_ns()) : "-",
         absl::StrFormat("%.2f", driver.cpu_cores()), FormatCount(driver.intervals_missing()),
         driver.lost()       ? "LOST"
         : driver.finished() ? "finished"
                             : "running"},
        driver.lost() ? "bad" : "");
  }
  return Element("h2", "Drivers") + table.Take() +
         Element(
             "p",
             absl::StrFormat("First sends lie %s apart.", FormatLatency(report.start_skew_ns())),
             "soft");
}

std::string Events(const v1::Report& report) {
  if (report.events().empty()) return "";
  HtmlTable table({"after the start", "event", "what"});
  int number = 0;
  int shown = 0;
  for (const v1::Event& event : report.events()) {
    if (++shown > kMostEvents) break;
    const double at = OffsetSeconds(report, event);
    // The same events as in the charts, with the same numbers.
    const bool is_drawn = IsOnTimeAxis(report, event);
    const std::string name =
        is_drawn ? absl::StrFormat("%d  %s", ++number, event.type()) : event.type();
    table.Add({report.load_test().has_start_time() ? absl::StrFormat("%+.3f s", at) : "", name,
               event.message()});
  }
  return Element("h2", "Events") + table.Take() +
         Element("p", "Numbers are those of the dashed lines in the charts.", "soft");
}

std::string Details(const v1::Report& report) {
  const auto block = [](std::string_view heading, const google::protobuf::Message& message) {
    return "<details>" + Element("summary", heading) +
           Element("pre", ProtoToJson(message, /*indent=*/2)) + "</details>\n";
  };
  return block("Spec: with it the test can be run again", report.load_test().spec()) +
         block("Manifest: where and with what it ran", report.manifest());
}

}  // namespace

std::string HtmlReport(const v1::Report& report) {
  std::string body = Head(report) + "<main>\n" + Cards(report) + VerdictNote(report) +
                     Thresholds(report) + Charts(report) + Latencies(report) + Requests(report) +
                     Errors(report) + Drivers(report) + Events(report) + Details(report) +
                     "</main>\n";
  body +=
      "<footer>" +
      Element("p",
              "Percentiles are those of all requests of all drivers, merged from histograms "
              "whose buckets are at most 0.2 % wide; counts, means, smallest and largest values "
              "are exact.") +
      Element("p", absl::StrFormat(
                       "Report version %d, orchestrator %s, bus: %s.", report.report_version(),
                       report.manifest().orchestrator_version(), report.manifest().bus())) +
      "</footer>\n";
  const v1::LoadTest& test = report.load_test();
  const std::string title =
      test.spec().title().empty() ? test.name() : test.spec().title() + " - " + test.name();
  return HtmlPage(title, body, {{"runs", {ChartData(report, test.name())}}});
}

}  // namespace loadtest
