#include "client/flags/stages_flag.h"

#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/units.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

// "1k", "1k/s".
bool ParseRate(std::string_view text, double& rate) {
  if (text.size() > 2 && text.substr(text.size() - 2) == "/s") text.remove_suffix(2);
  const absl::StatusOr<double> number = ParseNumber(text);
  if (number.ok()) rate = *number;
  return number.ok();
}

bool ParseStage(std::string_view text, v1::Stage& stage) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos) return false;
  const std::string_view rates = text.substr(0, at);
  const size_t colon = rates.find(':');
  double from = 0;
  double to = 0;
  if (!ParseRate(rates.substr(0, colon), from)) return false;
  if (colon == std::string_view::npos) {
    to = from;
  } else if (!ParseRate(rates.substr(colon + 1), to)) {
    return false;
  }
  const absl::StatusOr<int64_t> duration = ParseDuration(text.substr(at + 1));
  if (!duration.ok()) return false;
  stage.set_from(from);
  stage.set_to(to);
  *stage.mutable_duration() = ToDuration(*duration);
  return true;
}

}  // namespace

absl::StatusOr<v1::RateStages> ParseStages(const std::string& text) {
  v1::RateStages stages;
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  for (const std::string& part : parts) {
    if (ParseStage(part, *stages.add_stages())) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("--stages: got \"%s\", want FROM:TO@DURATION or RATE@DURATION, and commas "
                        "between them, such as 0:1k@30s,1k@2m,1k:0@10s",
                        part));
  }
  return stages;
}

}  // namespace loadtest
