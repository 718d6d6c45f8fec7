// Flags of load shapes, HTTP/2 and TLS.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "client/flags/spec_flags.h"
#include "common/json/proto_json.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr char kUrl[] = "http://h/";
constexpr char kHttps[] = "https://h/";

absl::StatusOr<std::string> ReadFake(const std::string& path) {
  const std::map<std::string, std::string> files = {
      {"ca.pem", "-----BEGIN CA-----"},
      {"cert.pem", "-----BEGIN CERT-----"},
      {"key.pem", "-----BEGIN KEY-----"},
      {"empty.pem", ""},
      {"plan.json", R"({"request": {"url": "http://h/"}, "duration": "9s",
                        "stages": {"stages": [{"from": 1, "to": 1, "duration": "9s"}]}})"}};
  const auto file = files.find(path);
  if (file != files.end()) return file->second;
  return absl::InvalidArgumentError(path + ": cannot be read; want the path of a file");
}

// The spec as one line of JSON, or the error.
std::string Spec(const SpecFlags& flags) {
  const auto spec = SpecFromFlags(flags, ReadFake);
  return spec.ok() ? ProtoToJson(*spec) : std::string(spec.status().message());
}

// What ValidateSpec refuses, in terms of flags.
std::string Wrong(const SpecFlags& flags) {
  const auto spec = SpecFromFlags(flags, ReadFake);
  if (!spec.ok()) return std::string(spec.status().message());
  return std::string(InTermsOfFlags(ValidateSpec(*spec).status(), flags).message());
}

TEST(StagesFlag, HasRampsAndSteps) {
  EXPECT_EQ(Spec({.arguments = {kUrl}, .stages = "0:1k@30s,2.5@1m30s,1k:0@10ms"}),
            R"({"request":{"url":"http://h/"},"stages":{"stages":[)"
            R"({"to":1000,"duration":"30s"},{"from":2.5,"to":2.5,"duration":"90s"},)"
            R"({"from":1000,"duration":"0.010s"}]}})");
}

TEST(StagesFlag, NamesTheStageThatIsWrong) {
  for (const char* wrong :
       {"x", "", "1k", "@1s", "1k@", "1k@5", ":1k@1s", "1:@1s", "1:2:3@1s", "-1@1s"}) {
    EXPECT_EQ(Wrong({.arguments = {kUrl}, .stages = std::string("5@1s,") + wrong}),
              "--stages: got \"" + std::string(wrong) +
                  "\", want FROM:TO@DURATION or RATE@DURATION, and commas between them, such as "
                  "0:1k@30s,1k@2m,1k:0@10s");
  }
}

TEST(StagesFlag, ErrorsOfTheSpecNameIt) {
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .stages = "5@1s,2G@0s"}),
            "--stages [1].from: got 2e+09, want 0 to 1e+09\n"
            "--stages [1].to: got 2e+09, want 0 to 1e+09\n"
            "--stages [1].duration: got 0s, want 1ms to 168h");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .stages = "0@1s"}),
            "--stages: got a rate of 0 in all of them, want more in at least one");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .duration = "3s", .stages = "5@1s"}),
            "-d: got 3s, want at most 1s, which is how long the stages are");
}

TEST(StagesFlag, GoesWithTheTypeRate) {
  EXPECT_EQ(Wrong({.arguments = {"rate", kUrl}, .stages = "5@1s"}), "");
  EXPECT_EQ(Wrong({.arguments = {"rate", "plan.json"}}), "");
  EXPECT_EQ(Wrong({.arguments = {"tsunami", kUrl}, .stages = "5@1s"}),
            "--stages: got \"5@1s\", want no --stages with tsunami; they belong to rate");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .rate = "5", .stages = "5@1s"}),
            "--stages: got \"5@1s\", want no --stages with --rate: they have the rate");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .delay = "5ms", .stages = "5@1s"}),
            "--stages: got \"5@1s\", want no --stages with --delay: they have the rate");
}

