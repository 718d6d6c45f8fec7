#include "common/cli/program_flags.h"

#include <cstdio>
#include <deque>

#include "CLI/CLI.hpp"
#include "absl/strings/str_format.h"
#include "common/base/version.h"

namespace loadtest {

LogFormat LogFormatOf(const v1::Config& config) {
  return config.log().format() == "json" ? LogFormat::kJson : LogFormat::kText;
}

bool ParseProgramFlags(int argc, char** argv, const ProgramFlags& flags, v1::Config& config,
                       int& exit_code) {
  CLI::App app(flags.description, flags.name);
  app.get_formatter()->column_width(34);
  app.set_version_flag("--version", std::string(flags.name) + " " + kVersion);
  app.footer(flags.examples);
  ConfigSources sources;
  bool print_config = false;
  std::vector<std::string> sets;
  app.add_option("--config", sources.file,
                 "Configuration file (default: config.json, if there is one)")
      ->type_name("FILE");

  // Values stay texts here: the settings know their types and ranges. A deque, since options keep
  // references.
  std::deque<std::pair<const SettingFlag*, std::string>> values;
  std::vector<std::pair<CLI::Option*, size_t>> options;
  const auto add = [&](const SettingFlag& flag) {
    values.emplace_back(&flag, "");
    options.emplace_back(
        app.add_option(flag.flag, values.back().second, flag.help)->type_name(flag.value_name),
        values.size() - 1);
  };
  if (!flags.positional.flag.empty()) add(flags.positional);
  for (const SettingFlag& flag : flags.settings) add(flag);
  for (const ProgramFlags::Extra& extra : flags.extras) {
    app.add_option(extra.flag, *extra.value, extra.help)->type_name(extra.value_name);
  }
  for (const ProgramFlags::Switch& flag : flags.switches)
    app.add_flag(flag.flag, *flag.value, flag.help);
  app.add_option("--set", sets,
                 "Any setting of docs/configuration.md, e.g. --set driver.metrics_interval=500ms")
      ->type_name("SECTION.KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("--print_config", print_config, "Print the configuration that results, and exit");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success);  // --help and --version
    exit_code = kExitOk;
    return false;
  } catch (const CLI::ParseError& error) {
    absl::FPrintF(stderr, "%s: %s (see %s --help)\n", flags.name, error.what(), flags.name);
    exit_code = kExitUsage;
    return false;
  }
  for (const std::string& set : sets) {
    const size_t equals = set.find('=');
    if (equals == std::string::npos) {
      absl::FPrintF(stderr, "%s: --set: got \"%s\", want SECTION.KEY=VALUE\n", flags.name, set);
      exit_code = kExitUsage;
      return false;
    }
    sources.overrides.push_back(
        {set.substr(0, equals), set.substr(equals + 1), "--set " + set.substr(0, equals)});
  }
  for (const auto& [option, index] : options) {
    const SettingFlag& flag = *values[index].first;
    if (option->count() > 0)
      sources.overrides.push_back({flag.setting, values[index].second, flag.flag});
  }
  sources.environment = LoadtestEnvironment();
  absl::StatusOr<v1::Config> loaded = LoadConfig(sources);
  if (!loaded.ok()) {
    absl::FPrintF(stderr, "%s: %s\n", flags.name, std::string(loaded.status().message()));
    exit_code = kExitUsage;
    return false;
  }
  config = *std::move(loaded);
  if (print_config) {
    std::fputs(PrintConfig(config).c_str(), stdout);
    exit_code = kExitOk;
    return false;
  }
  return true;
}

}  // namespace loadtest
