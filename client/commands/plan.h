// From the flags of `run` and `create` to a test that can be created.
#pragma once

#include "absl/status/statusor.h"
#include "client/commands/context.h"
#include "client/flags/command_line.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {

struct Plan {
  v1::CreateLoadTestRequest request;
  // With the defaults filled in.
  v1::LoadTestSpec complete;
};

// Reads files and standard input as the flags say. Errors name the flag, or the field where it came
// from a plan file.
absl::StatusOr<Plan> MakePlan(const CreateCommand& command, Context& context);

// Says on standard error what was understood, with the defaults that were used. `drivers`: 0 when
// not known.
void Explain(const Plan& plan, int drivers, Context& context);

// How many drivers will take part, as far as it can be known now; 0: unknown.
int DriversOf(const Plan& plan, Connection& connection);

// For --validate: lets the orchestrator check the plan and says so.
int Validate(const Plan& plan, Connection& connection, Context& context);

}  // namespace loadtest
