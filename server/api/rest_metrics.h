// The orchestrator's own counters for Prometheus.
#pragma once

#include <string>

#include "server/api/control_plane.h"

namespace loadtest {

// Prometheus text exposition format 0.0.4: every metric with HELP and TYPE, names
// loadtest_orchestrator_...
std::string MetricsText(const ControlPlaneStats& stats);

}  // namespace loadtest
