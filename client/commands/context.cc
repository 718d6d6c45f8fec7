#include "client/commands/context.h"

#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/cli/program_flags.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {

int Fail(const Context& context, const absl::Status& error) {
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(error.message(), '\n'))) {
    context.terminal.err << "loadctl: " << line;
    // Of all that can be missing, it is the test that people misremember.
    if (absl::IsNotFound(error)) context.terminal.err << " (loadctl ls shows them)";
    context.terminal.err << std::endl;
  }
  switch (error.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnauthenticated:
      return kExitUsage;
    case absl::StatusCode::kUnavailable:
      return kExitUnreachable;
    default:
      return kExitInternal;
  }
}

absl::StatusOr<std::unique_ptr<Connection>> Connect(const Context& context) {
  const CommandLine& line = context.line;
  const auto parts = ParseHostPort(line.server, line.server_given ? "--server" : "LOADTEST_SERVER");
  RETURN_IF_ERROR(parts.status());
  const absl::StatusOr<ServerAccess> access = ReadServerAccess(line.access, line.server);
  RETURN_IF_ERROR(access.status());
  return Connection::Open(line.server, *access);
}

absl::StatusOr<std::string> TestName(std::string_view text) {
  constexpr std::string_view kPrefix = "loadTests/";
  if (text.substr(0, kPrefix.size()) == kPrefix) text.remove_prefix(kPrefix.size());
  RETURN_IF_ERROR(CheckLoadTestId(text, "name"));
  return std::string(kPrefix) + std::string(text);
}

}  // namespace loadtest
