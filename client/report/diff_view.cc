#include "client/report/diff_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "client/view/layout.h"
#include "client/view/thresholds_view.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr size_t kNameWidth = 12;
constexpr size_t kWidestValue = 60;

std::string Colored(const std::string& text, Change::Direction direction, bool colors) {
  if (!colors || direction == Change::Direction::kNone) return text;
  return absl::StrFormat("\x1b[%dm%s\x1b[0m", direction == Change::Direction::kWorse ? 31 : 32,
                         text);
}

std::string TestLine(const v1::Report& report) {
  const v1::LoadTest& test = report.load_test();
  std::string text = test.name();
  if (!test.spec().title().empty()) text += "  " + Clip(test.spec().title(), kWidestValue);
  if (!test.note().empty()) text += "  (" + Clip(test.note(), kWidestValue) + ")";
  if (const std::string slice = SliceInWords(report); !slice.empty()) text += "  " + slice;
  return text;
}

std::string Range(const Change& change, const Estimate& estimate) {
  return absl::StrFormat("%s to %s", FormatMeasured(change, estimate.low),
                         FormatMeasured(change, estimate.high));
}

// "+12.3 % (+4.1 to +20.5)": the unit stands once.
std::string Interval(const Change& change) {
  return absl::StrFormat("%s to %s", FormatChange(change, change.difference.low),
                         FormatChange(change, change.difference.high));
}

// Those of the whole tests or of a typical interval, whose names then stand without their prefix.
std::string ChangesTable(const Diff& diff, bool typical, bool colors) {
  using enum Table::Align;
  Table table({{typical ? "typical interval" : "whole test"},
               {"A", kRight},
               {"99 % interval"},
               {"B", kRight},
               {"99 % interval"},
               {"change", kRight},
               {"99 % interval"},
               {""}});
  std::vector<Change::Direction> directions;
  for (const Change* shown : ShownChanges(diff, typical)) {
    const Change& change = *shown;
    table.Add(
        {change.name.substr(typical ? kTypical.size() : 0),
         FormatMeasured(change, change.before.value), Range(change, change.before),
         FormatMeasured(change, change.after.value), Range(change, change.after),
         FormatChange(change, change.difference.value), Interval(change),
         change.direction == Change::Direction::kNone ? "" : DirectionName(change.direction)});
    directions.push_back(change.direction);
  }
  if (directions.empty()) {
    return typical ? "  too few whole intervals to say what a typical one is like; run for longer\n"
                   : "";
  }
  std::string text;
  const std::string rows = table.Print("  ");
  // The titles come first; then a line a change.
  for (size_t from = 0, line = 0; from < rows.size(); ++line) {
    const size_t end = rows.find('\n', from);
    const std::string row = rows.substr(from, end - from);
    text += (line == 0 ? row : Colored(row, directions[line - 1], colors)) + "\n";
    from = end + 1;
  }
  return text;
}

nlohmann::json ToJson(const Estimate& estimate) {
  return {{"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}};
}

const char* UnitName(Change::Unit unit) {
  switch (unit) {
    case Change::Unit::kShare:
      return "share";
    case Change::Unit::kPerSecond:
      return "per_second";
    case Change::Unit::kNanoseconds:
      break;
  }
  return "ns";
}

}  // namespace

bool Diff::failed() const {
  return std::any_of(limits.begin(), limits.end(), [](const LimitResult& l) { return l.failed; });
}

std::string DirectionName(Change::Direction direction) {
  switch (direction) {
    case Change::Direction::kBetter:
      return "better";
    case Change::Direction::kWorse:
      return "worse";
    case Change::Direction::kNone:
      break;
  }
  return "no change";
}

std::vector<const Change*> ShownChanges(const Diff& diff, bool typical) {
  const bool open_loop =
      IsOpenLoop(diff.before.load_test().spec()) || IsOpenLoop(diff.after.load_test().spec());
  std::vector<const Change*> shown;
  for (const Change& change : diff.changes) {
    if (change.is_typical() != typical) continue;
    if (!open_loop && change.name.find("service.") != std::string::npos) continue;
    shown.push_back(&change);
  }
  return shown;
}

std::string LimitOutcome(const LimitResult& result) {
  const Change& change = *result.change;
  return FormatChange(change, change.difference.value) +
         (change.is_typical() ? " in a typical interval" : "") +
         (change.direction == Change::Direction::kNone ? ", within noise" : "");
}

std::string DiffView(const Diff& diff, bool colors) {
  std::string text;
  text += PadRight("A", kNameWidth) + TestLine(diff.before) + "\n";
  text += PadRight("B", kNameWidth) + TestLine(diff.after) + "\n";
  for (const std::string& warning : diff.warnings)
    text += PadRight("forced", kNameWidth) + Clip(warning, 400) + "\n";
  for (const auto& [name, report] : {std::pair{"A", &diff.before}, {"B", &diff.after}}) {
    if (report->verdict().level() == v1::Verdict::DEGRADED) {
      text += PadRight("verdict", kNameWidth) +
              absl::StrFormat("%s is DEGRADED: drivers or intervals are missing\n", name);
    }
  }
  for (size_t i = 0; i < diff.differences.size(); ++i) {
    const Difference& d = diff.differences[i];
    text += PadRight(i == 0 ? "changed" : "", kNameWidth) + Clip(d.what, kWidestValue) + ": " +
            ClipMiddle(d.before, kWidestValue) + " -> " + ClipMiddle(d.after, kWidestValue) + "\n";
  }
  text += "\n" + ChangesTable(diff, /*typical=*/false, colors);
  text += "\n" + ChangesTable(diff, /*typical=*/true, colors) + "\n";
  for (const LimitResult& result : diff.limits) {
    text +=
        PadRight("limit", kNameWidth) +
        Colored(result.failed ? "FAILED" : "passed",
                result.failed ? Change::Direction::kWorse : Change::Direction::kBetter, colors) +
        absl::StrFormat("  %s  got %s\n", result.limit.expression, LimitOutcome(result));
  }
  const bool any = std::any_of(diff.changes.begin(), diff.changes.end(), [](const Change& change) {
    return change.direction != Change::Direction::kNone;
  });
  if (!any) text += PadRight("result", kNameWidth) + "nothing changed beyond noise\n";
  return text;
}

std::string DiffJson(const Diff& diff) {
  nlohmann::json out = {{"diff_version", 1},
                        {"before", diff.before.load_test().name()},
                        {"after", diff.after.load_test().name()},
                        {"confidence", kConfidence},
                        {"failed", diff.failed()}};
  out["warnings"] = diff.warnings;
  out["differences"] = nlohmann::json::array();
  for (const Difference& d : diff.differences)
    out["differences"].push_back({{"what", d.what}, {"before", d.before}, {"after", d.after}});
  out["changes"] = nlohmann::json::array();
  for (const Change& change : diff.changes) {
    out["changes"].push_back({{"name", change.name},
                              {"unit", UnitName(change.unit)},
                              {"before", ToJson(change.before)},
                              {"after", ToJson(change.after)},
                              {"difference", ToJson(change.difference)},
                              {"relative", change.Relative(change.difference.value)},
                              {"direction", DirectionName(change.direction)}});
  }
  out["limits"] = nlohmann::json::array();
  for (const LimitResult& result : diff.limits) {
    out["limits"].push_back({{"expression", result.limit.expression}, {"failed", result.failed}});
  }
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace loadtest