TEST(ShapeFlags, FindTheirFields) {
  EXPECT_EQ(Spec({.arguments = {kUrl},
                  .rate = "5",
                  .arrivals = "poisson",
                  .seed = "18446744073709551615",
                  .warmup = "5s",
                  .spin = "50us"}),
            R"({"request":{"url":"http://h/"},"rate":{"requests_per_second":5},)"
            R"("arrivals":"POISSON","arrival_seed":"18446744073709551615","warmup":"5s",)"
            R"("spin":"0.000050s"})");
  EXPECT_EQ(
      Spec({.arguments = {kUrl}, .http2 = true, .streams = "10"}),
      R"({"request":{"url":"http://h/"},"avalanche":{},"http_version":"HTTP_2","streams":10})");
}

TEST(ShapeFlags, ThatAreWrongAreNamed) {
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .rate = "5", .arrivals = "random"}),
            "--arrivals: got \"random\", want uniform or poisson");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .rate = "5", .seed = "-1"}),
            "--seed: got \"-1\", want a whole number below 2^64");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .rate = "5", .seed = "7"}),
            "--seed: got 7, want 0: only POISSON arrivals have a seed");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .arrivals = "poisson"}),
            "--arrivals: got a value with an avalanche, want none: its requests wait for answers, "
            "not for times");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .warmup = "2h"}), "--warmup: got 2h, want 0s to 1h");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .rate = "5", .spin = "2ms"}),
            "--spin: got 2ms, want 0s to 1ms");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .http2 = true, .streams = "0"}),
            "--streams: got \"0\", want 1 to 1,000");
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .streams = "2"}),
            "--streams: got 2, want 1: only HTTP_2 has streams");
}

TEST(TlsFlags, FilesTravelInTheSpec) {
  const auto spec = SpecFromFlags({.arguments = {kHttps},
                                   .ca_certificates = "ca.pem",
                                   .client_certificate = "cert.pem",
                                   .client_key = "key.pem",
                                   .server_name = "other",
                                   .tls_min = "1.2",
                                   .tls_max = "1.3",
                                   .no_tls_resumption = true},
                                  ReadFake);
  ASSERT_TRUE(spec.ok()) << spec.status();
  const v1::TlsOptions& tls = spec->tls();
  EXPECT_EQ(tls.ca_certificates(), "-----BEGIN CA-----");
  EXPECT_EQ(tls.client_certificate(), "-----BEGIN CERT-----");
  EXPECT_EQ(tls.client_key(), "-----BEGIN KEY-----");
  EXPECT_EQ(tls.server_name(), "other");
  EXPECT_EQ(tls.min_version(), v1::TlsOptions::TLS_1_2);
  EXPECT_EQ(tls.max_version(), v1::TlsOptions::TLS_1_3);
  EXPECT_TRUE(tls.no_resumption());
  EXPECT_FALSE(tls.insecure());
}

TEST(TlsFlags, ThatAreWrongAreNamed) {
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .insecure = true}),
            "-k: got options for TLS, want none with an http URL, or an https URL");
  EXPECT_EQ(Wrong({.arguments = {kHttps}, .ca_certificates = "none.pem"}),
            "--cacert: none.pem: cannot be read; want the path of a file");
  EXPECT_EQ(Wrong({.arguments = {kHttps}, .ca_certificates = "empty.pem"}),
            "--cacert: got \"empty.pem\", want a file that is not empty");
  EXPECT_EQ(Wrong({.arguments = {kHttps}, .client_certificate = "cert.pem"}),
            "--key: got none, want the one that client_certificate belongs to");
  EXPECT_EQ(Wrong({.arguments = {kHttps}, .client_key = "key.pem"}),
            "--cert: got none, want the one that client_key belongs to");
  EXPECT_EQ(Wrong({.arguments = {kHttps}, .tls_min = "1.1"}),
            "--tls-min: got \"1.1\", want 1.2 or 1.3");
  EXPECT_EQ(Wrong({.arguments = {kHttps}, .tls_min = "1.3", .tls_max = "1.2"}),
            "--tls-min: got TLS_1_3, want at most max_version, which is TLS_1_2");
}

TEST(TlsFlags, WhetherTheCertificateIsVerifiedIsSaid) {
  const auto describe = [](const SpecFlags& flags) {
    const auto asked = SpecFromFlags(flags, ReadFake);
    return DescribeDefaults(*asked, *ValidateSpec(*asked));
  };
  EXPECT_EQ(describe({.arguments = {kHttps}}),
            "defaults: 50 connections a driver, duration 10s, timeout 10s, TLS verified");
  EXPECT_EQ(
      describe({.arguments = {kHttps}, .insecure = true}),
      "defaults: 50 connections a driver, duration 10s, timeout 10s; the server's certificate "
      "is not verified (-k)");
}

}  // namespace
}  // namespace loadtest
