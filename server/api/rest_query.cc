#include "server/api/rest_query.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"

namespace loadtest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::optional<char> HexByte(std::string_view digits) {
  uint8_t byte = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, byte, 16);
  if (digits.size() != 2 || error != std::errc() || rest != end) return std::nullopt;
  return static_cast<char>(byte);
}

// Protobuf's strings are UTF-8; anything else would come back mangled. Structure only: overlong
// forms are left to protobuf.
bool IsUtf8(std::string_view text) {
  size_t follow = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (follow > 0) {
      if ((byte & 0xC0) != 0x80) return false;
      --follow;
    } else if (byte >= 0x80) {
      if ((byte & 0xE0) == 0xC0) follow = 1;
      else if ((byte & 0xF0) == 0xE0) follow = 2;
      else if ((byte & 0xF8) == 0xF0) follow = 3;
      else return false;
    }
  }
  return follow == 0;
}

absl::StatusOr<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const std::optional<char> byte = HexByte(text.substr(i + 1, 2));
      if (!byte) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "target: got \"%s\", want %% only before two hexadecimal digits", text.substr(i, 3)));
      }
      decoded.push_back(*byte);
      i += 2;
    } else {
      decoded.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  if (!IsUtf8(decoded)) {
    return absl::InvalidArgumentError("target: has bytes that are not UTF-8, want UTF-8");
  }
  return decoded;
}

// "excludeDrivers" -> "exclude_drivers"
std::string SnakeCase(std::string_view name) {
  std::string snake;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      snake += '_';
      snake += static_cast<char>(c - 'A' + 'a');
    } else {
      snake += c;
    }
  }
  return snake;
}

absl::Status AddParameter(std::string_view pair, RestTarget& target) {
  const size_t equals = pair.find('=');
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  ASSIGN_OR_RETURN(std::string name, PercentDecode(pair.substr(0, equals), true));
  ASSIGN_OR_RETURN(std::string decoded, PercentDecode(value, true));
  name = SnakeCase(name);
  if (!target.query.try_emplace(name, std::move(decoded)).second) {
    return absl::InvalidArgumentError(
        absl::StrFormat("query: got \"%s\" more than once, want it once", name));
  }
  return absl::OkStatus();
}

absl::Status Wrong(const FieldDescriptor& field, std::string_view value, std::string_view want) {
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: got \"%s\", want %s", field.name(), value, want));
}

std::string EnumNames(const google::protobuf::EnumDescriptor& type) {
  std::string names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;
    names += absl::StrFormat("%s%s", names.empty() ? "" : ", ", type.value(i)->name());
  }
  return names;
}

// One value, or one element of a list.
absl::Status AddValue(const FieldDescriptor& field, const std::string& value, Message& request) {
  const Reflection& reflection = *request.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    const auto* found = field.enum_type()->FindValueByName(value);
    if (found == nullptr || found->number() == 0) {
      return Wrong(field, value, "one of " + EnumNames(*field.enum_type()));
    }
    field.is_repeated() ? reflection.AddEnum(&request, &field, found)
                        : reflection.SetEnum(&request, &field, found);
    return absl::OkStatus();
  }
  field.is_repeated() ? reflection.AddString(&request, &field, value)
                      : reflection.SetString(&request, &field, value);
  return absl::OkStatus();
}

absl::Status AddMapEntry(const FieldDescriptor& field, const std::string& pair, Message& request) {
  const size_t equals = pair.find('=');
  if (equals == std::string::npos || equals == 0) return Wrong(field, pair, "KEY=VALUE,KEY=VALUE");
  Message& entry = *request.GetReflection()->AddMessage(&request, &field);
  const google::protobuf::Descriptor& type = *field.message_type();
  entry.GetReflection()->SetString(&entry, type.map_key(), pair.substr(0, equals));
  entry.GetReflection()->SetString(&entry, type.map_value(), pair.substr(equals + 1));
  return absl::OkStatus();
}

// A duration, or a field mask.
absl::Status SetMessage(const FieldDescriptor& field, const std::string& value, Message& request) {
  Message& message = *request.GetReflection()->MutableMessage(&request, &field);
  if (auto* mask = dynamic_cast<google::protobuf::FieldMask*>(&message)) {
    for (const auto& path : absl::StrSplit(value, ',')) {
      mask->add_paths(SnakeCase({path.data(), path.size()}));
    }
    return absl::OkStatus();
  }
  const absl::StatusOr<int64_t> ns = ParseDuration(value);
  if (!ns.ok() || *ns < 0) return Wrong(field, value, "a duration such as 500ms or 1m30s");
  auto& duration = dynamic_cast<google::protobuf::Duration&>(message);
  duration.set_seconds(*ns / 1'000'000'000);
  duration.set_nanos(static_cast<int32_t>(*ns % 1'000'000'000));
  return absl::OkStatus();
}

absl::Status SetField(const FieldDescriptor& field, const std::string& value, Message& request) {
  if (field.is_repeated()) {
    for (const auto& item : absl::StrSplit(value, ',', absl::SkipEmpty())) {
      RETURN_IF_ERROR(field.is_map() ? AddMapEntry(field, std::string(item), request)
                                     : AddValue(field, std::string(item), request));
    }
    return absl::OkStatus();
  }
  const Reflection& reflection = *request.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetMessage(field, value, request);
    case FieldDescriptor::CPPTYPE_BOOL:
      if (value != "true" && value != "false") return Wrong(field, value, "true or false");
      reflection.SetBool(&request, &field, value == "true");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t number = 0;
      const auto [rest, error] =
          std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc() || rest != value.data() + value.size()) {
        return Wrong(field, value, "a whole number");
      }
      reflection.SetInt32(&request, &field, number);
      return absl::OkStatus();
    }
    default:
      return AddValue(field, value, request);
  }
}

}  // namespace

absl::StatusOr<RestTarget> ParseTarget(std::string_view text) {
  RestTarget target;
  const size_t question = text.find('?');
  ASSIGN_OR_RETURN(target.path, PercentDecode(text.substr(0, question), false));
  if (question == std::string_view::npos) return target;
  std::string_view rest = text.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    if (!pair.empty()) RETURN_IF_ERROR(AddParameter(pair, target));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
  }
  return target;
}

absl::Status CheckKnownParameters(const RestTarget& target,
                                  std::span<const std::string_view> known) {
  for (const auto& [name, value] : target.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    if (known.empty()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("query: unknown parameter \"%s\", want none", name));
    }
    std::string names;
    for (const std::string_view one : known) {
      names += absl::StrFormat("%s%s", names.empty() ? "" : ", ", one);
    }
    return absl::InvalidArgumentError(
        absl::StrFormat("query: unknown parameter \"%s\", want one of %s", name, names));
  }
  return absl::OkStatus();
}

absl::Status FillFromQuery(const RestTarget& target, google::protobuf::Message& request) {
  for (const auto& [name, value] : target.query) {
    const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName(name);
    if (field != nullptr) RETURN_IF_ERROR(SetField(*field, value, request));
  }
  return absl::OkStatus();
}

}  // namespace loadtest
