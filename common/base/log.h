// One line an event, to stderr: time, level, program, text.
#pragma once

#include <string>
#include <string_view>

namespace loadtest {

enum class LogLevel { kInfo, kWarning, kError };

// Thread-safe: a line is one write.
//   2026-11-23T08:30:00.123Z INFO orchestrator: serving gRPC on 127.0.0.1:50051
class Logger {
 public:
  explicit Logger(std::string program) : program_(std::move(program)) {}

  void Info(std::string_view text) const { Write(LogLevel::kInfo, text); }
  void Warning(std::string_view text) const { Write(LogLevel::kWarning, text); }
  void Error(std::string_view text) const { Write(LogLevel::kError, text); }

 private:
  void Write(LogLevel level, std::string_view text) const;

  const std::string program_;
};

}  // namespace loadtest
