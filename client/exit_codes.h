// How the outcome of a test becomes an exit code.
#pragma once

#include "common/cli/program_flags.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// The first that holds: ended by its loss policy, by an order or by a driver's own policy
// (kExitStopped), failed for another reason (kExitInternal), no request succeeded, verdict INVALID,
// a threshold failed, fine. A test that has not ended is judged by what is known.
ExitCode ExitCodeOf(const v1::Report& report);

// The same, but for how the test came to its end: of what was measured alone.
ExitCode ExitCodeOfNumbers(const v1::Report& report);

// One of the two.
using Judge = ExitCode (*)(const v1::Report& report);

}  // namespace loadtest
