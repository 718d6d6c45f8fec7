#include "server/api/json_schema.h"

#include <cstdint>
#include <limits>

namespace loadtest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr char kDurationPattern[] = "^-?(0|([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+)$";

SchemaJson Integer64(bool is_signed) {
  // A number, or, beyond 2^53, its digits: a double would not hold them all.
  return {{"oneOf",
           {{{"type", "integer"}, {"minimum", is_signed ? INT64_MIN : int64_t{0}}, {"maximum", INT64_MAX}},
            {{"type", "string"}, {"pattern", is_signed ? "^-?[0-9]{1,19}$" : "^[0-9]{1,20}$"}}}}};
}

SchemaJson Enum(const google::protobuf::EnumDescriptor& type) {
  SchemaJson names = SchemaJson::array();
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return {{"type", "string"}, {"enum", std::move(names)}};
}

SchemaJson OfMap(JsonSchemas& schemas, const FieldDescriptor& field) {
  return {{"type", "object"},
          {"additionalProperties", schemas.Of(*field.message_type()->map_value())}};
}

}  // namespace

SchemaJson JsonSchemas::Of(const Descriptor& message) {
  const std::string& full_name = message.full_name();
  if (full_name == "google.protobuf.Duration") {
    return {{"type", "string"}, {"pattern", kDurationPattern}, {"examples", {"500ms", "1m30s"}}};
  }
  if (full_name == "google.protobuf.Timestamp") return {{"type", "string"}, {"format", "date-time"}};
  if (full_name == "google.protobuf.FieldMask") return {{"type", "string"}};
  if (full_name == "google.protobuf.Empty") {
    return {{"type", "object"}, {"additionalProperties", false}};
  }
  const std::string& name = message.name();
  if (!schemas_.contains(name)) {
    schemas_[name] = SchemaJson();  // before its fields, which may refer to it
    SchemaJson properties = SchemaJson::object();
    for (int i = 0; i < message.field_count(); ++i) {
      properties[message.field(i)->name()] = Of(*message.field(i));
    }
    SchemaJson schema = {{"type", "object"}};
    if (const std::string comment = CommentOf(message); !comment.empty()) {
      schema["description"] = comment;
    }
    schema["properties"] = std::move(properties);
    schema["additionalProperties"] = false;
    schemas_[name] = std::move(schema);
  }
  return {{"$ref", "#/components/schemas/" + name}};
}

SchemaJson JsonSchemas::OfElement(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Of(*field.message_type());
    case FieldDescriptor::CPPTYPE_ENUM:
      return Enum(*field.enum_type());
    case FieldDescriptor::CPPTYPE_BOOL:
      return {{"type", "boolean"}};
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return {{"type", "number"}};
    case FieldDescriptor::CPPTYPE_INT32:
      return {{"type", "integer"}, {"minimum", INT32_MIN}, {"maximum", INT32_MAX}};
    case FieldDescriptor::CPPTYPE_UINT32:
      return {{"type", "integer"}, {"minimum", 0}, {"maximum", UINT32_MAX}};
    case FieldDescriptor::CPPTYPE_INT64:
      return Integer64(true);
    case FieldDescriptor::CPPTYPE_UINT64:
      return Integer64(false);
    case FieldDescriptor::CPPTYPE_STRING:
      break;
  }
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    return {{"type", "string"}, {"contentEncoding", "base64"}};
  }
  return {{"type", "string"}};
}

SchemaJson JsonSchemas::Of(const FieldDescriptor& field) {
  SchemaJson schema = OfElement(field);
  if (field.is_map()) {
    schema = OfMap(*this, field);
  } else if (field.is_repeated()) {
    schema = {{"type", "array"}, {"items", std::move(schema)}};
  }
  if (const std::string comment = CommentOf(field); !comment.empty()) {
    schema["description"] = comment;
  }
  return schema;
}

}  // namespace loadtest
