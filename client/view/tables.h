// Tables of tests and drivers, and one test in words.
#pragma once

#include <map>
#include <string>

#include "common/base/time.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {

// By name of the test: its last update.
using TestResults = std::map<std::string, v1::LoadTestUpdate>;

// Newest first, as they come. Times are local. With `results` there are columns for them.
std::string TestsTable(const v1::ListLoadTestsResponse& tests, const TestResults& results = {});

// `now` is what the age of heartbeats is counted from.
std::string DriversTable(const v1::ListDriversResponse& drivers, WallTime now);

// Everything about one test but its results.
std::string TestDetails(const v1::LoadTest& test);

}  // namespace loadtest
