#include "common/base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/time.h"

namespace loadtest {
namespace {

struct Unit {
  std::string_view name;
  int64_t ns;
};

// Longer names first, so that "ms" is not read as "m".
constexpr std::array<Unit, 8> kDurationUnits = {{{"ns", 1},
                                                 {"us", kNanosPerMicro},
                                                 {"ms", kNanosPerMilli},
                                                 {"µs", kNanosPerMicro},
                                                 {"s", kNanosPerSecond},
                                                 {"m", 60 * kNanosPerSecond},
                                                 {"h", 3'600 * kNanosPerSecond},
                                                 {"d", 86'400 * kNanosPerSecond}}};

absl::Status NotADuration(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrFormat("got \"%s\", want a duration such as 500ms or 1m30s", text));
}

absl::Status NotANumber(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrFormat("got \"%s\", want a number such as 1000, 2.5k or 1M", text));
}

// Reads a decimal number without sign or exponent off the front of `text`.
bool TakeNumber(std::string_view& text, double& value) {
  if (text.empty() || !((text[0] >= '0' && text[0] <= '9') || text[0] == '.')) return false;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc()) return false;
  text.remove_prefix(end - text.data());
  return true;
}

// Removes trailing zeros of a fraction, and the point if nothing is left behind it.
std::string TrimZeros(std::string number) {
  if (number.find('.') == std::string::npos) return number;
  while (number.back() == '0') number.pop_back();
  if (number.back() == '.') number.pop_back();
  return number;
}

}  // namespace

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest[0] == '-';
  if (negative) rest.remove_prefix(1);
  if (rest == "0") return 0;
  if (rest.empty()) return NotADuration(text);
  double total = 0;
  while (!rest.empty()) {
    double value = 0;
    if (!TakeNumber(rest, value)) return NotADuration(text);
    const Unit* unit = nullptr;
    for (const Unit& candidate : kDurationUnits) {
      if (rest.substr(0, candidate.name.size()) == candidate.name) {
        unit = &candidate;
        break;
      }
    }
    if (unit == nullptr) return NotADuration(text);
    rest.remove_prefix(unit->name.size());
    total += value * static_cast<double>(unit->ns);
  }
  // 100 years: what is larger cannot be meant, and would overflow.
  if (total > 3.2e18) return NotADuration(text);
  const int64_t ns = std::llround(total);
  return negative ? -ns : ns;
}

absl::StatusOr<double> ParseNumber(std::string_view text) {
  std::string_view rest = text;
  double value = 0;
  if (!TakeNumber(rest, value)) return NotANumber(text);
  if (rest == "k" || rest == "K") {
    value *= 1e3;
  } else if (rest == "M") {
    value *= 1e6;
  } else if (rest == "G") {
    value *= 1e9;
  } else if (!rest.empty()) {
    return NotANumber(text);
  }
  if (!std::isfinite(value)) return NotANumber(text);
  return value;
}

absl::StatusOr<int64_t> ParseCount(std::string_view text) {
  const absl::StatusOr<double> value = ParseNumber(text);
  if (!value.ok() || *value != std::floor(*value) || *value > 9e15) {
    return absl::InvalidArgumentError(
        absl::StrFormat("got \"%s\", want a whole number such as 1000, 20k or 1.5M", text));
  }
  return static_cast<int64_t>(*value);
}

std::string FormatDuration(int64_t ns) {
  if (ns < 0) return "-" + FormatDuration(-ns);
  if (ns == 0) return "0s";
  if (ns < kNanosPerMicro) return absl::StrFormat("%dns", ns);
  if (ns < kNanosPerMilli) return TrimZeros(absl::StrFormat("%.3f", ns / 1e3)) + "us";
  if (ns < kNanosPerSecond)
    return TrimZeros(absl::StrFormat("%d.%06d", ns / kNanosPerMilli, ns % kNanosPerMilli)) + "ms";
  const int64_t seconds = ns / kNanosPerSecond;
  std::string out;
  if (seconds >= 3600) out += absl::StrFormat("%dh", seconds / 3600);
  if (seconds / 60 % 60 > 0) out += absl::StrFormat("%dm", seconds / 60 % 60);
  const int64_t rest = ns - seconds / 60 * 60 * kNanosPerSecond;
  if (rest > 0) {
    out +=
        TrimZeros(absl::StrFormat("%d.%09d", rest / kNanosPerSecond, rest % kNanosPerSecond)) + "s";
  }
  return out;
}

std::string FormatLatency(int64_t ns) {
  if (ns < 0) return "-" + FormatLatency(-ns);
  constexpr std::array<std::pair<double, std::string_view>, 3> kUnits = {
      {{1e3, "us"}, {1e6, "ms"}, {1e9, "s"}}};
  if (ns < 1000) return absl::StrFormat("%dns", ns);
  for (const auto& [scale, name] : kUnits) {
    const double value = static_cast<double>(ns) / scale;
    // 999.5 would be printed as 1000: let the next unit have it.
    if (value >= 999.5 && name != "s") continue;
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return absl::StrFormat("%.*f%s", decimals, value, name);
  }
  return "";
}

std::string FormatCount(int64_t n) {
  std::string digits = absl::StrFormat("%d", n);
  const size_t first = n < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string FormatBytes(int64_t n) {
  if (n < 1000) return absl::StrFormat("%d B", n);
  constexpr std::array<std::string_view, 5> kUnits = {"KB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(n) / 1e3;
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1e3;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

}  // namespace loadtest
