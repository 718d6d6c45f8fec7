// `diff`: two tests, or report files, compared.
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/commands/commands.h"
#include "client/flags/flag_values.h"
#include "client/report/diff_view.h"
#include "client/report/html_diff.h"
#include "common/base/status_macros.h"
#include "common/json/proto_json.h"
#include "common/thresholds/threshold.h"

namespace loadtest {
namespace {

absl::StatusOr<v1::Report> ReadReport(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: cannot be read; want a report file, such as of loadctl report NAME -o json", path));
  }
  v1::Report report;
  RETURN_IF_ERROR(JsonToProto(text, path, report));
  return report;
}

bool IsFile(const std::string& text) {
  constexpr std::string_view kEnding = ".json";
  return text.size() > kEnding.size() &&
         text.compare(text.size() - kEnding.size(), kEnding.size(), kEnding) == 0;
}

absl::StatusOr<v1::Report> ReportOf(const std::string& text, Context& context) {
  if (IsFile(text)) return ReadReport(text);
  ASSIGN_OR_RETURN(const std::string name, TestName(text));
  ASSIGN_OR_RETURN(const auto connection, Connect(context));
  return connection->GetReport(name);
}

absl::StatusOr<std::vector<ChangeLimit>> LimitsOf(const std::vector<std::string>& values) {
  std::vector<ChangeLimit> limits;
  for (const std::string& value : values) {
    for (const std::string& part : SplitThresholds(value)) {
      absl::StatusOr<ChangeLimit> limit = ParseChangeLimit(part);
      if (!limit.ok()) return NamedFlag("--fail-if", limit.status());
      limits.push_back(*std::move(limit));
    }
  }
  return limits;
}

std::string DiffAs(CommandLine::Format format, const Diff& diff, bool colors) {
  switch (format) {
    case CommandLine::Format::kJson:
      return DiffJson(diff);
    case CommandLine::Format::kHtml:
      return HtmlDiff(diff);
    default:
      return DiffView(diff, colors);
  }
}

// The first reason is that a generator was the limit, and there is no other.
bool OnlyInvalid(const v1::Report& before, const v1::Report& after, size_t reasons) {
  const size_t invalid = (before.verdict().level() == v1::Verdict::INVALID ? 1 : 0) +
                         (after.verdict().level() == v1::Verdict::INVALID ? 1 : 0);
  return invalid > 0 && invalid == reasons;
}

}  // namespace

int DiffTests(const DiffCommand& command, Context& context) {
  const absl::StatusOr<std::vector<ChangeLimit>> limits = LimitsOf(command.limits);
  if (!limits.ok()) return Fail(context, limits.status());
  const absl::StatusOr<v1::Report> before = ReportOf(command.before, context);
  if (!before.ok()) return Fail(context, before.status());
  const absl::StatusOr<v1::Report> after = ReportOf(command.after, context);
  if (!after.ok()) return Fail(context, after.status());

  Diff diff{.before = *before, .after = *after};
  diff.warnings = WhyNotComparable(*before, *after);
  if (!diff.warnings.empty() && !command.force) {
    Fail(context,
         absl::InvalidArgumentError(absl::StrJoin(diff.warnings, "\n") +
                                    "\nA and B are not compared; --force does it all the same"));
    return OnlyInvalid(*before, *after, diff.warnings.size()) ? kExitInvalidVerdict : kExitUsage;
  }
  diff.differences = DifferencesOf(*before, *after);
  diff.changes = Compare(*before, *after);
  absl::StatusOr<std::vector<LimitResult>> judged = JudgeLimits(*limits, diff.changes);
  if (!judged.ok()) return Fail(context, judged.status());
  diff.limits = *std::move(judged);

  const bool colors = context.terminal.out_colors && context.line.output_file.empty();
  context.out << DiffAs(context.line.format, diff, colors) << std::flush;
  for (const ExtraOutputFile& extra : context.extras)
    *extra.file << DiffAs(extra.format, diff, /*colors=*/false) << std::flush;
  if (!diff.failed()) return kExitOk;
  std::vector<std::string> failed;
  for (const LimitResult& result : diff.limits) {
    if (!result.failed) continue;
    failed.push_back(result.limit.expression + ": " +
                     FormatChange(*result.change, result.change->difference.value) +
                     (result.change->is_typical() ? " in a typical interval" : ""));
  }
  context.terminal.err << absl::StrFormat("loadctl: B is worse than A: %s (exit code %d)\n",
                                          absl::StrJoin(failed, "; "),
                                          static_cast<int>(kExitThreshold));
  return kExitThreshold;
}

}  // namespace loadtest
