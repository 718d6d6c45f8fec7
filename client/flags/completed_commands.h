// What completion scripts are made of, from the command line's parser itself.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "client/flags/completion.h"

namespace loadtest {

std::vector<CompletedCommand> CompletedCommands(const CLI::App& program);

}  // namespace loadtest
