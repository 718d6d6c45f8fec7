#include "common/json/proto_json.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <set>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/nearest.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"

namespace loadtest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Json = nlohmann::ordered_json;

constexpr int64_t kExactInDouble = int64_t{1} << 53;
constexpr int kMaxDepth = 64;

// The value as a person wrote it, cut when it is long.
std::string Show(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

std::string Join(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

absl::Status Wrong(const std::string& path, const Json& got, std::string_view want) {
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: got %s, want %s", path.empty() ? "(top)" : path, Show(got), want));
}

std::vector<std::string> FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

std::string EnumNames(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) names.push_back(type.value(i)->name());
  }
  return absl::StrJoin(names, ", ");
}

absl::Status CheckMessage(const std::string& path, const Descriptor& type, Json& json, int depth);

// A whole number, as a number or as a string, within [low, high].
absl::Status CheckInteger(const std::string& path, const Json& json, int64_t low, int64_t high,
                          std::string_view want) {
  int64_t value = 0;
  if (json.is_number_unsigned()) {
    const uint64_t u = json.get<uint64_t>();
    if (u > static_cast<uint64_t>(high)) return Wrong(path, json, want);
    value = static_cast<int64_t>(u);
  } else if (json.is_number_integer()) {
    value = json.get<int64_t>();
  } else if (json.is_string()) {
    const std::string& text = json.get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return Wrong(path, json, want);
  } else {
    return Wrong(path, json, want);
  }
  if (value < low || value > high) return Wrong(path, json, want);
  return absl::OkStatus();
}

// RFC 4648 sections 4 and 5; protobuf takes both alphabets, and does without the padding.
bool IsBase64(std::string_view text) {
  size_t end = text.size();
  while (end > 0 && text.size() - end < 2 && text[end - 1] == '=') --end;
  const auto is_digit = [](unsigned char c) {
    return std::isalnum(c) || c == '+' || c == '/' || c == '-' || c == '_';
  };
  return end % 4 != 1 && std::all_of(text.begin(), text.begin() + end, is_digit);
}

// Checks one value against the field's type. Durations are rewritten to protobuf's form.
absl::Status CheckValue(const std::string& path, const FieldDescriptor& field, Json& json,
                        int depth) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.type() == FieldDescriptor::TYPE_BYTES) {
        return json.is_string() && IsBase64(json.get_ref<const std::string&>())
                   ? absl::OkStatus()
                   : Wrong(path, json, "a string in base64");
      }
      return json.is_string() ? absl::OkStatus() : Wrong(path, json, "a string");
    case FieldDescriptor::CPPTYPE_BOOL:
      return json.is_boolean() ? absl::OkStatus() : Wrong(path, json, "true or false");
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      if (!json.is_number()) return Wrong(path, json, "a number");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT32:
      return CheckInteger(path, json, INT32_MIN, INT32_MAX, "a whole number of 32 bits");
    case FieldDescriptor::CPPTYPE_INT64:
      return CheckInteger(path, json, INT64_MIN, INT64_MAX, "a whole number of 64 bits");
    case FieldDescriptor::CPPTYPE_UINT32:
      return CheckInteger(path, json, 0, UINT32_MAX, "a whole number of 32 bits, not negative");
    case FieldDescriptor::CPPTYPE_UINT64:
      return CheckInteger(path, json, 0, INT64_MAX, "a whole number, not negative");
    case FieldDescriptor::CPPTYPE_ENUM: {
      const google::protobuf::EnumDescriptor& type = *field.enum_type();
      if (json.is_string() && type.FindValueByName(json.get<std::string>()) != nullptr) {
        return absl::OkStatus();
      }
      return Wrong(path, json, absl::StrFormat("one of %s", EnumNames(type)));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  const std::string& type = field.message_type()->full_name();
  if (type == "google.protobuf.Duration") {
    if (!json.is_string()) return Wrong(path, json, "a duration such as \"500ms\" or \"1m30s\"");
    const absl::StatusOr<int64_t> ns = ParseDuration(json.get<std::string>());
    if (!ns.ok()) return Wrong(path, json, "a duration such as \"500ms\" or \"1m30s\"");
    const int64_t magnitude = std::abs(*ns);
    json = absl::StrFormat("%s%d.%09ds", *ns < 0 ? "-" : "", magnitude / 1'000'000'000,
                           magnitude % 1'000'000'000);
    return absl::OkStatus();
  }
  if (type == "google.protobuf.Timestamp") {
    return json.is_string() ? absl::OkStatus()
                            : Wrong(path, json, "a time such as \"2026-01-31T12:00:00Z\"");
  }
  return CheckMessage(path, *field.message_type(), json, depth + 1);
}

absl::Status CheckField(const std::string& path, const FieldDescriptor& field, Json& json,
                        int depth) {
  if (field.is_map()) {
    if (!json.is_object()) return Wrong(path, json, "an object");
    for (auto& [key, value] : json.items()) {
      RETURN_IF_ERROR(
          CheckValue(Join(path, key), *field.message_type()->map_value(), value, depth));
    }
    return absl::OkStatus();
  }
  if (field.is_repeated()) {
    if (!json.is_array()) return Wrong(path, json, "a list");
    for (size_t i = 0; i < json.size(); ++i) {
      RETURN_IF_ERROR(CheckValue(absl::StrFormat("%s[%d]", path, i), field, json[i], depth));
    }
    return absl::OkStatus();
  }
  return CheckValue(path, field, json, depth);
}

absl::Status CheckMessage(const std::string& path, const Descriptor& type, Json& json, int depth) {
  if (depth > kMaxDepth) return Wrong(path, json, absl::StrFormat("at most %d levels", kMaxDepth));
  if (!json.is_object()) return Wrong(path, json, "an object");
  std::set<const FieldDescriptor*> seen;
  const FieldDescriptor* chosen_of_oneof = nullptr;
  for (auto& [key, value] : json.items()) {
    const FieldDescriptor* field = type.FindFieldByName(key);
    if (field == nullptr) field = type.FindFieldByCamelcaseName(key);
    const std::string at = Join(path, key);
    if (field == nullptr) {
      const std::string hint = DidYouMean(key, FieldNames(type));
      return absl::InvalidArgumentError(absl::StrFormat("%s: unknown key%s want one of %s", at,
                                                        hint.empty() ? ";" : hint,
                                                        absl::StrJoin(FieldNames(type), ", ")));
    }
    if (!seen.insert(field).second) {
      return absl::InvalidArgumentError(absl::StrFormat("%s: given twice; want it once", at));
    }
    if (value.is_null()) return Wrong(at, value, "a value, or the key left out");
    if (field->real_containing_oneof() != nullptr) {
      if (chosen_of_oneof != nullptr) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "%s: got it beside %s, want only one of them", at, chosen_of_oneof->name()));
      }
      chosen_of_oneof = field;
    }
    RETURN_IF_ERROR(CheckField(at, *field, value, depth));
  }
  return absl::OkStatus();
}

