#include "client/view/thresholds_view.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/view/layout.h"
#include "common/base/units.h"

namespace loadtest {
namespace {

constexpr size_t kNameWidth = 12;
constexpr size_t kStateWidth = 8;
constexpr size_t kWidestExpression = 40;

std::string Colored(std::string_view text, bool passed, bool colors) {
  if (!colors) return std::string(text);
  return absl::StrFormat("\x1b[%dm%s\x1b[0m", passed ? 32 : 31, text);
}

}  // namespace

std::string ThresholdOutcome(const v1::ThresholdResult& result) {
  if (result.actual().empty()) return "nothing was measured";
  if (result.windows() == 0) return "got " + result.actual();
  if (result.passed()) {
    return absl::StrFormat("got %s at worst in %s", result.actual(),
                           Plural(result.windows(), "window"));
  }
  return absl::StrFormat("got %s from %s to %s, %d of %s failed", result.actual(),
                         FormatDuration(result.window_start_offset_ns()),
                         FormatDuration(result.window_end_offset_ns()), result.windows_failed(),
                         Plural(result.windows(), "window"));
}

std::string ThresholdLines(const google::protobuf::RepeatedPtrField<v1::ThresholdResult>& results,
                           size_t most, bool colors, size_t width) {
  std::vector<const v1::ThresholdResult*> order;
  size_t widest = 0;
  size_t longest_outcome = 0;
  for (const v1::ThresholdResult& result : results) {
    order.push_back(&result);
    widest = std::max(widest, std::min(result.expression().size(), kWidestExpression));
    longest_outcome = std::max(longest_outcome, ThresholdOutcome(result).size());
  }
  const bool is_narrow = kNameWidth + kStateWidth + widest + 2 + longest_outcome > width;
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->passed() < b->passed(); });
  std::string text;
  const size_t shown = std::min(most, order.size());
  for (size_t i = 0; i < shown; ++i) {
    const v1::ThresholdResult& result = *order[i];
    text += PadRight(i == 0 ? "thresholds" : "", kNameWidth) +
            Colored(result.passed() ? "passed" : "FAILED", result.passed(), colors) + "  ";
    const std::string expression = Clip(result.expression(), kWidestExpression);
    const std::string outcome = ThresholdOutcome(result);
    if (!is_narrow) {
      text += PadRight(expression, widest) + "  " + outcome + "\n";
      continue;
    }
    text += expression + "\n";
    for (const std::string& line : Wrap(outcome, width - kNameWidth - kStateWidth, 3))
      text += std::string(kNameWidth + kStateWidth, ' ') + line + "\n";
  }
  if (shown < order.size()) {
    text += PadRight("", kNameWidth) + absl::StrFormat("and %d more\n", order.size() - shown);
  }
  return text;
}

std::string ThresholdsView(const v1::Report& report, bool colors, size_t width) {
  std::string text = absl::StrFormat("%s  %s", report.load_test().name(),
                                     v1::LoadTest::State_Name(report.load_test().state()));
  if (const std::string slice = SliceInWords(report); !slice.empty()) text += "  " + slice;
  text += "\n" + ThresholdLines(report.thresholds(), report.thresholds_size(), colors, width);
  const v1::Verdict::Level level = report.verdict().level();
  if (level == v1::Verdict::DEGRADED || level == v1::Verdict::INVALID) {
    text += PadRight("verdict", kNameWidth) + v1::Verdict::Level_Name(level) + "\n";
  }
  return text;
}

std::string SliceInWords(const v1::Report& report) {
  if (!report.has_slice()) return "";
  const v1::ReportSlice& slice = report.slice();
  std::vector<std::string> parts;
  if (slice.from_offset_ns() > 0 || slice.to_offset_ns() > 0) {
    parts.push_back(absl::StrFormat(
        "%s to %s", FormatDuration(slice.from_offset_ns()),
        slice.to_offset_ns() > 0 ? FormatDuration(slice.to_offset_ns()) : "the end"));
  }
  if (!slice.excluded_drivers().empty()) {
    parts.push_back("without " + absl::StrJoin(slice.excluded_drivers(), ", "));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace loadtest
