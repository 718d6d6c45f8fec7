// How the outcome of a test becomes an exit code.
#pragma once

#include "common/cli/program_flags.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// The first that holds: ended by its loss policy or by an order (kExitStopped), failed for another
// reason (kExitInternal), no request succeeded, verdict INVALID, fine. A test that has not ended is
// judged by what is known.
ExitCode ExitCodeOf(const v1::Report& report);

}  // namespace loadtest
