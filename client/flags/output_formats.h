// The values of -o.
#pragma once

#include <string>
#include <vector>

#include "client/flags/command_line.h"

namespace loadtest {

// Puts them into `line`, whose command says which there are; what is wrong with them, or nothing.
std::string TakeFormats(const std::vector<std::string>& texts, CommandLine& line);

}  // namespace loadtest
