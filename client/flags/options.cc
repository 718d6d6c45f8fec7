#include "client/flags/options.h"

namespace loadtest {

// CLI11 knows std::optional only for values it converts itself; here all values stay texts.
CLI::Option* AddText(CLI::App& app, const std::string& flag, std::optional<std::string>& value,
                     const std::string& type_name, const std::string& help) {
  return app
      .add_option_function<std::string>(
          flag, [&value](const std::string& text) { value = text; }, help)
      ->type_name(type_name);
}

CLI::Option* AddText(CLI::App& app, const std::string& flag, std::string& value,
                     const std::string& type_name, const std::string& help) {
  return app.add_option(flag, value, help)->type_name(type_name);
}

CLI::Option* AddTexts(CLI::App& app, const std::string& flag, std::vector<std::string>& values,
                      const std::string& type_name, const std::string& help) {
  return app.add_option(flag, values, help)->type_name(type_name)->allow_extra_args(false);
}

}  // namespace loadtest
