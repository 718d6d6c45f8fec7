// The plan file that `loadctl init` writes.
#pragma once

#include <string>

namespace loadtest {

// JSON with comments: a plan that runs as it is, with what else a plan can have commented out.
std::string PlanTemplate(const std::string& url);

}  // namespace loadtest
