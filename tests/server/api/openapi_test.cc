// The OpenAPI document against the routes that are really served.
#include "server/api/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "loadtest/v1/service.pb.h"
#include "server/api/rest_routes.h"

namespace loadtest {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json Document() { return json::parse(OpenApiDocument(ApiRoutes(), /*wants_token=*/true)); }

std::string Lower(std::string_view method) {
  std::string lower;
  for (const char c : method) lower += static_cast<char>(std::tolower(c));
  return lower;
}

TEST(OpenApiTest, HasEveryRouteAndNothingElse) {
  const json document = Document();
  EXPECT_EQ(document["openapi"], "3.1.0");
  std::set<std::string> described, served;
  for (const auto& [path, operations] : document["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) described.insert(method + " " + path);
  }
  for (const RestRoute& route : ApiRoutes()) {
    served.insert(Lower(route.method) + " " + std::string(route.pattern));
  }
  EXPECT_EQ(described, served);
}

TEST(OpenApiTest, HasEveryMethodOfTheService) {
  std::set<std::string> ids;
  const json document = Document();
  for (const auto& operations : document["paths"]) {
    for (const auto& operation : operations) ids.insert(operation["operationId"]);
  }
  const auto& service = *v1::LoadTest::descriptor()->file()->pool()->FindServiceByName(
      "loadtest.v1.LoadTestService");
  for (int i = 0; i < service.method_count(); ++i) {
    EXPECT_TRUE(ids.contains(service.method(i)->name())) << service.method(i)->name();
  }
}

TEST(OpenApiTest, ParametersAreThoseOfTheRoutes) {
  const json document = Document();
  for (const RestRoute& route : ApiRoutes()) {
    const json& operation = document["paths"][std::string(route.pattern)][Lower(route.method)];
    std::set<std::string> described, wanted;
    for (const json& parameter : operation.value("parameters", json::array())) {
      described.insert(std::string(parameter["in"]) + " " + std::string(parameter["name"]));
    }
    for (const std::string_view name : route.parameters) wanted.insert("query " + std::string(name));
    if (route.pattern.find("{id}") != std::string_view::npos) wanted.insert("path id");
    EXPECT_EQ(described, wanted) << route.pattern;
    EXPECT_EQ(operation.contains("requestBody"), !route.body.empty()) << route.pattern;
  }
}

TEST(OpenApiTest, TextsAreThoseOfTheProtoFiles) {
  const json document = Document();
  EXPECT_THAT(std::string(document["paths"]["/v1/loadTests"]["post"]["description"]),
              HasSubstr("Checks the spec and creates a test"));
  const json& schemas = document["components"]["schemas"];
  EXPECT_THAT(std::string(schemas["LoadTestSpec"]["properties"]["connections"]["description"]),
              HasSubstr("Connections each driver opens before the start"));
  EXPECT_THAT(std::string(schemas["Verdict"]["description"]), HasSubstr("may be believed"));
}

TEST(OpenApiTest, EveryReferenceLeadsSomewhere) {
  const json document = Document();
  int references = 0;
  const std::function<void(const json&)> look = [&](const json& at) {
    if (at.is_object() && at.contains("$ref")) {
      ++references;
      const std::string target = at["$ref"];
      ASSERT_TRUE(target.starts_with("#/")) << target;
      EXPECT_TRUE(document.contains(json::json_pointer(target.substr(1)))) << target;
    }
    if (at.is_structured()) {
      for (const json& part : at) look(part);
    }
  };
  look(document);
  EXPECT_GT(references, 50);
}

TEST(OpenApiTest, TypesAreWrittenAsOurJsonHasThem) {
  const json schemas = Document()["components"]["schemas"];
  const json& spec = schemas["LoadTestSpec"]["properties"];
  EXPECT_EQ(spec["duration"]["type"], "string");
  EXPECT_EQ(spec["labels"]["additionalProperties"]["type"], "string");
  EXPECT_EQ(spec["thresholds"]["items"]["type"], "string");
  EXPECT_EQ(spec["request"]["$ref"], "#/components/schemas/HttpRequest");
  EXPECT_EQ(schemas["HttpRequest"]["properties"]["body"]["contentEncoding"], "base64");
  EXPECT_THAT(schemas["LoadTest"]["properties"]["state"]["enum"], testing::Contains("RUNNING"));
  EXPECT_EQ(schemas["LoadTest"]["additionalProperties"], false);
}

TEST(OpenApiTest, OnlyWhatTellsNothingIsOpenWithoutTheToken) {
  const json document = Document();
  for (const RestRoute& route : ApiRoutes()) {
    const json& operation = document["paths"][std::string(route.pattern)][Lower(route.method)];
    const bool open = route.pattern == "/healthz" || route.pattern == "/openapi.json";
    EXPECT_EQ(route.open, open) << route.pattern;
    EXPECT_EQ(operation.contains("security"), open) << route.pattern;
  }
}

}  // namespace
}  // namespace loadtest
