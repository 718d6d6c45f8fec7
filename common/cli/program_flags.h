// The flags that orchestrator, driver and target have in common, over CLI11.
#pragma once

#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/config/config.h"

namespace loadtest {

// Exit codes of all programs (docs: README, section "Exit codes").
enum ExitCode {
  kExitOk = 0,
  kExitInternal = 1,
  kExitUsage = 2,
  kExitThreshold = 3,
  kExitInvalidVerdict = 4,
  kExitNoRequestSucceeded = 5,
  kExitStopped = 6,
  kExitUnreachable = 7,
};

// How the program's log lines look.
LogFormat LogFormatOf(const v1::Config& config);

// A flag that sets one setting of the configuration.
struct SettingFlag {
  std::string flag;     // "--grpc"
  std::string setting;  // "orchestrator.grpc_address"
  std::string help;
  std::string value_name;  // "ADDR"
};

struct ProgramFlags {
  std::string name;         // "orchestrator"
  std::string description;  // one or two sentences for --help
  std::vector<SettingFlag> settings;
  // Other options that take a value and are not settings: flag -> where to put it.
  struct Extra {
    std::string flag;
    std::string* value;
    std::string help;
    std::string value_name;
  };
  std::vector<Extra> extras;
  // An optional positional argument that is a setting ("orchestrator.drivers" of `orchestrator N`);
  // empty flag: none.
  SettingFlag positional;
  // Options without a value that are not settings.
  struct Switch {
    std::string flag;
    bool* value;
    std::string help;
  };
  std::vector<Switch> switches = {};
  // Shown below the flags.
  std::string examples = {};
};

// Reads argv, environment and file. Handles --help, --version, --print_config, --config FILE and
// --set PATH=VALUE itself. Returns true with `config` filled; false with the exit code to leave
// with (0 after --help; 2 after printing one error line to stderr).
bool ParseProgramFlags(int argc, char** argv, const ProgramFlags& flags, v1::Config& config,
                       int& exit_code);

}  // namespace loadtest
