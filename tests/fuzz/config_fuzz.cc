// Any text as config.json: refused with one line that names the file, or read; and the outcome
// reads the same after it was printed.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/config/config.h"

namespace loadtest {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

absl::StatusOr<v1::Config> Load(std::string_view text) {
  static const int fd = memfd_create("config.json", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(fd);
  Require(ftruncate(fd, 0) == 0);
  Require(pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  ConfigSources sources;
  sources.file = path;
  return LoadConfig(sources);
}

}  // namespace
}  // namespace loadtest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace loadtest;
  const auto config = Load(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!config.ok()) {
    const std::string message(config.status().message());
    Require(message.find("/proc/self/fd/") != std::string::npos);
    Require(message.size() < 10'000);
    return 0;
  }
  const std::string printed = PrintConfig(*config);
  const auto again = Load(printed);
  Require(again.ok());
  Require(PrintConfig(*again) == printed);
  return 0;
}
