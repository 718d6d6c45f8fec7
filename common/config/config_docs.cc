// config.json, docs/configuration.md and --print_config, written from the settings.
#include "absl/strings/str_format.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/config/settings.h"
#include "common/json/proto_json.h"

namespace loadtest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string Quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// The value of one setting as it stands in config.json, durations in their short form.
std::string ValueJson(const SettingInfo& info, const v1::Config& config, Secrets secrets) {
  const Message& section = config.GetReflection()->GetMessage(config, info.section);
  const google::protobuf::Reflection& reflection = *section.GetReflection();
  if (info.setting->secret() && secrets == Secrets::kHidden &&
      !reflection.GetString(section, info.field).empty()) {
    return "\"***\"";
  }
  std::string out;
  if (info.field->is_map()) {
    for (int i = 0; i < reflection.FieldSize(section, info.field); ++i) {
      const Message& entry = reflection.GetRepeatedMessage(section, info.field, i);
      const google::protobuf::Descriptor& type = *info.field->message_type();
      out += (i > 0 ? ", " : "") + Quote(entry.GetReflection()->GetString(entry, type.map_key())) +
             ": " + Quote(entry.GetReflection()->GetString(entry, type.map_value()));
    }
    return "{" + out + "}";
  }
  if (info.field->is_repeated()) {
    for (int i = 0; i < reflection.FieldSize(section, info.field); ++i) {
      out += (i > 0 ? ", " : "") + Quote(reflection.GetRepeatedString(section, info.field, i));
    }
    return "[" + out + "]";
  }
  switch (info.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return Quote(reflection.GetString(section, info.field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(section, info.field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrFormat("%d", reflection.GetInt32(section, info.field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrFormat("%g", reflection.GetDouble(section, info.field));
    default:
      return Quote(FormatDuration(ToNanos(static_cast<const google::protobuf::Duration&>(
          reflection.GetMessage(section, info.field)))));
  }
}

}  // namespace

std::string PrintConfig(const v1::Config& config, Secrets secrets) {
  std::string out = "{";
  const FieldDescriptor* section = nullptr;
  for (const SettingInfo& info : AllSettings()) {
    if (info.section != section) {
      out += section == nullptr ? "\n" : "\n  },\n";
      out += absl::StrFormat("  \"%s\": {\n", info.section->name());
      section = info.section;
    } else {
      out += ",\n";
    }
    out += absl::StrFormat("    \"%s\": %s", info.field->name(), ValueJson(info, config, secrets));
  }
  return out + "\n  }\n}\n";
}

std::string DefaultConfigJson() {
  v1::Config config;
  for (const SettingInfo& info : AllSettings()) {
    // Defaults are ours, so they always parse; a test loads them.
    if (!info.field->is_repeated())
      SetFromText(info, info.setting->default_value(), config).IgnoreError();
  }
  return PrintConfig(config);
}

std::string ConfigurationMarkdown() {
  std::string out =
      "# Configuration\n\n"
      "All settings of all programs are in one file, `config.json`, read from the working "
      "directory or from `--config FILE`.\n"
      "A setting is taken from the first of: a flag (`--set kafka.topic_prefix=x.`, or its own "
      "flag such as `--kafka`), the environment\n"
      "(`LOADTEST_KAFKA_TOPIC_PREFIX=x.`), the file, the default. `--print_config` shows the "
      "outcome. An unknown key, a wrong type or a value\n"
      "out of range ends the program with exit code 2 and one line that names it.\n\n"
      "Durations are written `500ms`, `1m30s`, `1.5h`; in flags and the environment, lists are "
      "`a,b` and maps `k=v,k=v`.\n\n"
      "This page is generated from `proto/loadtest/v1/config.proto`, which also is what the "
      "programs check against: `tools/update-docs`.\n";
  const FieldDescriptor* section = nullptr;
  for (const SettingInfo& info : AllSettings()) {
    if (info.section != section) {
      section = info.section;
      out += absl::StrFormat(
          "\n## %s\n\n%s\n\n| setting | default | wanted | meaning |\n|---|---|---|---|\n",
          section->name(), section->options().GetExtension(v1::setting).doc());
    }
    std::string default_text = info.setting->default_value();
    if (info.field->is_map()) default_text = "{}";
    if (info.field->is_repeated() && !info.field->is_map()) default_text = "[]";
    if (default_text.empty()) default_text = "\"\"";
    out += absl::StrFormat("| `%s` | `%s` | %s | %s |\n", info.path, default_text, WantedText(info),
                           info.setting->doc());
  }
  return out;
}

}  // namespace loadtest
