// What must be there beside this host: orchestrator, drivers, broker; judged from what they say.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/doctor/finding.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {

Finding OrchestratorIsAway(const std::string& address, const absl::Status& error);

// `own_version` is that of this program.
Finding CheckOrchestrator(const std::string& address, const v1::ServerInfo& info,
                          std::string_view own_version);

// States, versions and clocks; a line for each of them that can be judged.
std::vector<Finding> CheckDrivers(const v1::ListDriversResponse& drivers);

Finding BrokerIsAway(const std::string& address, const absl::Status& error);

// `missing`: names of topics that are not there.
Finding CheckTopics(const std::string& address, const std::vector<std::string>& missing);

}  // namespace loadtest
