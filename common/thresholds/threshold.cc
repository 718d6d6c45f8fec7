#include "common/thresholds/threshold.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"

namespace loadtest {
namespace {

using Measure = Threshold::Measure;
using Latency = Threshold::Latency;
using Unit = Threshold::Unit;
using Op = Threshold::Op;

constexpr char kMeasures[] =
    "a latency (p50, p99, p99.9 ..., min, mean, max, each also as service.p99, send_delay.p99 or "
    "first_byte.p99), errors, failed, http_errors, status(5xx), sent, completed or rate";
constexpr int64_t kShortestWindowNs = 1'000'000;
constexpr int64_t kLongestWindowNs = 7LL * 24 * 3'600 * 1'000'000'000;
constexpr size_t kLongestExpression = 200;

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

bool Eat(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

absl::Status Wrong(std::string_view whole, std::string_view want) {
  std::string shown(whole.substr(0, 60));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return absl::InvalidArgumentError(absl::StrFormat("got \"%s\", want %s", shown, want));
}

// All of `text` as a plain decimal number of 0 or more.
std::optional<double> Decimal(std::string_view text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) ||
      !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// "p99", "mean" and so on.
bool ParseStatistic(std::string_view text, Threshold& out) {
  if (text == "min" || text == "mean" || text == "max") {
    out.measure = text == "min" ? Measure::kMin : text == "mean" ? Measure::kMean : Measure::kMax;
    return true;
  }
  if (!Eat(text, "p") || text.empty() || text[0] < '0' || text[0] > '9') return false;
  const std::optional<double> percent = Decimal(text);
  if (!percent || *percent <= 0 || *percent >= 100) return false;
  out.measure = Measure::kPercentile;
  out.quantile = *percent / 100;
  return true;
}

// "5xx", "503".
bool ParseStatus(std::string_view text, Threshold& out) {
  if (text.size() != 3 || text[0] < '1' || text[0] > '9') return false;
  out.measure = Measure::kStatus;
  const int hundreds = (text[0] - '0') * 100;
  if (text.substr(1) == "xx") {
    out.status_low = hundreds;
    out.status_high = hundreds + 99;
    return true;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + 3, out.status_low);
  out.status_high = out.status_low;
  return error == std::errc() && end == text.data() + 3;
}

bool ParseMeasure(std::string_view text, Threshold& out) {
  for (const auto& [name, measure] : {std::pair{"errors", Measure::kErrors},
                                      {"failed", Measure::kFailed},
                                      {"http_errors", Measure::kHttpErrors},
                                      {"sent", Measure::kSent},
                                      {"completed", Measure::kCompleted},
                                      {"rate", Measure::kRate}}) {
    if (text != name) continue;
    out.measure = measure;
    return true;
  }
  if (Eat(text, "status(")) {
    if (text.empty() || text.back() != ')') return false;
    return ParseStatus(Trim(text.substr(0, text.size() - 1)), out);
  }
  for (const auto& [name, latency] : {std::pair{"response.", Latency::kResponse},
                                      {"service.", Latency::kService},
                                      {"send_delay.", Latency::kSendDelay},
                                      {"first_byte.", Latency::kFirstByte}}) {
    if (!Eat(text, name)) continue;
    out.latency = latency;
    break;
  }
  return ParseStatistic(text, out);
}

// The bound, for which the measure says what it is. False when it is not that.
bool ParseBound(std::string_view text, Threshold& out) {
  if (text.empty() || text[0] == '-') return false;
  if (out.IsLatency()) {
    out.unit = Unit::kNanoseconds;
    const absl::StatusOr<int64_t> ns = ParseDuration(text);
    if (!ns.ok()) return false;
    out.bound = static_cast<double>(*ns);
    return true;
  }
  if (out.measure == Measure::kRate) {
    out.unit = Unit::kPerSecond;
    if (text.size() < 3 || text.substr(text.size() - 2) != "/s") return false;
    const absl::StatusOr<double> rate = ParseNumber(Trim(text.substr(0, text.size() - 2)));
    if (!rate.ok()) return false;
    out.bound = *rate;
    return true;
  }
  const bool may_be_share = out.measure != Measure::kSent && out.measure != Measure::kCompleted;
  if (may_be_share && text.back() == '%') {
    out.unit = Unit::kShare;
    const std::optional<double> percent = Decimal(Trim(text.substr(0, text.size() - 1)));
    if (!percent || *percent > 100) return false;
    out.bound = *percent / 100;
    return true;
  }
  out.unit = Unit::kCount;
  const absl::StatusOr<int64_t> count = ParseCount(text);
  if (!count.ok()) return false;
  out.bound = static_cast<double>(*count);
  return true;
}

std::string_view WantedBound(const Threshold& threshold) {
  if (threshold.IsLatency()) return "a duration such as 50ms or 1.5s";
  switch (threshold.measure) {
    case Measure::kRate:
      return "requests per second such as 950/s or 1.5k/s";
    case Measure::kSent:
    case Measure::kCompleted:
      return "a number of requests such as 1000 or 20k";
    default:
      return "a share such as 0.1% (at most 100%), or a number of requests such as 5";
  }
}

// Takes " per 5s" off the end of `text`. False when what stands there is no duration.
bool TakeWindow(std::string_view& text, Threshold& out) {
  const size_t per = text.rfind("per");
  if (per == std::string_view::npos || per == 0 || !IsSpace(text[per - 1])) return true;
  const absl::StatusOr<int64_t> window = ParseDuration(Trim(text.substr(per + 3)));
  if (!window.ok() || *window < kShortestWindowNs || *window > kLongestWindowNs) return false;
  out.window_ns = *window;
  text = Trim(text.substr(0, per));
  return true;
}

}  // namespace

absl::StatusOr<Threshold> ParseThreshold(std::string_view text) {
  Threshold out;
  const std::string_view whole = Trim(text);
  out.expression = std::string(whole);
  if (whole.empty()) return Wrong(whole, "a threshold such as p99<50ms or errors<0.1%");
  if (whole.size() > kLongestExpression) {
    return Wrong(whole, absl::StrFormat("at most %d bytes", kLongestExpression));
  }
  std::string_view rest = whole;
  if (!TakeWindow(rest, out)) {
    return Wrong(whole, "after \"per\" the length of a window such as 5s: 1ms to 7d");
  }
  const size_t op = rest.find_first_of("<>=");
  if (op == std::string_view::npos) {
    return Wrong(whole, "<, <=, > or >= and a bound, such as p99<50ms");
  }
  const std::string_view name = Trim(rest.substr(0, op));
  rest.remove_prefix(op);
  if (Eat(rest, "<=")) {
    out.op = Op::kAtMost;
  } else if (Eat(rest, "<")) {
    out.op = Op::kLess;
  } else if (Eat(rest, ">=")) {
    out.op = Op::kAtLeast;
  } else if (Eat(rest, ">")) {
    out.op = Op::kGreater;
  } else {
    return Wrong(whole, "<, <=, > or >= between what is measured and the bound");
  }
  if (!ParseMeasure(name, out)) {
    return Wrong(whole, absl::StrFormat("before the %s %s", out.IsUpper() ? "<" : ">", kMeasures));
  }
  if (!ParseBound(Trim(rest), out)) {
    return Wrong(whole, absl::StrFormat("as bound of %s %s", name, WantedBound(out)));
  }
  return out;
}

absl::StatusOr<std::vector<Threshold>> ParseThresholds(
    const google::protobuf::RepeatedPtrField<std::string>& texts, std::string_view field) {
  if (texts.size() > kMostThresholds) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: got %d, want at most %d", field, texts.size(), kMostThresholds));
  }
  std::vector<Threshold> thresholds;
  std::vector<std::string> problems;
  for (int i = 0; i < texts.size(); ++i) {
    absl::StatusOr<Threshold> threshold = ParseThreshold(texts[i]);
    if (threshold.ok()) {
      thresholds.push_back(*std::move(threshold));
    } else {
      problems.push_back(
          absl::StrFormat("%s[%d]: %s", field, i, std::string(threshold.status().message())));
    }
  }
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  return thresholds;
}

std::vector<std::string> SplitThresholds(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t from = 0;;) {
    const size_t comma = text.find(',', from);
    parts.emplace_back(Trim(text.substr(from, comma - from)));
    if (comma == std::string_view::npos) return parts;
    from = comma + 1;
  }
}

bool Threshold::Keeps(double value) const {
  switch (op) {
    case Op::kLess:
      return value < bound;
    case Op::kAtMost:
      return value <= bound;
    case Op::kGreater:
      return value > bound;
    case Op::kAtLeast:
      return value >= bound;
  }
  return false;
}

std::string Threshold::Format(double value) const {
  switch (unit) {
    case Unit::kNanoseconds:
      return FormatLatency(std::llround(value));
    case Unit::kShare:
      return absl::StrFormat("%.3g%%", value * 100);
    case Unit::kCount:
      return FormatCount(std::llround(value));
    case Unit::kPerSecond:
      return value >= 1'000 ? FormatCount(std::llround(value)) + "/s"
                            : absl::StrFormat("%.4g/s", value);
  }
  return "";
}

}  // namespace loadtest
