// docs/report.schema.json says what -o json writes. It is made from the descriptor of the message;
// UPDATE_GOLDEN=1 writes it anew.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Json = nlohmann::ordered_json;

class SchemaWriter {
 public:
  Json Write(const Descriptor& root) {
    Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                   {"$id", "urn:loadtest:report:1"},
                   {"title", "The report of a load test, version 1"},
                   {"description",
                    "What loadctl writes with -o json, and REST serves at "
                    "/v1/loadTests/{id}/report. docs/report.md explains the fields. New fields may "
                    "come without a new version: ignore what you do not know."}};
    schema.update(Message(root));
    schema["properties"]["report_version"] = {{"const", 1}};
    schema["required"].push_back("load_test");
    // Grows while its messages are written.
    Json definitions = Json::object();
    while (!waiting_.empty()) {
      const Descriptor* next = *waiting_.begin();
      waiting_.erase(waiting_.begin());
      definitions[Name(*next)] = Message(*next);
    }
    std::map<std::string, Json> sorted;
    for (const auto& [name, definition] : definitions.items()) sorted[name] = definition;
    schema["$defs"] = Json::object();
    for (const auto& [name, definition] : sorted) schema["$defs"][name] = definition;
    return schema;
  }

 private:
  // "loadtest.v1.LoadTest" -> "LoadTest"
  static std::string Name(const Descriptor& message) {
    return message.full_name().substr(message.file()->package().size() + 1);
  }

  Json Message(const Descriptor& message) {
    Json properties = Json::object();
    Json required = Json::array();
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      properties[field.name()] = Field(field);
      // Zeros are written, messages that are not there are not.
      const bool may_lack = field.real_containing_oneof() != nullptr ||
                            (!field.is_repeated() && field.message_type() != nullptr);
      if (!may_lack) required.push_back(field.name());
    }
    Json out = {{"type", "object"}, {"properties", properties}};
    out["required"] = required;
    return out;
  }

  Json Field(const FieldDescriptor& field) {
    if (field.is_map()) {
      return {{"type", "object"},
              {"additionalProperties", Value(*field.message_type()->map_value())}};
    }
    if (field.is_repeated()) return {{"type", "array"}, {"items", Value(field)}};
    return Value(field);
  }

  Json Value(const FieldDescriptor& field) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        return {{"type", "boolean"}};
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        return {{"type", "number"}};
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_UINT32:
        return {{"type", "integer"}};
      case FieldDescriptor::CPPTYPE_INT64:
      case FieldDescriptor::CPPTYPE_UINT64:
        // Beyond 2^53 they are strings.
        return {{"type", {"integer", "string"}}, {"pattern", "^-?[0-9]+$"}};
      case FieldDescriptor::CPPTYPE_STRING:
        if (field.type() == FieldDescriptor::TYPE_BYTES)
          return {{"type", "string"}, {"contentEncoding", "base64"}};
        return {{"type", "string"}};
      case FieldDescriptor::CPPTYPE_ENUM: {
        Json names = Json::array();
        for (int i = 0; i < field.enum_type()->value_count(); ++i)
          names.push_back(field.enum_type()->value(i)->name());
        return {{"enum", names}};
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;
    }
    const Descriptor& message = *field.message_type();
    if (message.full_name() == "google.protobuf.Timestamp")
      return {{"type", "string"}, {"format", "date-time"}};
    if (message.full_name() == "google.protobuf.Duration")
      return {{"type", "string"}, {"pattern", "^-?[0-9]+([.][0-9]+)?s$"}};
    if (seen_.insert(&message).second) waiting_.insert(&message);
    return {{"$ref", "#/$defs/" + Name(message)}};
  }

  std::set<const Descriptor*> seen_;
  std::set<const Descriptor*> waiting_;
};

TEST(ReportSchema, IsThatOfTheMessage) {
  const std::string path = SOURCE_DIR "/docs/report.schema.json";
  const std::string wanted = SchemaWriter().Write(*v1::Report::descriptor()).dump(1) + "\n";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << wanted;
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_EQ(content.str(), wanted) << "write it anew with UPDATE_GOLDEN=1 client_test";
}

}  // namespace
}  // namespace loadtest
