#include "client/view/report_view.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "client/sample_messages.h"

namespace loadtest {
namespace {

int64_t Lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

size_t WidestLine(const std::string& text) {
  size_t widest = 0, start = 0;
  for (size_t end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    widest = std::max(widest, end - start);
  }
  return widest;
}

// A report with more of everything than a screen has room for.
v1::Report HugeReport() {
  v1::Report report = SampleReport();
  for (int i = 0; i < 97; ++i) {
    v1::DriverResult& driver = *report.add_drivers();
    driver = report.drivers(2);
    driver.mutable_assignment()->set_driver_id("driver-with-a-rather-long-name-" +
                                               std::to_string(i));
  }
  report.mutable_drivers(50)->set_lost(true);
  for (int kind = 1; kind <= 17; ++kind) {
    v1::ErrorCount& error = *report.mutable_totals()->add_errors();
    error.set_kind(static_cast<v1::ErrorKind>(kind));
    error.set_count(kind);
    error.set_example(std::string(300, 'x'));
  }
  for (int code = 400; code < 430; ++code)
    (*report.mutable_totals()->mutable_status_codes())[code] = 1;
  for (int i = 0; i < 20; ++i) {
    v1::VerdictReason& reason = *report.mutable_verdict()->add_reasons();
    reason.set_driver_id("d" + std::to_string(i));
    reason.set_resource("send_delay");
    reason.set_message(std::string(300, 'y'));
  }
  report.mutable_verdict()->set_level(v1::Verdict::INVALID);
  report.mutable_load_test()->mutable_spec()->mutable_request()->set_url("http://127.0.0.1/" +
                                                                         std::string(1'000, 'z'));
  return report;
}

TEST(ReportView, ShowsAWholeTest) {
  EXPECT_EQ(ReportView(SampleReport(), {.width = 100}), R"(loadTests/tsunami-1  SUCCEEDED
title       Ping under a steady wave
asked       3 drivers x 200/s = 600/s, open loop (tsunami, a request every 5ms), 1,000 requests a
            driver
            GET http://127.0.0.1:8081/ping, timeout 10s
sent        3,000 in 5s, 600/s; due 3,000, dropped 0
answered    2,998, 600/s; failed 2, status 400 and above 12
traffic     sent 312.0 KB, received 480.0 KB; connections 150, failed 0

            response   service  send delay     response times
  p50         3.24ms    3.24ms      16.0us     1ms - 2ms   ##############################   33.4 %
  p90         8.28ms    8.28ms      20.8us     2ms - 5ms   #############################    33.3 %
  p95         9.12ms    9.12ms      21.4us     5ms - 10ms  #############################    33.3 %
  p99         9.81ms    9.81ms      21.9us
  p99.9       9.97ms    9.97ms      22.0us
  p99.99      9.98ms    9.98ms      22.0us
  max         9.98ms    9.98ms      22.0us
  mean        3.99ms    3.99ms      16.0us

status      200: 2,986   503: 12
errors      2 request timeout, for example: no response within 10s
  driver  address     sent  answered  errors     p50     p99  delay p99   cpu
  d1      127.0.0.1  1,000       999      13  1.20ms  4.50ms     21.0us  0.04
  d2      127.0.0.1  1,000       999       1  1.21ms  4.60ms     19.0us  0.05
  d3      10.0.0.2   1,000     1,000       0  1.19ms  4.40ms     22.0us  0.04

verdict     VALID: the generator kept its schedule
more        loadctl report tsunami-1 -o json
)");
}

TEST(ReportView, FitsOnAScreenHoweverMuchThereIs) {
  const std::string text = ReportView(HugeReport(), {.width = 100});
  EXPECT_LE(Lines(text), 40);
  EXPECT_LE(WidestLine(text), 100u);
}

TEST(ReportView, FitsIntoEightyColumns) {
  const std::string text = ReportView(SampleReport(), {.width = 80});
  EXPECT_LE(WidestLine(text), 80u) << text;
}

TEST(ReportView, ALongListShowsItsWorstDriverFirst) {
  const std::string text = ReportView(HugeReport(), {.width = 100});
  EXPECT_NE(text.find("cpu\n  driver-wi...-name-47"), std::string::npos) << text;
  EXPECT_NE(text.find("LOST\n"), std::string::npos);
  EXPECT_NE(text.find("  these are the worst; and 95 drivers more\n"), std::string::npos);
}

TEST(ReportView, AnInvalidVerdictSaysWhoAndWhy) {
  v1::Report report = SampleReport();
  report.mutable_verdict()->set_level(v1::Verdict::INVALID);
  v1::VerdictReason& reason = *report.mutable_verdict()->add_reasons();
  reason.set_driver_id("d2");
  reason.set_resource("send_delay");
  reason.set_message("p99 is 3.1ms, want at most 1ms");
  EXPECT_NE(ReportView(report, {})
                .find("verdict     INVALID: the generator itself was the limit; do not trust the "
                      "numbers above\n"
                      "            d2: send_delay: p99 is 3.1ms, want at most 1ms\n"),
            std::string::npos);
}

TEST(ReportView, AFailedTestSaysWhy) {
  v1::Report report;
  report.mutable_load_test()->set_name("loadTests/x");
  report.mutable_load_test()->set_state(v1::LoadTest::FAILED);
  report.mutable_load_test()->set_state_reason("no driver could arm");
  const std::string text = ReportView(report, {});
  EXPECT_EQ(text.substr(0, 52), "loadTests/x  FAILED\nreason      no driver could arm\n");
}

TEST(ReportView, ColoursAreOnlyThereWhenWanted) {
  EXPECT_EQ(ReportView(SampleReport(), {}).find('\x1b'), std::string::npos);
  EXPECT_NE(ReportView(SampleReport(), {.colors = true}).find("\x1b[32mVALID\x1b[0m"),
            std::string::npos);
}

}  // namespace
}  // namespace loadtest
