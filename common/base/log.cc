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

// RFC 8259 section 7; bytes above 127 stay as they are.
std::string JsonQuoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

std::string LogLine(LogFormat format, LogLevel level, std::string_view program,
                    std::string_view text, int64_t wall_ns) {
  const time_t seconds = wall_ns / kNanosPerSecond;
  tm utc;
  gmtime_r(&seconds, &utc);
  const std::string time = absl::StrFormat(
      "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
      utc.tm_hour, utc.tm_min, utc.tm_sec, wall_ns / kNanosPerMilli % 1000);
  if (format == LogFormat::kJson) {
    return absl::StrFormat("{\"time\":\"%s\",\"level\":\"%s\",\"program\":%s,\"message\":%s}\n",
                           time, LevelName(level), JsonQuoted(program), JsonQuoted(text));
  }
  std::string line = absl::StrFormat("%s %s %s: ", time, LevelName(level), program);
  for (const char c : text) line += c == '\n' ? ' ' : c;
  return line + '\n';
}

void Logger::Write(LogLevel level, std::string_view text) const {
  const std::string line = LogLine(format_, level, program_, text, SystemClock().WallNow().ns);
  // A log that cannot be written must not end the program.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace loadtest
