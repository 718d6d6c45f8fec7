// Tables of tests and drivers, and one test in words.
#pragma once

#include <string>

#include "common/base/time.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {

// Newest first, as they come. Times are local.
std::string TestsTable(const v1::ListLoadTestsResponse& tests);

// `now` is what the age of heartbeats is counted from.
std::string DriversTable(const v1::ListDriversResponse& drivers, WallTime now);

// Everything about one test but its results.
std::string TestDetails(const v1::LoadTest& test);

}  // namespace loadtest
