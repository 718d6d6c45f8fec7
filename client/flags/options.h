// Options of CLI11 whose values stay texts: what is wrong with them is said in our own words,
// later.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace loadtest {

// `flag` is "-c,--connections"; `value` must outlive the app. `type_name` stands for the value in
// --help.
CLI::Option* AddText(CLI::App& app, const std::string& flag, std::optional<std::string>& value,
                     const std::string& type_name, const std::string& help);
CLI::Option* AddText(CLI::App& app, const std::string& flag, std::string& value,
                     const std::string& type_name, const std::string& help);

// One value each time the flag stands there, so that "-H 'A: b' URL" leaves the URL alone.
CLI::Option* AddTexts(CLI::App& app, const std::string& flag, std::vector<std::string>& values,
                      const std::string& type_name, const std::string& help);

}  // namespace loadtest
