#include "client/report/change_limit.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_format.h"
#include "common/base/units.h"
#include "common/thresholds/threshold.h"

namespace loadtest {
namespace {

constexpr std::string_view kMeasures[] = {"rate", "errors", "mean",  "p50",   "p90",
                                          "p95",  "p99",    "p99.9", "p99.99"};

bool IsLatency(std::string_view measure) { return measure != "rate" && measure != "errors"; }

bool IsMeasure(std::string_view name) {
  constexpr std::string_view kService = "service.";
  const bool service = name.substr(0, kService.size()) == kService;
  if (service) name.remove_prefix(kService.size());
  return std::find(std::begin(kMeasures), std::end(kMeasures), name) != std::end(kMeasures) &&
         (!service || IsLatency(name));
}

absl::Status Wrong(std::string_view whole, std::string_view want) {
  return absl::InvalidArgumentError(absl::StrFormat("got \"%s\", want %s", whole, want));
}

// What stands after the sign.
bool ParseBound(std::string_view text, ChangeLimit& limit) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || stop == end || number < 0) return false;
  if (std::string_view(stop, end - stop) == "%") {
    limit.relative = limit.measure != "errors";
    limit.bound = number / 100;
    return true;
  }
  if (limit.measure == "rate") {
    limit.bound = number;
    return std::string_view(stop, end - stop) == "/s";
  }
  if (!IsLatency(limit.measure)) return false;
  const absl::StatusOr<int64_t> ns = ParseDuration(text);
  if (ns.ok()) limit.bound = static_cast<double>(*ns);
  return ns.ok();
}

bool IsBeyond(const ChangeLimit& limit, const Change& change) {
  const double value =
      limit.relative ? change.Relative(change.difference.value) : change.difference.value;
  return change.direction != Change::Direction::kNone &&
         (limit.upwards ? value > limit.bound : value < limit.bound);
}

}  // namespace

absl::StatusOr<ChangeLimit> ParseChangeLimit(std::string_view whole) {
  ChangeLimit limit;
  limit.expression = std::string(whole);
  std::string text(whole);
  std::erase(text, ' ');
  const size_t op = text.find_first_of("<>");
  if (op == std::string_view::npos || op + 2 > text.size() ||
      (text[op + 1] != '+' && text[op + 1] != '-')) {
    return Wrong(whole, "a measure, > or <, and a signed change, such as p99>+10% or rate<-5%");
  }
  limit.measure = text.substr(0, op);
  if (!IsMeasure(limit.measure)) {
    return Wrong(
        whole,
        "before the > or < one of rate, errors, mean, p50, p90, p95, p99, p99.9 or p99.99; "
        "latencies also as service.p99");
  }
  limit.upwards = text[op] == '>';
  if (limit.upwards != (text[op + 1] == '+')) {
    return Wrong(whole, "> with + (it rises by more) or < with - (it falls by more)");
  }
  if (!ParseBound(std::string_view(text).substr(op + 2), limit)) {
    const std::string_view want = limit.measure == "errors" ? "points such as +0.1%"
                                  : limit.measure == "rate" ? "a share such as -5%, or -50/s"
                                                            : "a share such as +10%, or +5ms";
    return Wrong(whole, absl::StrFormat("as change of %s %s", limit.measure, want));
  }
  if (!limit.upwards) limit.bound = -limit.bound;
  return limit;
}

absl::StatusOr<std::vector<LimitResult>> JudgeLimits(const std::vector<ChangeLimit>& limits,
                                                     const std::vector<Change>& changes) {
  std::vector<LimitResult> results;
  for (const ChangeLimit& limit : limits) {
    const auto it = std::find_if(changes.begin(), changes.end(),
                                 [&](const Change& c) { return c.name == limit.measure; });
    if (it == changes.end()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("--fail-if: %s was not measured in both tests", limit.measure));
    }
    LimitResult& result = results.emplace_back();
    result.limit = limit;
    result.change = &*it;
    result.failed = IsBeyond(limit, *it);
    // A few bad seconds of either test can hide in the whole what all others show.
    const auto typical = std::find_if(changes.begin(), changes.end(), [&](const Change& c) {
      return c.name == std::string(kTypical) + limit.measure;
    });
    if (result.failed || typical == changes.end() || !IsBeyond(limit, *typical)) continue;
    result.failed = true;
    result.change = &*typical;
  }
  return results;
}

}  // namespace loadtest
