// The whole of loadctl but main: what tests call.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/interrupts.h"
#include "client/terminal.h"

namespace loadtest {

// `arguments` are those after the program's name; of `environment` only LOADTEST_SERVER counts;
// `orchestrator` is found in `program_folder`. Returns the exit code.
int RunLoadctl(const std::vector<std::string>& arguments,
               const std::map<std::string, std::string>& environment,
               const std::string& program_folder, Terminal& terminal, Interrupts& interrupts);

}  // namespace loadtest
