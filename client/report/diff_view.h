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

// Those of the whole tests, or of a typical interval, without what says the same twice: the service
// times of closed loops are their response times.
std::vector<const Change*> ShownChanges(const Diff& diff, bool typical);

// "+32.5 % in a typical interval, within noise"
std::string LimitOutcome(const LimitResult& result);

// docs/comparing.md has the fields.
std::string DiffJson(const Diff& diff);

// "better", "worse", "no change".
std::string DirectionName(Change::Direction direction);

}  // namespace loadtest
