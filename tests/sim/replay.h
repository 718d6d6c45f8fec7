// The log applied to a new core: what it then says must be what the living one says.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace loadtest::sim {

std::vector<std::string> ReplayDifferences(const World& world);

}  // namespace loadtest::sim
