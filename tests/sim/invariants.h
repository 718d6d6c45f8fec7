// What must be true of a world that has come to rest, whatever the seed did to it.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace loadtest::sim {

// One line for each promise that was broken; none when all were kept.
std::vector<std::string> BrokenPromises(const World& world);

}  // namespace loadtest::sim
