#include "client/commands/plan.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <istream>
#include <random>
#include <string>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/cli/program_flags.h"
#include "common/json/proto_json.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

absl::StatusOr<std::string> ReadAll(const std::string& path, std::istream& standard_input) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& input = path == "-" ? standard_input : file;
  std::string content;
  std::array<char, 65'536> block;
  while (input.read(block.data(), block.size()) || input.gcount() > 0) {
    content.append(block.data(), static_cast<size_t>(input.gcount()));
  }
  // A folder opens, but does not read.
  if (path != "-" && !std::filesystem::exists(path)) {
    const bool is_plan = path.ends_with(".json");
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: there is no such file%s", path,
                        is_plan ? "; loadctl init " + path + " writes a plan to begin with" : ""));
  }
  if (!input.eof()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: cannot be read; want the path of a file", path));
  }
  return content;
}

// The same request_id in a retry finds the test that the first try made.
std::string NewRequestId() {
  std::random_device random;
  return absl::StrFormat("loadctl-%08x%08x%08x", random(), random(), random());
}

}  // namespace

absl::StatusOr<Plan> MakePlan(const CreateCommand& command, Context& context) {
  const ReadFile read_file = [&context](const std::string& path) {
    return ReadAll(path, context.terminal.in);
  };
  Plan plan;
  ASSIGN_OR_RETURN(*plan.request.mutable_spec(), SpecFromFlags(command.spec, read_file));
  absl::StatusOr<v1::LoadTestSpec> complete = ValidateSpec(plan.request.spec());
  if (!complete.ok()) return InTermsOfFlags(complete.status(), command.spec);
  plan.complete = *std::move(complete);
  if (!command.id.empty()) RETURN_IF_ERROR(CheckLoadTestId(command.id, "--id"));
  plan.request.set_load_test_id(command.id);
  plan.request.set_request_id(NewRequestId());
  plan.request.set_validate_only(command.validate_only);
  return plan;
}

void Explain(const Plan& plan, int drivers, Context& context) {
  if (context.line.quiet) return;
  context.terminal.err << DescribeSpec(plan.complete, drivers) << "\n";
  const std::string defaults = DescribeDefaults(plan.request.spec(), plan.complete);
  if (!defaults.empty()) context.terminal.err << defaults << "\n";
  context.terminal.err.flush();
}

int DriversOf(const Plan& plan, Connection& connection) {
  if (plan.complete.drivers() > 0) return plan.complete.drivers();
  const absl::StatusOr<v1::ListDriversResponse> drivers = connection.ListDrivers();
  if (!drivers.ok()) return 0;
  int idle = 0;
  for (const v1::Driver& driver : drivers->drivers()) idle += driver.state() == v1::Driver::IDLE;
  return idle;
}

int Validate(const Plan& plan, Connection& connection, Context& context) {
  const absl::StatusOr<v1::LoadTest> test = connection.CreateLoadTest(plan.request);
  if (!test.ok()) return Fail(context, test.status());
  context.out << (context.json() ? ProtoToJson(*test, 2) + "\n" : "the test is valid\n");
  return kExitOk;
}

}  // namespace loadtest
