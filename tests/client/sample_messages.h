// A test run as the orchestrator would tell of it: three drivers, 5 seconds, 3,000 requests, 2 of
// them failed.
#pragma once

#include "loadtest/v1/service.pb.h"

namespace loadtest {

// At 2 of 5 seconds.
v1::LoadTestUpdate SampleUpdate();

v1::Report SampleReport();

}  // namespace loadtest
