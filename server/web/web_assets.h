// The files of the web page, built into the program.
#pragma once

#include <span>
#include <string_view>

namespace loadtest {

struct WebAsset {
  std::string_view path;  // of the URL: "/app.js"
  std::string_view content_type;
  std::string_view content;
};

std::span<const WebAsset> WebAssets();

}  // namespace loadtest
