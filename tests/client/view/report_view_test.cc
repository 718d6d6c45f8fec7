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
  report.mutable_totals()->mutable_counts()->set_drain_completed(1);
  report.mutable_totals()->mutable_warmup()->set_sent(1);
  report.mutable_totals()->set_tls_resumed(1);
  for (v1::LatencySummary* phase :
       {report.mutable_phases()->mutable_resolve(), report.mutable_phases()->mutable_connect(),
        report.mutable_phases()->mutable_tls(), report.mutable_phases()->mutable_first_byte()})
    *phase = report.response_time();
  for (int i = 0; i < 100; ++i) {
    v1::DriverManifest& driver = *report.mutable_manifest()->add_drivers();
    driver.add_target_addresses("10.0.0." + std::to_string(i));
    driver.set_tls("TLSv1.3, certificate verified, " + std::to_string(i));
  }
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

why         response counts from when a request was due, service from when it was sent: here they
            agree
status      200: 2,986   503: 12
errors      2 request timeout, for example: no response within 10s
              try: the server was slower than --timeout; a lower rate, or a longer --timeout
  driver  address     sent  answered  errors     p50     p99  delay p99   cpu
  d1      127.0.0.1  1,000       999      13  1.20ms  4.50ms     21.0us  0.04
  d2      127.0.0.1  1,000       999       1  1.21ms  4.60ms     19.0us  0.05
  d3      10.0.0.2   1,000     1,000       0  1.19ms  4.40ms     22.0us  0.04

verdict     VALID: the generator kept its schedule
more        loadctl report tsunami-1 -o json
)");
}

TEST(ReportView, NamesNoTestThatIsGoneWhenItIsRead) {
  const std::string text = ReportView(SampleReport(), {.kept = false});
  EXPECT_EQ(text.find("loadctl report"), std::string::npos) << text;
  EXPECT_NE(
      text.find(
          "more        the test is gone with its orchestrator (--local); -o html=report.html or"),
      std::string::npos)
      << text;
}

TEST(ReportView, FitsOnAScreenHoweverMuchThereIs) {
  const std::string text = ReportView(HugeReport(), {.width = 100});
  EXPECT_LE(Lines(text), 54);
  EXPECT_LE(WidestLine(text), 100u);
}

TEST(ReportView, FitsIntoEightyColumns) {
  const std::string text = ReportView(SampleReport(), {.width = 80});
  EXPECT_LE(WidestLine(text), 80u) << text;
}

// The line of the report that begins with `name`.
std::string LineOf(const v1::Report& report, const std::string& name) {
  const std::string text = "\n" + ReportView(report, {.width = 100});
  const size_t at = text.find("\n" + name + " ");
  if (at == std::string::npos) return "";
  return text.substr(at + 1, text.find('\n', at + 1) - at - 1);
}

TEST(ReportView, FitsIntoFortyColumnsAndSaysAllOfTheVerdict) {
  v1::Report report = SampleReport();
  v1::ThresholdResult& threshold = *report.add_thresholds();
  threshold.set_expression("rate>350/s per 2s");
  threshold.set_actual("399.5/s");
  threshold.set_passed(true);
  threshold.set_windows(6);
  const std::string text = ReportView(report, {.width = 40});
  EXPECT_LE(WidestLine(text), 40u) << text;
  EXPECT_NE(text.find("sent        3,000 in 5s, 600/s; due\n            3,000, dropped 0\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  driver  errors     p99  delay p99\n"), std::string::npos) << text;
  EXPECT_NE(text.find("thresholds  passed  rate>350/s per 2s\n"
                      "                    got 399.5/s at worst\n"
                      "                    in 6 windows\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("verdict     VALID: the generator kept\n            its schedule\n"),
            std::string::npos)
      << text;
}

TEST(ReportView, WhatWasNotMeasuredIsNoZero) {
  v1::Report report = SampleReport();
  report.mutable_drivers(0)->clear_response_time();
  EXPECT_NE(ReportView(report, {})
                .find("d1      127.0.0.1  1,000       999      13       -       -     21.0us"),
            std::string::npos)
      << ReportView(report, {});
  report.mutable_load_test()->mutable_spec()->mutable_avalanche();
  EXPECT_NE(ReportView(report, {}).find("1.21ms  4.60ms          -  0.05"), std::string::npos)
      << ReportView(report, {});
}

TEST(ReportView, HasTheLabels) {
  v1::Report report = SampleReport();
  EXPECT_EQ(LineOf(report, "labels"), "");
  (*report.mutable_load_test()->mutable_spec()->mutable_labels())["team"] = "web";
  (*report.mutable_load_test()->mutable_spec()->mutable_labels())["build"] = "17";
  EXPECT_EQ(LineOf(report, "labels"), "labels      build=17 team=web");
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
                      "            d2: send_delay: p99 is 3.1ms, want at most 1ms\n"
                      "to do       take more drivers (orchestrator N, --local N) or a lower rate"),
            std::string::npos);
}

