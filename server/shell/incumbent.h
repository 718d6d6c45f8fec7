// Which process an orchestrator is, for others to see whether it is still there.
#pragma once

#include "loadtest/v1/bus.pb.h"

namespace loadtest {

// This process: host name, boot id (with the namespace of process ids) and pid. Thread-safe.
v1::OrchestratorAlive ThisProcess();

// Whether the process that gave that sign of life has certainly ended: it ran on this host since
// its last boot, and its pid is nobody's, or of another program, or of a process that began later.
// False when nobody can know. Thread-safe.
bool IsProvablyGone(const v1::OrchestratorAlive& sign);

}  // namespace loadtest
