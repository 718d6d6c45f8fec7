// How --help looks: CLI11's own form, in 100 columns.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace loadtest {

class HelpFormat : public CLI::Formatter {
 public:
  HelpFormat();

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace loadtest