TEST(ReportView, ShowsThePhasesThatOccurred) {
  v1::Report report = SampleReport();
  EXPECT_EQ(LineOf(report, "phases"), "");
  v1::LatencySummary& resolve = *report.mutable_phases()->mutable_resolve();
  resolve.set_count(3);
  resolve.set_max_ns(1'200'000);
  v1::LatencySummary& connect = *report.mutable_phases()->mutable_connect();
  connect.set_count(150);
  connect.set_p50_ns(41'000);
  connect.set_p99_ns(90'000);
  v1::LatencySummary& first_byte = *report.mutable_phases()->mutable_first_byte();
  first_byte.set_count(2'998);
  first_byte.set_p50_ns(3'100'000);
  first_byte.set_p99_ns(9'700'000);
  EXPECT_EQ(LineOf(report, "phases"),
            "phases      resolve 1.20ms; connect p50 41.0us p99 90.0us; first byte p50 3.10ms p99 "
            "9.70ms");
}

TEST(ReportView, TellsWhatTheWarmupSent) {
  v1::Report report = SampleReport();
  EXPECT_EQ(LineOf(report, "warm-up"), "");
  report.mutable_totals()->mutable_warmup()->set_sent(2'000);
  report.mutable_totals()->mutable_warmup()->set_completed(1'999);
  EXPECT_EQ(LineOf(report, "warm-up"),
            "warm-up     2,000 sent, 1,999 answered; left out of all other counts");
}

TEST(ReportView, TellsWhatCameAfterTheLastSend) {
  v1::Report report = SampleReport();
  EXPECT_EQ(LineOf(report, "drain"), "");
  report.mutable_totals()->mutable_counts()->set_drain_completed(12);
  report.mutable_totals()->mutable_counts()->set_drain_failed(3);
  EXPECT_EQ(LineOf(report, "drain"), "drain       after the last send: 12 answered, 3 failed");
}

TEST(ReportView, CountsRedirectsAndSaysThatTheyAreNotFollowed) {
  v1::Report report = SampleReport();
  (*report.mutable_totals()->mutable_status_codes())[301] = 20;
  (*report.mutable_totals()->mutable_status_codes())[302] = 100;
  (*report.mutable_totals()->mutable_status_codes())[304] = 7;
  EXPECT_EQ(LineOf(report, "status"),
            "status      200: 2,986   301: 20   302: 100   304: 7   503: 12   redirects: 120 (not "
            "followed)");
}

TEST(ReportView, NamesTheAddressesOfATargetThatHasSeveral) {
  v1::Report report = SampleReport();
  v1::DriverManifest& a = *report.mutable_manifest()->add_drivers();
  a.add_target_addresses("10.0.0.1:80");
  EXPECT_EQ(LineOf(report, "target"), "");
  a.add_target_addresses("10.0.0.2:80");
  v1::DriverManifest& b = *report.mutable_manifest()->add_drivers();
  b.add_target_addresses("10.0.0.1:80");
  b.add_target_addresses("10.0.0.3:80");
  EXPECT_EQ(LineOf(report, "target"), "target      10.0.0.1:80 10.0.0.2:80 10.0.0.3:80");
}

TEST(ReportView, TellsHowHttpsWasSpoken) {
  v1::Report report = SampleReport();
  for (int i = 0; i < 2; ++i) {
    report.mutable_manifest()->add_drivers()->set_tls(
        "TLSv1.3, TLS_AES_256_GCM_SHA384, certificate verified, h2");
  }
  EXPECT_EQ(LineOf(report, "TLS"),
            "TLS         TLSv1.3, TLS_AES_256_GCM_SHA384, certificate verified, h2");
}

TEST(ReportView, SaysFirstThatACertificateWasNotVerified) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->mutable_spec()->mutable_tls()->set_insecure(true);
  report.mutable_manifest()->add_drivers()->set_tls("TLSv1.2, certificate NOT verified");
  EXPECT_EQ(LineOf(report, "TLS"),
            "TLS         NOT VERIFIED (-k): TLSv1.2, certificate NOT verified");
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

TEST(ReportView, TellsOfEventsThatAreNews) {
  v1::Report report = SampleReport();
  report.mutable_load_test()->mutable_start_time()->set_seconds(100);
  report.add_events()->set_type("created");
  v1::Event& done = *report.add_events();
  done.set_type("driver_done");
  done.set_message("d1");
  EXPECT_EQ(LineOf(report, "events"), "");
  v1::Event& lost = *report.add_events();
  lost.set_type("driver_lost");
  lost.set_message("d2: no heartbeat");
  lost.mutable_time()->set_seconds(103);
  lost.mutable_time()->set_nanos(250'000'000);
  EXPECT_EQ(LineOf(report, "events"), "events      3.2s  driver lost: d2: no heartbeat");
}

TEST(ReportView, ThresholdsThatFailedComeFirst) {
  v1::Report report = SampleReport();
  EXPECT_EQ(LineOf(report, "thresholds"), "");
  v1::ThresholdResult& kept = *report.add_thresholds();
  kept.set_expression("errors<1%");
  kept.set_passed(true);
  kept.set_actual("0.4%");
  v1::ThresholdResult& broken = *report.add_thresholds();
  broken.set_expression("p99<5ms per 1s");
  broken.set_actual("9.8ms");
  broken.set_windows(5);
  broken.set_windows_failed(2);
  broken.set_window_start_offset_ns(3'000'000'000);
  broken.set_window_end_offset_ns(4'000'000'000);
  EXPECT_NE(ReportView(report, {.width = 100})
                .find("thresholds  FAILED  p99<5ms per 1s  got 9.8ms from 3s to 4s, 2 of 5 windows "
                      "failed\n"
                      "            passed  errors<1%       got 0.4%\n"),
            std::string::npos)
      << ReportView(report, {.width = 100});
}

TEST(ReportView, SaysWhatMayHaveBeenSentByLostDrivers) {
  v1::Report report = SampleReport();
  report.set_unknown_requests(120);
  EXPECT_EQ(LineOf(report, "sent"),
            "sent        3,000 in 5s, 600/s; due 3,000, dropped 0, unknown 120 (of lost drivers)");
}

}  // namespace
}  // namespace loadtest
