// The flags of `run` and `create` that make up a test, as options of CLI11.
#pragma once

#include <CLI/CLI.hpp>

#include "client/flags/spec_flags.h"

namespace loadtest {

// `flags` must outlive `app`; SpecFromFlags makes a spec of them.
void AddSpecOptions(CLI::App& app, SpecFlags& flags);

}  // namespace loadtest
