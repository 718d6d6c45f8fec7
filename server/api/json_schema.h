// Protobuf messages as JSON Schema (2020-12), in the form that common/json writes and reads.
#pragma once

#include <map>
#include <string>

#include "google/protobuf/descriptor.h"
#include "nlohmann/json.hpp"

namespace loadtest {

using SchemaJson = nlohmann::ordered_json;

// The text of the comment before a message, field or method, or behind it; from a pool that was
// built with source info.
template <typename Descriptor>
std::string CommentOf(const Descriptor& descriptor) {
  google::protobuf::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) return "";
  std::string text =
      location.leading_comments.empty() ? location.trailing_comments : location.leading_comments;
  std::string plain;
  // Each line begins with the blank after "//".
  for (size_t i = 0; i < text.size(); ++i) {
    const bool line_start = i == 0 || text[i - 1] == '\n';
    if (line_start && text[i] == ' ') continue;
    plain += text[i] == '\n' ? ' ' : text[i];
  }
  while (!plain.empty() && plain.back() == ' ') plain.pop_back();
  return plain;
}

// Collects the schema of each message that is referred to.
class JsonSchemas {
 public:
  // {"$ref": "#/components/schemas/Name"}; for well-known types their own schema.
  SchemaJson Of(const google::protobuf::Descriptor& message);
  // Of a field's value, with its comment.
  SchemaJson Of(const google::protobuf::FieldDescriptor& field);
  // One element of it, when the field is repeated.
  SchemaJson OfElement(const google::protobuf::FieldDescriptor& field);

  // By name: all that Of() has referred to.
  const std::map<std::string, SchemaJson>& all() const { return schemas_; }

 private:
  std::map<std::string, SchemaJson> schemas_;
};

}  // namespace loadtest
