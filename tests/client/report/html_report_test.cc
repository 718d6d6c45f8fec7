#include "client/report/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/report/chart_data.h"
#include "client/report/html_diff.h"
#include "client/report/simulated_run.h"
#include "client/sample_messages.h"

namespace loadtest {
namespace {

using testing::HasSubstr;
using testing::Not;

// The page without the scripts and styles that are ours.
std::string Markup(const std::string& html) {
  std::string out;
  for (size_t from = 0;;) {
    const size_t script = std::min(html.find("<script", from), html.find("<style", from));
    out += html.substr(from, script - from);
    if (script == std::string::npos) return out;
    const bool is_script = html.compare(script, 7, "<script") == 0;
    from = html.find(is_script ? "</script>" : "</style>", script);
  }
}

nlohmann::json DataOf(const std::string& html) {
  const size_t tag = html.find("id=\"data\"");
  const size_t from = html.find('>', tag) + 1;
  return nlohmann::json::parse(html.substr(from, html.find("</script>", from) - from));
}

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(HtmlReport, HasEverySection) {
  v1::Report report = SampleReport();
  v1::ThresholdResult& threshold = *report.add_thresholds();
  threshold.set_expression("p99<5ms");
  threshold.set_actual("9.81ms");
  v1::Event& event = *report.add_events();
  event.mutable_time()->set_seconds(1'700'000'003);
  event.set_type("driver_lost");
  event.set_message("d3: no heartbeat");
  report.mutable_load_test()->mutable_start_time()->set_seconds(1'700'000'000);
  const std::string html = Markup(HtmlReport(report));
  for (const char* wanted :
       {"<h1>Ping under a steady wave</h1>", "GET http://127.0.0.1:8081/ping", "SUCCEEDED",
        "Verdict VALID", "1 of 1 threshold failed", "got 9.81ms", "<canvas id=\"rate\"",
        "<canvas id=\"latency\"", "<canvas id=\"distribution\"", "<canvas id=\"errors\"",
        "no response within 10s", "answered with status 503", "10.0.0.2", "driver_lost", "+3.000 s",
        "d3: no heartbeat", "&quot;requests_per_driver&quot;: 1000", "Manifest"}) {
    EXPECT_THAT(html, HasSubstr(wanted));
  }
}

TEST(HtmlReport, SaysWhatToDoAboutIt) {
  v1::Report report = SampleReport();
  (*report.mutable_load_test()->mutable_spec()->mutable_labels())["build"] = "17";
  report.mutable_verdict()->set_level(v1::Verdict::INVALID);
  report.mutable_verdict()->add_reasons()->set_resource("descriptors");
  const std::string html = Markup(HtmlReport(report));
  EXPECT_THAT(html, HasSubstr("Labels: build=17"));
  EXPECT_THAT(html, HasSubstr("To do: start the drivers with a higher limit: ulimit -n 65536"));
  EXPECT_THAT(html, HasSubstr("the server was slower than --timeout"));
  EXPECT_THAT(html, HasSubstr("response counts from when a request was due"));
}

TEST(HtmlReport, WhatWasNotMeasuredIsNoZero) {
  v1::Report report = SampleReport();
  EXPECT_THAT(HtmlReport(report), Not(HasSubstr("<td class=\"n\">-</td>")));
  report.mutable_drivers(0)->clear_response_time();
  report.mutable_drivers(0)->clear_send_delay();
  const std::string html = HtmlReport(report);
  EXPECT_EQ(CountOf(html, "<td class=\"n\">-</td>"), 3);
  EXPECT_THAT(html, Not(HasSubstr("<td class=\"n\">0ns</td>")));
}

TEST(HtmlReport, NeedsNothingFromElsewhere) {
  const std::string html = HtmlReport(SampleReport());
  EXPECT_THAT(html, HasSubstr("content=\"default-src 'none'; script-src 'nonce-"));
  EXPECT_THAT(html, Not(HasSubstr("src=\"")));
  EXPECT_THAT(html, Not(HasSubstr("<link")));
  EXPECT_THAT(html, Not(HasSubstr("@import")));
  EXPECT_THAT(html, HasSubstr("@media print"));
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
}

// Everything that a spec, a server or a driver can put into a report.
v1::Report Hostile() {
  const std::string evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
  v1::Report report = SampleReport();
  v1::LoadTest& test = *report.mutable_load_test();
  v1::LoadTestSpec& spec = *test.mutable_spec();
  spec.set_title(evil);
  spec.set_description(evil);
  spec.mutable_request()->set_url("http://h/?" + evil);
  spec.mutable_request()->set_method(evil);
  spec.mutable_request()->add_headers()->set_value(evil);
  spec.mutable_request()->set_body(evil);
  (*spec.mutable_labels())[evil] = evil;
  spec.add_thresholds(evil);
  test.set_note(evil);
  test.set_state_reason(evil);
  report.mutable_totals()->mutable_errors(0)->set_example(evil);
  v1::VerdictReason& reason = *report.mutable_verdict()->add_reasons();
  reason.set_driver_id(evil);
  reason.set_resource(evil);
  reason.set_message(evil);
  v1::ThresholdResult& threshold = *report.add_thresholds();
  threshold.set_expression(evil);
  threshold.set_actual(evil);
  v1::Event& event = *report.add_events();
  event.set_type(evil);
  event.set_message(evil);
  test.mutable_start_time()->set_seconds(1);
  event.mutable_time()->set_seconds(2);
  report.mutable_drivers(0)->mutable_assignment()->set_driver_id(evil);
  report.mutable_drivers(0)->set_ip_address(evil);
  v1::DriverManifest& driver = *report.mutable_manifest()->add_drivers();
  driver.set_cpu_model(evil);
  driver.set_tls(evil);
  report.mutable_manifest()->set_bus(evil);
  report.mutable_slice()->add_excluded_drivers(evil);
  return report;
}

TEST(HtmlReport, NothingFromSpecOrTargetBecomesMarkup) {
  const v1::Report report = Hostile();
  const std::string html = HtmlReport(report);
  // Ours: the data, the library, the charts.
  EXPECT_EQ(CountOf(html, "<script"), 3);
  EXPECT_EQ(CountOf(html, "</script>"), 3);
  EXPECT_THAT(Markup(html), Not(HasSubstr("<img")));
  EXPECT_THAT(Markup(html), Not(HasSubstr("alert(1)</script>")));
  // The text is all there.
  EXPECT_THAT(html, HasSubstr("&lt;img src=x onerror=alert(2)&gt;&quot;&#39;&amp;"));
  EXPECT_EQ(DataOf(html)["runs"][0]["events"][0]["message"], report.events(0).message());
}

TEST(HtmlDiff, NothingFromSpecOrTargetBecomesMarkup) {
  const v1::Report before = Hostile();
  v1::Report after = Hostile();
  after.mutable_load_test()->mutable_spec()->set_title("<b>other</b>");
  Diff diff{.before = before, .after = after};
  diff.differences = DifferencesOf(before, after);
  diff.changes = Compare(before, after);
  diff.warnings = {"<script>alert(3)</script>"};
  const std::string html = HtmlDiff(diff);
  EXPECT_EQ(CountOf(html, "<script"), 3);
  EXPECT_THAT(Markup(html), Not(HasSubstr("<img")));
  EXPECT_THAT(Markup(html), Not(HasSubstr("<b>other")));
}

TEST(HtmlDiff, LaysTwoRunsOverEachOther) {
  const v1::Report before = SimulateRun({.seed = 1});
  const v1::Report after = SimulateRun({.seed = 2, .slower_tail_ns = 3'000'000});
  Diff diff{.before = before, .after = after};
  diff.changes = Compare(before, after);
  diff.limits = *JudgeLimits({*ParseChangeLimit("p99>+10%")}, diff.changes);
  const std::string html = HtmlDiff(diff);
  EXPECT_THAT(html, HasSubstr("REGRESSION"));
  const nlohmann::json data = DataOf(html);
  ASSERT_EQ(data["runs"].size(), 2u);
  EXPECT_EQ(data["runs"][0]["name"], "A");
  EXPECT_EQ(data["runs"][1]["intervals"]["t"].size(), 30u);
}

TEST(HtmlDiff, ALimitThatIsKeptWithinNoiseSaysSo) {
  const v1::Report before = SimulateRun({.seed = 1});
  const v1::Report after = SimulateRun({.seed = 2});
  Diff diff{.before = before, .after = after};
  diff.changes = Compare(before, after);
  diff.limits = *JudgeLimits({*ParseChangeLimit("p99>+0%")}, diff.changes);
  EXPECT_THAT(HtmlDiff(diff), HasSubstr(", within noise</td>"));
  EXPECT_THAT(DiffView(diff, false), HasSubstr(", within noise\n"));
}

TEST(HtmlDiff, ShowsTheServiceTimesOfClosedLoopsOnce) {
  v1::Report before = SimulateRun({.seed = 1});
  v1::Report after = SimulateRun({.seed = 2});
  Diff diff{.before = before, .after = after};
  diff.changes = Compare(before, after);
  EXPECT_THAT(DiffView(diff, false), HasSubstr("service.p99"));
  before.mutable_load_test()->mutable_spec()->mutable_avalanche();
  after.mutable_load_test()->mutable_spec()->mutable_avalanche();
  for (const std::string& text : {DiffView(diff, false), HtmlDiff(diff)}) {
    EXPECT_THAT(text, Not(HasSubstr("service.p99")));
    EXPECT_THAT(text, HasSubstr("p99.9"));
  }
  EXPECT_THAT(DiffJson(diff), HasSubstr("service.p99"));
}

TEST(ChartData, HasWhatTheChartsDraw) {
  const nlohmann::json data = ChartData(SimulateRun({.seed = 1, .seconds = 4}), "run");
  EXPECT_EQ(data["intervals"]["t"], (std::vector<double>{0.5, 1.5, 2.5, 3.5}));
  EXPECT_EQ(data["end"], 4);
  EXPECT_EQ(data["intervals"]["completed"][0], 400);
  EXPECT_EQ(data["wanted"], nlohmann::json::parse("[[0, 400], [4, 400]]"));
  const auto& distribution = data["distribution"]["response"];
  EXPECT_EQ(distribution.front()[0], 1);
  EXPECT_EQ(distribution.back()[0], 3'200) << "the largest of 1,600 stands at 1 - 1 / 3,200";
  double before = 0;
  for (const auto& point : distribution) {
    EXPECT_GE(point[1], before);
    before = point[1];
  }
}

TEST(ChartData, StagesAreTheCornersOfTheWantedRate) {
  v1::Report report = SimulateRun({.seed = 1, .seconds = 4});
  v1::LoadTestSpec& spec = *report.mutable_load_test()->mutable_spec();
  *spec.mutable_warmup() = ToDuration(1'000'000'000);
  for (const auto& [from, to] : {std::pair{100, 200}, {200, 200}}) {
    v1::Stage& stage = *spec.mutable_stages()->add_stages();
    stage.set_from(from);
    stage.set_to(to);
    *stage.mutable_duration() = ToDuration(2'000'000'000);
  }
  EXPECT_EQ(ChartData(report, "run")["wanted"],
            nlohmann::json::parse("[[0,100],[1,100],[1,100],[3,200],[3,200],[5,200]]"));
  spec.mutable_avalanche();
  EXPECT_TRUE(ChartData(report, "run")["wanted"].empty());
}

TEST(ChartData, ThinsOutALongTest) {
  const nlohmann::json data = ChartData(SimulateRun({.seed = 1, .seconds = 1'300, .rate = 2}), "x");
  EXPECT_EQ(data["intervals"]["merged"], 3);
  EXPECT_EQ(data["intervals"]["t"].size(), 434u);
  EXPECT_EQ(data["intervals"]["completed"][0], 2) << "rates stay rates";
}

}  // namespace
}  // namespace loadtest
