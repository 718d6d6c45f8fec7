// What `loadctl doctor` finds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/cli/program_flags.h"

namespace loadtest {

struct Finding {
  enum class Level { kOk, kWarning, kProblem };

  Level level = Level::kOk;
  // What was looked at, a few words: "open files".
  std::string check;
  // What is there.
  std::string message;
  // What to do about it; empty when it is fine.
  std::string advice = {};
  // A problem of something that could not be reached.
  bool is_unreachable = false;
};

// "ok", "warning", "problem".
std::string_view LevelName(Finding::Level level);

// kExitUnreachable if something could not be reached, kExitUsage for another problem, else kExitOk.
ExitCode ExitCodeOf(const std::vector<Finding>& findings);

struct FindingsViewOptions {
  int width = 100;
  bool colors = false;
};
// A line for each, what to do below it.
std::string FindingsView(const std::vector<Finding>& findings, const FindingsViewOptions& options);

// {"findings": [{"level": "ok", "check": ..., "message": ..., "advice": ...}], "level": "ok"},
// where the last is the worst of all.
std::string FindingsJson(const std::vector<Finding>& findings);

}  // namespace loadtest
