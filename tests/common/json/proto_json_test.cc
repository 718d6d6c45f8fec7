#include "common/json/proto_json.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_format.h"
#include "loadtest/v1/config.pb.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {
namespace {

std::string SpecError(std::string_view json) {
  v1::LoadTestSpec spec;
  return std::string(JsonToProto(json, "plan.json", spec).message());
}

TEST(JsonToProtoTest, ReadsBothSpellingsAndEveryFormOfADuration) {
  v1::LoadTestSpec spec;
  ASSERT_TRUE(
      JsonToProto(
          R"({"request": {"url": "http://a"}, "requestsPerDriver": 5, "tsunami": {"delay": "5ms"}, "request_timeout": "1m30s"})",
          "plan.json", spec)
          .ok());
  EXPECT_EQ(spec.requests_per_driver(), 5);
  EXPECT_EQ(spec.tsunami().delay().nanos(), 5'000'000);
  EXPECT_EQ(spec.request_timeout().seconds(), 90);
}

TEST(JsonToProtoTest, ReadsBytesInBothAlphabetsOfBase64WithAndWithoutPadding) {
  for (const char* text : {"", "YQ==", "YQ", "+/+/", "-_-_"}) {
    v1::LoadTestSpec spec;
    EXPECT_TRUE(
        JsonToProto(absl::StrFormat(R"({"request": {"body": "%s"}})", text), "plan.json", spec)
            .ok())
        << text;
  }
}

TEST(JsonToProtoTest, NamesLineAndColumnOfASyntaxError) {
  const std::string error = SpecError("{\n  \"title\": \"x\",\n  }");
  EXPECT_EQ(error.substr(0, 24), "plan.json:3:3: not JSON:") << error;
}

TEST(JsonToProtoTest, NamesAnUnknownKeyAndTheKnownOnes) {
  EXPECT_EQ(SpecError(R"({"tsunami": {"dealy": "5ms"}})"),
            "plan.json: tsunami.dealy: unknown key; did you mean delay? want one of delay");
}

TEST(JsonToProtoTest, NamesPathValueAndWhatWasWanted) {
  EXPECT_EQ(SpecError(R"({"tsunami": {"delay": 5}})"),
            "plan.json: tsunami.delay: got 5, want a duration such as \"500ms\" or \"1m30s\"");
  EXPECT_EQ(SpecError(R"({"connections": "many"})"),
            "plan.json: connections: got \"many\", want a whole number of 32 bits");
  EXPECT_EQ(SpecError(R"({"connections": 3000000000})"),
            "plan.json: connections: got 3000000000, want a whole number of 32 bits");
  EXPECT_EQ(SpecError(R"({"connections": 1.5})"),
            "plan.json: connections: got 1.5, want a whole number of 32 bits");
  EXPECT_EQ(SpecError(R"({"request": {"headers": [{"name": 1}]}})"),
            "plan.json: request.headers[0].name: got 1, want a string");
  for (const char* wrong : {"\"###\"", "\"abcde\"", "\"YQ=\\nx\"", "5"}) {
    EXPECT_EQ(SpecError(absl::StrFormat(R"({"request": {"body": %s}})", wrong)),
              absl::StrFormat("plan.json: request.body: got %s, want a string in base64", wrong));
  }
  EXPECT_EQ(SpecError(R"({"on_driver_loss": "PANIC"})"),
            "plan.json: on_driver_loss: got \"PANIC\", want one of CONTINUE, REDISTRIBUTE, ABORT");
  EXPECT_EQ(SpecError(R"({"labels": ["a"]})"), "plan.json: labels: got [\"a\"], want an object");
  EXPECT_EQ(SpecError("[]"), "plan.json: (top): got [], want an object");
  EXPECT_EQ(SpecError(R"({"title": null})"),
            "plan.json: title: got null, want a value, or the key left out");
}

TEST(JsonToProtoTest, RefusesKeysThatExcludeEachOtherOrComeTwice) {
  EXPECT_EQ(SpecError(R"({"avalanche": {}, "tsunami": {"delay": "5ms"}})"),
            "plan.json: tsunami: got it beside avalanche, want only one of them");
  EXPECT_EQ(SpecError(R"({"title": "a", "title": "b"})"),
            "plan.json: title: given twice; want it once");
  EXPECT_EQ(SpecError(R"({"max_connections": 1, "maxConnections": 2})"),
            "plan.json: maxConnections: given twice; want it once");
}

TEST(JsonToProtoTest, SurvivesDeepNestingAndGarbage) {
  EXPECT_NE(SpecError(std::string(100'000, '[')), "");
  EXPECT_NE(SpecError(std::string("\x00\xff\xfe", 3)), "");
  EXPECT_NE(SpecError(""), "");
  EXPECT_NE(SpecError("{\"title\": \"\xff\"}"), "");
}

TEST(ProtoToJsonTest, WritesSnakeCaseAndExactNumbers) {
  v1::LoadTestSpec spec;
  spec.set_requests_per_driver(1'000);
  EXPECT_EQ(ProtoToJson(spec), R"({"requests_per_driver":1000})");
  spec.set_requests_per_driver(int64_t{1} << 60);
  EXPECT_EQ(ProtoToJson(spec), R"({"requests_per_driver":"1152921504606846976"})");
}

TEST(ProtoToJsonTest, IsReadBackAsTheSameMessage) {
  v1::LoadTestSpec spec;
  spec.mutable_request()->set_url("http://127.0.0.1:8081/ping");
  spec.mutable_request()->set_body(std::string("\x00\x01", 2));
  spec.mutable_tsunami()->mutable_delay()->set_nanos(5'000'000);
  spec.set_requests_per_driver(int64_t{1} << 60);
  (*spec.mutable_labels())["team"] = "a \"b\"";
  v1::LoadTestSpec read;
  ASSERT_TRUE(JsonToProto(ProtoToJson(spec, 2), "x", read).ok());
  EXPECT_EQ(read.SerializeAsString(), spec.SerializeAsString());
}

TEST(ProtoToJsonTest, WritesDefaultsWhenAsked) {
  v1::RequestCounts counts;
  counts.set_sent(5);
  EXPECT_EQ(ProtoToJson(counts), R"({"sent":5})");
  EXPECT_NE(ProtoToJson(counts, 0, true).find(R"("failed":0)"), std::string::npos);
}

TEST(JsonToProto, CommentsAreLeftOut) {
  v1::LoadTestSpec spec;
  const absl::Status parsed = JsonToProto(R"({
    // to the end of the line: "title": "no"
    "title": "yes" /* between */, "connections": 7
  })",
                                          "plan.json", spec);
  ASSERT_TRUE(parsed.ok()) << parsed;
  EXPECT_EQ(spec.title(), "yes");
  EXPECT_EQ(spec.connections(), 7);
}

}  // namespace
}  // namespace loadtest
