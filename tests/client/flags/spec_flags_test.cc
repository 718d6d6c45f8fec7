#include "client/flags/spec_flags.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "common/json/proto_json.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr char kUrl[] = "http://127.0.0.1:8081/ping";

absl::StatusOr<std::string> ReadFake(const std::string& path) {
  const std::map<std::string, std::string> files = {
      {"plan.json", R"({"request": {"url": "http://h/"}, "tsunami": {"delay": "10ms"},
                        "connections": 7, "duration": "3s"})"},
      {"wrong.json", R"({"request": {"url": "http://h/"}, "colour": 1})"},
      {"order.xml", "<order/>"},
      {"-", "typed"}};
  const auto file = files.find(path);
  if (file != files.end()) return file->second;
  return absl::InvalidArgumentError(path + ": cannot be read; want the path of a file");
}

// The spec as one line of JSON, or the error.
std::string Spec(const SpecFlags& flags) {
  const auto spec = SpecFromFlags(flags, ReadFake);
  return spec.ok() ? ProtoToJson(*spec) : std::string(spec.status().message());
}

TEST(SpecFromFlags, AUrlAloneIsAnAvalanche) {
  EXPECT_EQ(Spec({.arguments = {kUrl}}),
            R"({"request":{"url":"http://127.0.0.1:8081/ping"},"avalanche":{}})");
}

TEST(SpecFromFlags, DelayMakesATsunami) {
  EXPECT_EQ(Spec({.arguments = {"http://h/"}, .requests = "1k", .delay = "10ms"}),
            R"({"request":{"url":"http://h/"},"tsunami":{"delay":"0.010s"},)"
            R"("requests_per_driver":1000})");
}

TEST(SpecFromFlags, RateIsOfTheWholeFleet) {
  EXPECT_EQ(
      Spec({.arguments = {"http://h/"}, .duration = "1m30s", .rate = "2.5k"}),
      R"({"request":{"url":"http://h/"},"rate":{"requests_per_second":2500},"duration":"90s"})");
  EXPECT_EQ(Spec({.arguments = {"http://h/"}, .rate = "10/s"}),
            R"({"request":{"url":"http://h/"},"rate":{"requests_per_second":10}})");
}

TEST(SpecFromFlags, TheTypeMayBeNamed) {
  EXPECT_EQ(Spec({.arguments = {"tsunami", "http://h/"}, .delay = "1s"}),
            R"({"request":{"url":"http://h/"},"tsunami":{"delay":"1s"}})");
  EXPECT_EQ(Spec({.arguments = {"avalanche", "http://h/"}, .connections = "16"}),
            R"({"request":{"url":"http://h/"},"avalanche":{},"connections":16})");
}

TEST(SpecFromFlags, AContradictionIsAnError) {
  EXPECT_EQ(Spec({.arguments = {kUrl}, .rate = "1", .delay = "1s"}),
            "--delay and --rate: got both, want --delay (each driver sends a request every so "
            "often) or --rate (requests per second of all drivers together)");
  EXPECT_EQ(Spec({.arguments = {"avalanche", kUrl}, .delay = "1s"}),
            "--delay: got \"1s\", want no --delay with avalanche; it belongs to tsunami");
  EXPECT_EQ(Spec({.arguments = {"tsunami", kUrl}, .rate = "1k"}),
            "--rate: got \"1k\", want no --rate with tsunami; it belongs to rate");
}

TEST(SpecFromFlags, ATypeWithoutItsFlagIsAnError) {
  EXPECT_EQ(Spec({.arguments = {"tsunami", kUrl}}),
            "tsunami: --delay is missing; want for example --delay 10ms: each driver then sends a "
            "request every 10 ms");
  EXPECT_EQ(Spec({.arguments = {"rate", kUrl}}),
            "rate: --rate is missing; want for example --rate 1k: requests per second of all "
            "drivers together, or --stages 0:1k@30s,1k@2m");
}

TEST(SpecFromFlags, ArgumentsThatMakeNoSenseAreErrors) {
  EXPECT_EQ(Spec({}),
            "what to test is missing: want [avalanche|tsunami|rate] URL, or a plan file that ends "
            "in .json; for example http://127.0.0.1:8081/ping, or a plan that loadctl init writes");
  EXPECT_EQ(Spec({.arguments = {"tsunamy", kUrl}}),
            "type: got \"tsunamy\", want avalanche, tsunami or rate; did you mean tsunami?");
  EXPECT_EQ(Spec({.arguments = {"tsunami"}}),
            "tsunami: the URL is missing; want for example: tsunami http://127.0.0.1:8081/ping");
  EXPECT_EQ(Spec({.arguments = {kUrl, "http://b/"}}),
            "http://b/: one argument too many; want one URL a test (want [avalanche|tsunami|rate] "
            "URL, or a plan file that ends in .json)");
  EXPECT_EQ(Spec({.arguments = {"tsunami", kUrl, "x"}}),
            "x: one argument too many; want [avalanche|tsunami|rate] URL, or a plan file that ends "
            "in .json");
}

TEST(SpecFromFlags, APlanIsReadAndFlagsOverrideIt) {
  EXPECT_EQ(Spec({.arguments = {"plan.json"}}),
            R"({"request":{"url":"http://h/"},"tsunami":{"delay":"0.010s"},"duration":"3s",)"
            R"("connections":7})");
  EXPECT_EQ(Spec({.arguments = {"plan.json"}, .duration = "1s", .rate = "50"}),
            R"({"request":{"url":"http://h/"},"rate":{"requests_per_second":50},"duration":"1s",)"
            R"("connections":7})");
}

TEST(SpecFromFlags, AnErrorInAPlanNamesFileAndPlace) {
  EXPECT_EQ(Spec({.arguments = {"wrong.json"}}).substr(0, 34),
            "wrong.json: colour: unknown key; w");
  EXPECT_EQ(Spec({.arguments = {"none.json"}}),
            "none.json: cannot be read; want the path of a file");
}

TEST(SpecFromFlags, AUrlThatEndsInJsonIsNoPlan) {
  EXPECT_EQ(Spec({.arguments = {"http://h/data.json"}}),
            R"({"request":{"url":"http://h/data.json"},"avalanche":{}})");
}

TEST(SpecFromFlags, HeadersAreSplitAtTheirFirstColon) {
  EXPECT_EQ(Spec({.arguments = {"http://h/"}, .headers = {"A: b: c ", "Empty:"}}),
            R"({"request":{"url":"http://h/","headers":[{"name":"A","value":"b: c"},)"
            R"({"name":"Empty"}]},"avalanche":{}})");
  EXPECT_EQ(Spec({.arguments = {kUrl}, .headers = {"nothing"}}),
            "-H: got \"nothing\", want 'Name: value', for example 'Accept: text/html'");
}

TEST(SpecFromFlags, ABodyIsPostedUnlessAMethodIsGiven) {
  // JSON has bytes in base64.
  EXPECT_EQ(Spec({.arguments = {"http://h/"}, .body = "hello"}),
            R"({"request":{"url":"http://h/","method":"POST","body":"aGVsbG8="},"avalanche":{}})");
  EXPECT_EQ(Spec({.arguments = {"http://h/"}, .method = "PUT", .body = "hello"}),
            R"({"request":{"url":"http://h/","method":"PUT","body":"aGVsbG8="},"avalanche":{}})");
}

TEST(SpecFromFlags, ABodyMayComeFromAFileOrStandardInput) {
  EXPECT_EQ(SpecFromFlags({.arguments = {kUrl}, .body = "@order.xml"}, ReadFake)->request().body(),
            "<order/>");
  EXPECT_EQ(SpecFromFlags({.arguments = {kUrl}, .body = "@-"}, ReadFake)->request().body(),
            "typed");
  EXPECT_EQ(Spec({.arguments = {kUrl}, .body = "@none"}),
            "--body: none: cannot be read; want the path of a file");
}

TEST(SpecFromFlags, NumbersThatMakeNoSenseNameTheirFlag) {
  EXPECT_EQ(Spec({.arguments = {kUrl}, .connections = "0"}), "-c: got \"0\", want 1 to 100,000");
  EXPECT_EQ(Spec({.arguments = {kUrl}, .connections = "many"}),
            "-c: got \"many\", want a whole number such as 1000, 20k or 1.5M");
  EXPECT_EQ(Spec({.arguments = {kUrl}, .requests = "-5"}),
            "-n: got \"-5\", want a whole number such as 1000, 20k or 1.5M");
  EXPECT_EQ(Spec({.arguments = {kUrl}, .rate = "fast"}),
            "--rate: got \"fast\", want requests per second such as 500, 2.5k or 1M");
  EXPECT_EQ(Spec({.arguments = {kUrl}, .drivers = "20k"}),
            "--drivers: got \"20k\", want 0 to 10,000");
  EXPECT_EQ(Spec({.arguments = {kUrl}, .max_connections = "0"}),
            "--max-connections: got \"0\", want 1 to 100,000");
}

TEST(SpecFromFlags, DurationsNeedAUnit) {
  EXPECT_EQ(Spec({.arguments = {kUrl}, .duration = "10"}),
            "-d: got \"10\", want a duration such as 500ms or 1m30s");
  EXPECT_EQ(Spec({.arguments = {kUrl}, .timeout = "soon"}),
            "--timeout: got \"soon\", want a duration such as 500ms or 1m30s");
}

TEST(SpecFromFlags, TheOtherFlagsFindTheirFields) {
  EXPECT_EQ(Spec({.arguments = {"http://h/"},
                  .drivers = "3",
                  .timeout = "1s",
                  .connect_timeout = "2s",
                  .drain = "0",
                  .on_driver_loss = "abort",
                  .title = "Soak",
                  .labels = {"team=web"}}),
            R"({"title":"Soak","request":{"url":"http://h/"},"avalanche":{},"drivers":3,)"
            R"("connect_timeout":"2s","request_timeout":"1s","drain_timeout":"0s",)"
            R"("on_driver_loss":"ABORT","labels":{"team":"web"}})");
}

TEST(SpecFromFlags, ClosedSetsAreNamed) {
  EXPECT_EQ(Spec({.arguments = {kUrl}, .on_driver_loss = "panic"}),
            "--on-driver-loss: got \"panic\", want continue, redistribute or abort");
  EXPECT_EQ(Spec({.arguments = {kUrl}, .labels = {"web"}}), "--label: got \"web\", want KEY=VALUE");
}

std::string Wrong(const SpecFlags& flags) {
  const auto spec = SpecFromFlags(flags, ReadFake);
  return std::string(InTermsOfFlags(ValidateSpec(*spec).status(), flags).message());
}

TEST(InTermsOfFlags, AnErrorOfTheSpecNamesTheFlagThatItCameFrom) {
  EXPECT_EQ(Wrong({.arguments = {kUrl}, .delay = "0"}), "--delay: got 0s, want 1us to 1h");
  EXPECT_EQ(Wrong({.arguments = {"ftp://h/"}}),
            "URL: got \"ftp://h/\", want http[s]://host[:port][/path][?query]");
  EXPECT_EQ(Wrong({.arguments = {"localhost:8081/ping"}}),
            "URL: got \"localhost:8081/ping\", want http[s]://host[:port][/path][?query]; did you "
            "mean http://localhost:8081/ping? (a plan file has a name that ends in .json)");
  EXPECT_EQ(Wrong({.arguments = {"plan"}}),
            "URL: got \"plan\", want http[s]://host[:port][/path][?query]; a plan file has a name "
            "that ends in .json");
}

TEST(InTermsOfFlags, WhatCameFromAPlanNamesFileAndField) {
  EXPECT_EQ(Wrong({.arguments = {"plan.json"}, .timeout = "2h"}),
            "--timeout: got 2h, want 1ms to 1h\n"
            "plan.json: drain_timeout: got 2h, want 0s to 1h");
}

TEST(DescribeDefaults, NamesOnlyWhatWasNotAskedFor) {
  const auto describe = [](const SpecFlags& flags) {
    const auto asked = SpecFromFlags(flags, ReadFake);
    return DescribeDefaults(*asked, *ValidateSpec(*asked));
  };
  EXPECT_EQ(describe({.arguments = {kUrl}}),
            "defaults: 50 connections a driver, duration 10s, timeout 10s");
  EXPECT_EQ(describe({.arguments = {kUrl}, .connections = "8", .requests = "10"}),
            "defaults: timeout 10s");
  EXPECT_EQ(describe({.arguments = {kUrl}, .connections = "8", .duration = "1s", .timeout = "1s"}),
            "");
}

}  // namespace
}  // namespace loadtest
