// A test run as the orchestrator would tell of it: three drivers, 5 seconds, 3,000 requests, 2 of
// them failed.
#pragma once

#include "loadtest/v1/service.pb.h"

namespace loadtest {

// At 2 of 5 seconds.
v1::LoadTestUpdate SampleUpdate();

v1::Report SampleReport();
// The same with thresholds: errors<1%, which is kept, and p99<5ms, which is not.
v1::Report SampleReportWithThresholds();

}  // namespace loadtest
