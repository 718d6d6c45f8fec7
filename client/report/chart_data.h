// What the charts of an HTML report draw, as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Points of a series at most; longer tests are thinned out.
inline constexpr int kMostPoints = 600;

// {"name", "intervals": {...}, "wanted": [[s, rate]...], "distribution": {...}, "events": [...]}:
// times in seconds after the start, latencies in milliseconds, null where nothing was measured.
nlohmann::json ChartData(const v1::Report& report, const std::string& name);

// Whether the charts show it: it happened on their time axis, and is no matter of course.
bool IsOnTimeAxis(const v1::Report& report, const v1::Event& event);

// Seconds after the common start of the test.
double OffsetSeconds(const v1::Report& report, const v1::Event& event);

}  // namespace loadtest
