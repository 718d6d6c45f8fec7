#include "common/config/config.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <cctype>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/base/time.h"
#include "common/config/settings.h"
#include "common/json/proto_json.h"

extern char** environ;

namespace loadtest {
namespace {

constexpr char kDefaultFile[] = "config.json";
constexpr char kEnvironmentPrefix[] = "LOADTEST_";

absl::Status At(std::string_view place, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: %s", place, std::string(status.message())));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in)
    return absl::InvalidArgumentError(
        absl::StrFormat("cannot read %s; want a readable file", path));
  return text.str();
}

absl::Status ApplyFile(const std::string& path, const std::vector<SettingInfo>& settings,
                       v1::Config& config) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  v1::Config from_file;
  RETURN_IF_ERROR(JsonToProto(text, path, from_file));
  for (const SettingInfo& info : settings) {
    const auto& reflection = *from_file.GetReflection();
    if (!reflection.HasField(from_file, info.section)) continue;
    const auto& section = reflection.GetMessage(from_file, info.section);
    if (info.field->is_repeated() || !section.GetReflection()->HasField(section, info.field))
      continue;
    RETURN_IF_ERROR(At(absl::StrFormat("%s: %s", path, info.path), CheckSetting(info, from_file)));
    // A duration is taken whole: merged into a default of 1 s, 500 ms would make 1.5 s of it.
    if (info.field->message_type() != nullptr) {
      auto* mine = config.GetReflection()->MutableMessage(&config, info.section);
      mine->GetReflection()->ClearField(mine, info.field);
    }
  }
  config.MergeFrom(from_file);
  return absl::OkStatus();
}

const SettingInfo* FindByPath(const std::vector<SettingInfo>& settings, std::string_view path) {
  for (const SettingInfo& info : settings) {
    if (info.path == path) return &info;
  }
  return nullptr;
}

// Kubernetes gives every pod variables of the services beside it: X_SERVICE_HOST, and X_PORT with a
// URL. A service called loadtest-orchestrator makes them read like misspelt settings.
bool IsServiceLink(std::string_view name, std::string_view value) {
  return name.find("_SERVICE_HOST") != name.npos || name.find("_SERVICE_PORT") != name.npos ||
         value.rfind("tcp://", 0) == 0 || value.rfind("udp://", 0) == 0;
}

absl::Status ApplyEnvironment(const ConfigSources& sources,
                              const std::vector<SettingInfo>& settings, v1::Config& config) {
  for (const auto& [name, value] : sources.environment) {
    const SettingInfo* found = nullptr;
    for (const SettingInfo& info : settings) {
      if (info.environment == name) found = &info;
    }
    if (found == nullptr) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "environment variable %s: names no setting; want LOADTEST_SECTION_KEY as "
          "in docs/configuration.md%s",
          name,
          IsServiceLink(name, value)
              ? "; it describes a Kubernetes service: want enableServiceLinks: false "
                "in the pod's spec, or another name for the service"
              : ""));
    }
    RETURN_IF_ERROR(
        At(absl::StrFormat("environment variable %s", name), SetFromText(*found, value, config)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Config> LoadConfig(const ConfigSources& sources) {
  const std::vector<SettingInfo> settings = AllSettings();
  v1::Config config;
  for (const SettingInfo& info : settings) {
    if (!info.field->is_repeated()) {
      RETURN_IF_ERROR(At(info.path, SetFromText(info, info.setting->default_value(), config)));
    }
  }
  if (!sources.file.empty()) {
    RETURN_IF_ERROR(ApplyFile(sources.file, settings, config));
  } else if (access(kDefaultFile, F_OK) == 0) {
    RETURN_IF_ERROR(ApplyFile(kDefaultFile, settings, config));
  }
  RETURN_IF_ERROR(ApplyEnvironment(sources, settings, config));
  for (const ConfigSources::Override& override : sources.overrides) {
    const SettingInfo* info = FindByPath(settings, override.path);
    if (info == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s: \"%s\" is no setting; want SECTION.KEY as in docs/configuration.md",
                          override.flag, override.path));
    }
    RETURN_IF_ERROR(At(override.flag, SetFromText(*info, override.value, config)));
  }
  return config;
}

std::map<std::string, std::string> LoadtestEnvironment() {
  // Only names that begin with a section are settings, right or misspelt: LOADTEST_SERVER, for one,
  // is loadctl's own.
  std::vector<std::string> prefixes;
  const google::protobuf::Descriptor& config = *v1::Config::descriptor();
  for (int i = 0; i < config.field_count(); ++i) {
    std::string prefix = kEnvironmentPrefix + config.field(i)->name() + "_";
    for (char& c : prefix) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    prefixes.push_back(std::move(prefix));
  }
  std::map<std::string, std::string> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    for (const std::string& prefix : prefixes) {
      if (text.rfind(prefix, 0) == 0)
        found.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return found;
}

absl::StatusOr<HostPort> ParseHostPort(std::string_view text, std::string_view what) {
  const absl::Status wrong = absl::InvalidArgumentError(
      absl::StrFormat("%s: got \"%s\", want HOST:PORT with a port from 0 to 65535", what, text));
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  HostPort out;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (error != std::errc() || end != digits.data() + digits.size() || out.port < 0 ||
      out.port > 65535)
    return wrong;
  if (host.front() == '[') {
    if (host.back() != ']') return wrong;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong;
  }
  if (host.empty()) return wrong;
  out.host = std::string(host);
  return out;
}

bool IsLoopback(std::string_view host) {
  const std::string name(host);
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  if (inet_pton(AF_INET6, name.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return name == "localhost";
}

int64_t ToNanos(const google::protobuf::Duration& duration) {
  return duration.seconds() * kNanosPerSecond + duration.nanos();
}

google::protobuf::Duration ToDuration(int64_t ns) {
  google::protobuf::Duration out;
  out.set_seconds(ns / kNanosPerSecond);
  out.set_nanos(static_cast<int32_t>(ns % kNanosPerSecond));
  return out;
}

}  // namespace loadtest
