// Records that nobody of us writes.
#pragma once

#include <vector>

#include "common/bus/message_bus.h"
#include "tests/sim/random.h"
#include "tests/sim/sim_bus.h"

namespace loadtest::sim {

// A few hostile records: random bytes, torn and altered copies of records that are there, absurd
// numbers, drivers that nobody knows. None of them is a report that an honest driver could have
// written, nor a decision.
std::vector<Record> Garbage(Random random, const SimBroker& broker);

}  // namespace loadtest::sim
