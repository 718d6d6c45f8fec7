// Two tests compared, on a terminal and as JSON.
#pragma once

#include <string>
#include <vector>

#include "client/report/change_limit.h"
#include "client/report/comparability.h"
#include "client/report/comparison.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Everything `diff` found out.
struct Diff {
  const v1::Report& before;
  const v1::Report& after;
  std::vector<Difference> differences = {};
  std::vector<Change> changes = {};
  std::vector<LimitResult> limits = {};
  // Why they should not have been compared, when that was forced.
  std::vector<std::string> warnings = {};

  bool failed() const;
};

std::string DiffView(const Diff& diff, bool colors);

// docs/comparing.md has the fields.
std::string DiffJson(const Diff& diff);

// "better", "worse", "no change".
std::string DirectionName(Change::Direction direction);

}  // namespace loadtest