// nlohmann's parser keeps the last of two equal keys; a person who wrote both made a mistake.
class DuplicateKeys {
 public:
  bool operator()(int, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
        keys_.emplace_back();
        break;
      case Json::parse_event_t::object_end:
        keys_.pop_back();
        break;
      case Json::parse_event_t::key:
        if (!keys_.back().insert(parsed.get<std::string>()).second && duplicate_.empty()) {
          duplicate_ = parsed.get<std::string>();
        }
        break;
      default:
        break;
    }
    return true;
  }
  const std::string& duplicate() const { return duplicate_; }

 private:
  std::vector<std::set<std::string>> keys_;
  std::string duplicate_;
};

absl::Status SyntaxError(std::string_view text, std::string_view source,
                         const nlohmann::json::parse_error& error) {
  const size_t at = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());
  const std::string_view before = text.substr(0, at);
  const size_t line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ...": the part
  // that says something.
  std::string what = error.what();
  if (const size_t start = what.find(": "); start != std::string::npos)
    what = what.substr(start + 2);
  return absl::InvalidArgumentError(
      absl::StrFormat("%s:%d:%d: not JSON: %s", source, line, at - line_start + 1, what));
}

// Turns 64-bit integers, which protobuf writes as strings, into numbers where a double holds them
// exactly.
void Unquote(const Descriptor& type, Json& json);

void UnquoteValue(const FieldDescriptor& field, Json& json) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (json.is_object()) Unquote(*field.message_type(), json);
    return;
  }
  if (!json.is_string() || (field.cpp_type() != FieldDescriptor::CPPTYPE_INT64 &&
                            field.cpp_type() != FieldDescriptor::CPPTYPE_UINT64)) {
    return;
  }
  const std::string& text = json.get_ref<const std::string&>();
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value > -kExactInDouble &&
      value < kExactInDouble) {
    json = value;
  }
}

void Unquote(const Descriptor& type, Json& json) {
  for (auto& [key, value] : json.items()) {
    const FieldDescriptor* field = type.FindFieldByName(key);
    if (field == nullptr) continue;
    if (field->is_map()) {
      for (auto& [map_key, map_value] : value.items()) {
        UnquoteValue(*field->message_type()->map_value(), map_value);
      }
    } else if (field->is_repeated()) {
      for (Json& item : value) UnquoteValue(*field, item);
    } else {
      UnquoteValue(*field, value);
    }
  }
}

}  // namespace

absl::Status JsonToProto(std::string_view text, std::string_view source,
                         google::protobuf::Message& message) {
  message.Clear();
  Json json;
  DuplicateKeys duplicates;
  try {
    json = Json::parse(
        text,
        [&duplicates](int depth, Json::parse_event_t event, Json& parsed) {
          return duplicates(depth, event, parsed);
        },
        /*allow_exceptions=*/true, /*ignore_comments=*/true);
  } catch (const nlohmann::json::parse_error& error) {
    return SyntaxError(text, source, error);
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: not JSON: %s", source, error.what()));
  }
  if (!duplicates.duplicate().empty()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %s: given twice; want it once", source, duplicates.duplicate()));
  }
  absl::Status status = CheckMessage("", *message.GetDescriptor(), json, 0);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %s", source, std::string(status.message())));
  }
  const auto converted = google::protobuf::util::JsonStringToMessage(
      json.dump(-1, ' ', false, Json::error_handler_t::replace), &message);
  if (!converted.ok()) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: %s", source, converted.ToString()));
  }
  return absl::OkStatus();
}

std::string ProtoToJson(const google::protobuf::Message& message, int indent, bool defaults) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = defaults;
  std::string text;
  // Fails only for messages that no document of ours has (an Any of an unknown type).
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return "{}";
  Json json = Json::parse(text);
  Unquote(*message.GetDescriptor(), json);
  return json.dump(indent > 0 ? indent : -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace loadtest
