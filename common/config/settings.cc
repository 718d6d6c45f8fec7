#include "common/config/settings.h"

#include <algorithm>
#include <cctype>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool IsDuration(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field.is_map();
}

Message& Section(const SettingInfo& info, v1::Config& config) {
  return *config.GetReflection()->MutableMessage(&config, info.section);
}

absl::Status Wrong(const SettingInfo& info, std::string_view got) {
  return absl::InvalidArgumentError(absl::StrFormat("got \"%s\", want %s", got, WantedText(info)));
}

// Bounds are written by us in config.proto, so they always parse.
double Bound(const SettingInfo& info, const std::string& text) {
  return IsDuration(*info.field) ? static_cast<double>(*ParseDuration(text)) : *ParseNumber(text);
}

absl::Status CheckRange(const SettingInfo& info, double value, std::string_view shown) {
  const v1::Setting& s = *info.setting;
  if ((!s.minimum().empty() && value < Bound(info, s.minimum())) ||
      (!s.maximum().empty() && value > Bound(info, s.maximum()))) {
    return Wrong(info, shown);
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<SettingInfo> AllSettings() {
  std::vector<SettingInfo> all;
  const google::protobuf::Descriptor& config = *v1::Config::descriptor();
  for (int i = 0; i < config.field_count(); ++i) {
    const FieldDescriptor* section = config.field(i);
    const google::protobuf::Descriptor& type = *section->message_type();
    for (int j = 0; j < type.field_count(); ++j) {
      const FieldDescriptor* field = type.field(j);
      SettingInfo info;
      info.path = section->name() + "." + field->name();
      info.environment = "LOADTEST_" + section->name() + "_" + field->name();
      std::transform(info.environment.begin(), info.environment.end(), info.environment.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      info.section = section;
      info.field = field;
      info.setting = &field->options().GetExtension(v1::setting);
      all.push_back(std::move(info));
    }
  }
  return all;
}

std::string TypeText(const SettingInfo& info) {
  if (info.field->is_map()) return "map";
  if (info.field->is_repeated()) return "list";
  switch (info.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return "string";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return "number";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "duration";
    default:
      return "whole number";
  }
}

std::string WantedText(const SettingInfo& info) {
  const v1::Setting& s = *info.setting;
  if (s.one_of_size() > 0) return "one of " + absl::StrJoin(s.one_of(), ", ");
  const std::string type = TypeText(info);
  if (type == "map") return "KEY=VALUE,KEY=VALUE";
  if (type == "list") return "VALUE,VALUE";
  if (type == "true or false") return type;
  if (!s.minimum().empty())
    return absl::StrFormat("a %s from %s to %s", type, s.minimum(), s.maximum());
  return "a " + type;
}

absl::Status SetFromText(const SettingInfo& info, std::string_view text, v1::Config& config) {
  Message& section = Section(info, config);
  const Reflection& reflection = *section.GetReflection();
  const std::string value(text);
  if (info.field->is_map()) {
    reflection.ClearField(&section, info.field);
    for (const auto& pair : absl::StrSplit(value, ',', absl::SkipEmpty())) {
      const std::vector<std::string> parts = absl::StrSplit(pair, absl::MaxSplits('=', 1));
      if (parts.size() != 2 || parts[0].empty()) return Wrong(info, text);
      Message* entry = reflection.AddMessage(&section, info.field);
      entry->GetReflection()->SetString(entry, info.field->message_type()->map_key(), parts[0]);
      entry->GetReflection()->SetString(entry, info.field->message_type()->map_value(), parts[1]);
    }
    return absl::OkStatus();
  }
  if (info.field->is_repeated()) {
    reflection.ClearField(&section, info.field);
    for (const auto& item : absl::StrSplit(value, ',', absl::SkipEmpty())) {
      reflection.AddString(&section, info.field, std::string(item));
    }
    return absl::OkStatus();
  }
  switch (info.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection.SetString(&section, info.field, value);
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      if (text != "true" && text != "false") return Wrong(info, text);
      reflection.SetBool(&section, info.field, text == "true");
      break;
    case FieldDescriptor::CPPTYPE_INT32: {
      const absl::StatusOr<int64_t> number = ParseCount(text);
      if (!number.ok() || *number > INT32_MAX) return Wrong(info, text);
      reflection.SetInt32(&section, info.field, static_cast<int32_t>(*number));
      break;
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const absl::StatusOr<double> number = ParseNumber(text);
      if (!number.ok()) return Wrong(info, text);
      reflection.SetDouble(&section, info.field, *number);
      break;
    }
    default: {
      const absl::StatusOr<int64_t> ns = ParseDuration(text);
      if (!ns.ok()) return Wrong(info, text);
      reflection.MutableMessage(&section, info.field)->CopyFrom(ToDuration(*ns));
      break;
    }
  }
  return CheckSetting(info, config);
}

absl::Status CheckSetting(const SettingInfo& info, const v1::Config& config) {
  if (info.field->is_repeated()) return absl::OkStatus();
  const Message& section = config.GetReflection()->GetMessage(config, info.section);
  const Reflection& reflection = *section.GetReflection();
  switch (info.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value = reflection.GetString(section, info.field);
      const auto& one_of = info.setting->one_of();
      if (!one_of.empty() && std::find(one_of.begin(), one_of.end(), value) == one_of.end()) {
        return Wrong(info, value);
      }
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT32: {
      const int32_t value = reflection.GetInt32(section, info.field);
      return CheckRange(info, value, absl::StrFormat("%d", value));
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double value = reflection.GetDouble(section, info.field);
      return CheckRange(info, value, absl::StrFormat("%g", value));
    }
    default: {
      const auto& value = static_cast<const google::protobuf::Duration&>(
          reflection.GetMessage(section, info.field));
      const int64_t ns = ToNanos(value);
      return CheckRange(info, static_cast<double>(ns), FormatDuration(ns));
    }
  }
}

}  // namespace loadtest
