// A report as JUnit XML, for the test page of a CI.
#pragma once

#include <string>

#include "client/exit_codes.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// One suite: a case for each threshold, and one, `verdict`, for whether the test ran to its end,
// had answers at all, and may be believed. A threshold that is not kept is a <failure>; a test that
// tells nothing is an <error>.
// `judge` is what the program's exit code is made by, so that both say the same.
std::string JunitReport(const v1::Report& report, Judge judge = ExitCodeOf);

}  // namespace loadtest
