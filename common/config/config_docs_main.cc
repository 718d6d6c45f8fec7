// config_docs config|markdown: prints config.json or docs/configuration.md; tools/update-docs
// writes them.
#include <cstdio>
#include <string_view>

#include "common/config/config.h"

int main(int argc, char** argv) {
  const std::string_view what = argc == 2 ? argv[1] : "";
  if (what == "config") {
    std::fputs(loadtest::DefaultConfigJson().c_str(), stdout);
  } else if (what == "markdown") {
    std::fputs(loadtest::ConfigurationMarkdown().c_str(), stdout);
  } else {
    std::fputs("config_docs: want one of: config, markdown\n", stderr);
    return 2;
  }
  return 0;
}
