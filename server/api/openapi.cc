#include "server/api/openapi.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "common/base/version.h"
#include "google/protobuf/descriptor.pb.h"
#include "proto/service_descriptors.h"
#include "server/api/json_schema.h"
#include "server/api/rest_routes.h"

namespace loadtest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

constexpr char kService[] = "loadtest.v1.LoadTestService";

// The proto files with their comments. What is embedded was written by protoc, so it parses.
std::unique_ptr<DescriptorPool> PoolWithComments() {
  google::protobuf::FileDescriptorSet files;
  const std::string_view bytes = ServiceDescriptors();
  auto pool = std::make_unique<DescriptorPool>();
  bool built = files.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  for (const auto& file : files.file()) built = built && pool->BuildFile(file) != nullptr;
  if (!built || pool->FindServiceByName(kService) == nullptr) {
    std::fputs("openapi: the embedded descriptors do not fit this program\n", stderr);
    std::abort();
  }
  return pool;
}

// A parameter of the query: lists and maps come as "a,b" and "k=v,k=v".
SchemaJson QueryParameter(JsonSchemas& schemas, const FieldDescriptor& field) {
  SchemaJson schema = {{"type", "string"}};
  SchemaJson parameter = {{"name", field.name()}, {"in", "query"}};
  if (field.is_map()) {
    schema = {{"type", "string"}, {"examples", {"team=web,env=staging"}}};
  } else if (field.is_repeated()) {
    schema = {{"type", "array"}, {"items", schemas.OfElement(field)}};
    parameter["style"] = "form";
    parameter["explode"] = false;
  } else {
    schema = schemas.OfElement(field);
  }
  if (const std::string comment = CommentOf(field); !comment.empty()) {
    parameter["description"] = comment;
  }
  parameter["schema"] = std::move(schema);
  return parameter;
}

SchemaJson IdParameter() {
  return {{"name", "id"},
          {"in", "path"},
          {"required", true},
          {"description", "Id of the load test: its name without \"loadTests/\"."},
          {"schema", {{"type", "string"}, {"pattern", "^[a-z][a-z0-9-]{0,62}$"}}},
          {"example", "smoke"}};
}

SchemaJson Content(std::string_view type, SchemaJson schema) {
  return {{std::string(type), {{"schema", std::move(schema)}}}};
}

SchemaJson ErrorResponse(std::string_view description) {
  return {{"description", description},
          {"content", Content("application/json", {{"$ref", "#/components/schemas/Error"}})}};
}

SchemaJson Responses(const RestRoute& route, std::string_view type, std::string_view description,
                     SchemaJson schema) {
  SchemaJson responses;
  responses["200"] = {{"description", description}, {"content", Content(type, std::move(schema))}};
  if (!route.open) responses["401"] = ErrorResponse("The token is missing, or not the right one.");
  responses["default"] = ErrorResponse("What went wrong, with field, value and what was wanted.");
  return responses;
}

SchemaJson Operation(const RestRoute& route, const MethodDescriptor& method, JsonSchemas& schemas) {
  const Descriptor& request = *method.input_type();
  const Descriptor& response = *method.output_type();
  SchemaJson operation = {{"operationId", method.name()}};
  if (const std::string comment = CommentOf(method); !comment.empty()) {
    operation["description"] = comment;
  }
  SchemaJson parameters = SchemaJson::array();
  if (route.pattern.find("{id}") != std::string_view::npos) parameters.push_back(IdParameter());
  for (const std::string_view name : route.parameters) {
    parameters.push_back(QueryParameter(schemas, *request.FindFieldByName(std::string(name))));
  }
  if (!parameters.empty()) operation["parameters"] = std::move(parameters);
  if (!route.body.empty()) {
    const bool whole = route.body == "*";
    const Descriptor& body =
        whole ? request : *request.FindFieldByName(std::string(route.body))->message_type();
    operation["requestBody"] = {{"required", !whole},
                                {"content", Content("application/json", schemas.Of(body))}};
  }
  if (method.server_streaming()) {
    schemas.Of(response);
    operation["responses"] = Responses(
        route, "text/event-stream",
        "Server-sent events. \"update\": data is a " + response.name() +
            ". \"end\": data is {} when the test has ended, else an Error; nothing follows.",
        {{"type", "string"}});
  } else {
    operation["responses"] =
        Responses(route, "application/json", "Done.", schemas.Of(response));
  }
  return operation;
}

// Of what only HTTP has.
SchemaJson PlainOperation(const RestRoute& route) {
  switch (route.action) {
    case RestAction::kGetMetrics:
      return {{"operationId", "GetMetrics"},
              {"description", "The orchestrator's own counters for Prometheus."},
              {"responses", Responses(route, "text/plain", "Text exposition format 0.0.4.",
                                      {{"type", "string"}})}};
    case RestAction::kGetHealth:
      return {{"operationId", "GetHealth"},
              {"description", "Answers while the orchestrator serves, with or without its broker."},
              {"responses",
               Responses(route, "text/plain", "It serves.", {{"type", "string"}})}};
    default:
      return {{"operationId", "GetOpenApi"},
              {"description", "This document."},
              {"responses",
               Responses(route, "application/json", "OpenAPI 3.1.", {{"type", "object"}})}};
  }
}

SchemaJson ErrorSchema() {
  return {{"type", "object"},
          {"required", {"error"}},
          {"properties",
           {{"error",
             {{"type", "object"},
              {"required", {"code", "status", "message"}},
              {"properties",
               {{"code", {{"type", "integer"}, {"description", "The HTTP code."}}},
                {"status",
                 {{"type", "string"}, {"description", "The canonical code: INVALID_ARGUMENT ..."}}},
                {"message",
                 {{"type", "string"},
                  {"description", "Field, value and what was wanted; a line a problem."}}}}}}}}}};
}

std::string LowerCase(std::string_view method) {
  std::string lower;
  for (const char c : method) lower += static_cast<char>(c - 'A' + 'a');
  return lower;
}

}  // namespace

std::string OpenApiDocument(std::span<const RestRoute> routes, bool wants_token) {
  const std::unique_ptr<DescriptorPool> pool = PoolWithComments();
  const auto& service = *pool->FindServiceByName(kService);
  JsonSchemas schemas;
  SchemaJson paths;
  for (const RestRoute& route : routes) {
    if (route.asset != nullptr) continue;
    const MethodDescriptor* method =
        route.rpc.empty() ? nullptr : service.FindMethodByName(std::string(route.rpc));
    SchemaJson operation =
        method != nullptr ? Operation(route, *method, schemas) : PlainOperation(route);
    if (route.open && wants_token) operation["security"] = SchemaJson::array();
    paths[std::string(route.pattern)][LowerCase(route.method)] = std::move(operation);
  }
  SchemaJson document;
  document["openapi"] = "3.1.0";
  document["info"] = {
      {"title", "Load testing"},
      {"version", kVersion},
      {"description",
       "Plans load tests and reports on them. The same messages as gRPC's " + std::string(kService) +
           "; names in lowerCamelCase are read too. Durations are written \"500ms\" or \"1m30s\"."}};
  document["paths"] = std::move(paths);
  document["components"]["schemas"] = schemas.all();
  document["components"]["schemas"]["Error"] = ErrorSchema();
  document["components"]["securitySchemes"]["token"] = {
      {"type", "http"},
      {"scheme", "bearer"},
      {"description", "The token of orchestrator.token_file, where one is configured."}};
  document["security"] = SchemaJson::array();
  if (wants_token) document["security"].push_back({{"token", SchemaJson::array()}});
  return document.dump(2) + "\n";
}

}  // namespace loadtest
