// The configuration: flag, then environment, then file, then default, all from the settings in
// proto/loadtest/v1/config.proto.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/duration.pb.h"
#include "loadtest/v1/config.pb.h"

namespace loadtest {

struct ConfigSources {
  // Path of the file; empty: "config.json" in the working directory if there is one, else none.
  std::string file;
  // "LOADTEST_KAFKA_BOOTSTRAP_SERVERS" -> value. One that names no setting is refused.
  std::map<std::string, std::string> environment;
  // From flags, strongest: ("orchestrator.drivers", "3"). The second is as in config.json without
  // quotes. The name of the flag for errors is the third.
  struct Override {
    std::string path;
    std::string value;
    std::string flag;
  };
  std::vector<Override> overrides;
};

// Every setting has a value after it. Errors, InvalidArgument, name the source, the path, the value
// and what was wanted.
absl::StatusOr<v1::Config> LoadConfig(const ConfigSources& sources);

// The variables of this process that begin like a setting: LOADTEST_KAFKA_..., LOADTEST_DRIVER_...
// and so on.
std::map<std::string, std::string> LoadtestEnvironment();

// config.json with every setting at its default, and docs/configuration.md. Both are checked in,
// and a test holds them to this.
std::string DefaultConfigJson();
std::string ConfigurationMarkdown();

// The outcome as JSON. Secrets are replaced by "***", unless the reader is another of our programs.
enum class Secrets { kHidden, kWritten };
std::string PrintConfig(const v1::Config& config, Secrets secrets = Secrets::kHidden);

// Splits "HOST:PORT", "[::1]:PORT". InvalidArgument names `what`.
struct HostPort {
  std::string host;
  int port = 0;
};
absl::StatusOr<HostPort> ParseHostPort(std::string_view text, std::string_view what);

// Whether `host` is "localhost" or an address of 127.0.0.0/8 or ::1.
bool IsLoopback(std::string_view host);

int64_t ToNanos(const google::protobuf::Duration& duration);
google::protobuf::Duration ToDuration(int64_t ns);

}  // namespace loadtest
