#include "common/base/log.h"

#include <time.h>
#include <unistd.h>

#include "absl/strings/str_format.h"
#include "common/base/time.h"

namespace loadtest {
namespace {

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarning:
      return "WARNING";
    case LogLevel::kError:
      return "ERROR";
  }
  return "";
}

}  // namespace

void Logger::Write(LogLevel level, std::string_view text) const {
  const WallTime now = SystemClock().WallNow();
  const time_t seconds = now.ns / kNanosPerSecond;
  tm utc;
  gmtime_r(&seconds, &utc);
  std::string line =
      absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s: ", utc.tm_year + 1900,
                      utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                      now.ns / kNanosPerMilli % 1000, LevelName(level), program_);
  for (const char c : text) line += c == '\n' ? ' ' : c;
  line += '\n';
  // A log that cannot be written must not end the program.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace loadtest
