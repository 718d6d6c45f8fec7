// The settings of Config, one by one, as the options in config.proto describe them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "loadtest/v1/config.pb.h"

namespace loadtest {

struct SettingInfo {
  std::string path;         // "kafka.bootstrap_servers"
  std::string environment;  // "LOADTEST_KAFKA_BOOTSTRAP_SERVERS"
  const google::protobuf::FieldDescriptor* section = nullptr;
  const google::protobuf::FieldDescriptor* field = nullptr;
  const v1::Setting* setting = nullptr;
};

// In the order of config.proto.
std::vector<SettingInfo> AllSettings();

// Sets a setting from text as a flag or the environment has it: lists as "a,b", maps as "k=v,k=v".
// InvalidArgument, without the path: `got "x", want 1 to 64`.
absl::Status SetFromText(const SettingInfo& info, std::string_view text, v1::Config& config);

// Whether the value in `config` lies in the setting's range or set. InvalidArgument as above.
absl::Status CheckSetting(const SettingInfo& info, const v1::Config& config);

// "1 to 64", "one of plaintext, ssl", "a duration from 1ms to 10s": what CheckSetting wants.
std::string WantedText(const SettingInfo& info);

// "string", "true or false", "whole number", "number", "duration", "list", "map".
std::string TypeText(const SettingInfo& info);

}  // namespace loadtest
