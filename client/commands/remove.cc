// `rm --older-than`: which tests that means, the question, and their deletion.
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "common/base/status_macros.h"
#include "common/base/time.h"
#include "common/base/units.h"

namespace loadtest {
namespace {

constexpr int kPage = 1'000;

// Ended tests whose end is longer ago than `age_ns`, newest first.
absl::StatusOr<std::vector<std::string>> OlderThan(int64_t age_ns, Connection& connection) {
  const int64_t latest_ns = SystemClock().WallNow().ns - age_ns;
  std::vector<std::string> names;
  v1::ListLoadTestsRequest request;
  request.set_page_size(kPage);
  do {
    ASSIGN_OR_RETURN(const v1::ListLoadTestsResponse page, connection.ListLoadTests(request));
    for (const v1::LoadTest& test : page.load_tests()) {
      const auto& end = test.end_time();
      const bool ended = test.has_end_time();
      if (ended && end.seconds() * kNanosPerSecond + end.nanos() < latest_ns)
        names.push_back(test.name());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return names;
}

// Anything but a clear yes is a no.
bool Confirm(size_t tests, const std::string& age, Terminal& terminal) {
  terminal.err << absl::StrFormat("delete %s test%s that ended more than %s ago, with %s? [y/N] ",
                                  FormatCount(static_cast<int64_t>(tests)), tests == 1 ? "" : "s",
                                  age, tests == 1 ? "its report" : "their reports")
               << std::flush;
  std::string answer;
  std::getline(terminal.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

int RemoveOlderTests(const RemoveCommand& command, Context& context) {
  const absl::StatusOr<int64_t> age_ns = ParseDuration(command.older_than);
  if (!age_ns.ok() || *age_ns < 0) {
    return Fail(context,
                absl::InvalidArgumentError(absl::StrFormat(
                    "--older-than: got \"%s\", want a duration such as 30d or 12h, or 0s for all",
                    command.older_than)));
  }
  const auto connection = Connect(context);
  if (!connection.ok()) return Fail(context, connection.status());
  const auto names = OlderThan(*age_ns, **connection);
  if (!names.ok()) return Fail(context, names.status());
  if (!names->empty() && !command.yes &&
      !Confirm(names->size(), command.older_than, context.terminal)) {
    return Fail(context, absl::InvalidArgumentError(
                             "nothing is deleted; answer y, or give --yes to be asked nothing"));
  }
  for (const std::string& name : *names) {
    const absl::Status deleted = (*connection)->DeleteLoadTest(name);
    // Somebody else, or the retention of the orchestrator, was faster.
    if (!deleted.ok() && !absl::IsNotFound(deleted)) return Fail(context, deleted);
  }
  if (!context.line.quiet) {
    context.terminal.err << absl::StrFormat("%s test%s deleted\n",
                                            FormatCount(static_cast<int64_t>(names->size())),
                                            names->size() == 1 ? " is" : "s are");
  }
  return kExitOk;
}

}  // namespace loadtest
