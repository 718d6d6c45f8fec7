// `stop --all`: every test that has not ended, and the time until the last of them is silent.
#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"

namespace loadtest {
namespace {

using std::chrono::steady_clock;

constexpr int kPageSize = 1'000;

// Those that send first, then those that wait, the next one first: a driver that becomes idle takes
// the oldest that is left.
absl::StatusOr<std::vector<std::string>> UnendedTests(Connection& connection) {
  v1::ListLoadTestsRequest request;
  request.set_page_size(kPageSize);
  for (const auto state : {v1::LoadTest::PENDING, v1::LoadTest::STARTING, v1::LoadTest::RUNNING,
                           v1::LoadTest::STOPPING}) {
    request.add_states(state);
  }
  std::vector<std::string> names, waiting;
  do {
    ASSIGN_OR_RETURN(const v1::ListLoadTestsResponse page, connection.ListLoadTests(request));
    for (const v1::LoadTest& test : page.load_tests())
      (test.state() == v1::LoadTest::PENDING ? waiting : names).push_back(test.name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  names.insert(names.end(), waiting.rbegin(), waiting.rend());  // a list has the newest first
  return names;
}

// All are ordered to stop before one is waited for.
absl::Status StopAndWait(Connection& connection, const std::vector<std::string>& names,
                         const std::string& reason) {
  absl::Status first_error;
  for (const std::string& name : names) {
    const absl::Status stopped = connection.StopLoadTest(name, reason).status();
    if (!stopped.ok()) first_error.Update(stopped);
  }
  for (const std::string& name : names) {
    // Deleted meanwhile: silent too.
    const absl::Status watched = connection.Watch(name, [](const v1::LoadTestUpdate&) {});
    if (!watched.ok() && !absl::IsNotFound(watched)) first_error.Update(watched);
  }
  return first_error;
}

}  // namespace

int StopAllTests(const StopCommand& command, Context& context) {
  const auto connection = Connect(context);
  if (!connection.ok()) return Fail(context, connection.status());
  const auto names = UnendedTests(**connection);
  if (!names.ok()) return Fail(context, names.status());
  const auto start = steady_clock::now();
  const absl::Status stopped =
      StopAndWait(**connection, *names,
                  command.reason.empty() ? "stopped by loadctl stop --all" : command.reason);
  const int64_t silent_ns =
      std::chrono::nanoseconds(steady_clock::now() - start).count() / 1'000'000 * 1'000'000;
  if (!stopped.ok()) return Fail(context, stopped);
  if (context.json()) {
    std::string list;
    for (const std::string& name : *names) {
      list += absl::StrFormat("%s\"%s\"", list.empty() ? "" : ", ", name);
    }
    context.out << absl::StrFormat("{\"load_tests\": [%s], \"silent_after_ns\": %d}\n", list,
                                   names->empty() ? 0 : silent_ns);
    return kExitOk;
  }
  if (names->empty()) {
    context.out << "nothing is running\n";
    return kExitOk;
  }
  for (const std::string& name : *names) context.out << name << "\n";
  context.out << absl::StrFormat(
      "%d test%s stopped: nothing sent and nothing in flight any more after %s\n", names->size(),
      names->size() == 1 ? "" : "s", FormatDuration(silent_ns));
  return kExitOk;
}

}  // namespace loadtest
