// One line an event, to stderr: time, level, program, message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace loadtest {

enum class LogLevel { kInfo, kWarning, kError };

enum class LogFormat { kText, kJson };

// Thread-safe: a line is one write.
//   2026-11-23T08:30:00.123Z INFO orchestrator: serving gRPC on 127.0.0.1:50051
//   {"time":"2026-11-23T08:30:00.123Z","level":"INFO","program":"orchestrator","message":"serving"}
class Logger {
 public:
  explicit Logger(std::string program, LogFormat format = LogFormat::kText)
      : program_(std::move(program)), format_(format) {}

  void Info(std::string_view text) const { Write(LogLevel::kInfo, text); }
  void Warning(std::string_view text) const { Write(LogLevel::kWarning, text); }
  void Error(std::string_view text) const { Write(LogLevel::kError, text); }

 private:
  void Write(LogLevel level, std::string_view text) const;

  const std::string program_;
  const LogFormat format_;
};

// The line that is written, with its end: the time is that of `wall_ns` after 1970, UTC.
std::string LogLine(LogFormat format, LogLevel level, std::string_view program, std::string_view text,
                    int64_t wall_ns);

}  // namespace loadtest
