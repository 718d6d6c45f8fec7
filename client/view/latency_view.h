// The three latencies of a report side by side, and how the response times are spread.
#pragma once

#include <string>
#include <vector>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Response times between `from_ns` and `to_ns`; the first and the last of a list may be open (0,
// and -1).
struct LatencyRange {
  int64_t from_ns = 0;
  int64_t to_ns = 0;
  int64_t count = 0;
};

// Splits the histogram at 1, 2, 5, 10, 20, 50 ..., into `most` ranges at most: what is rare at the
// ends is put together. Empty for an empty histogram.
std::vector<LatencyRange> SpreadOf(const v1::Histogram& histogram, size_t most);

// A line for each percentile, with bars of the response times beside them if `width` columns have
// room for that:
//              response  service  send delay     response times
//   p50          1.20ms   1.19ms      21.0us     1ms - 2ms  ############   61.2 %
// `unicode` draws the bars as blocks.
std::string LatencyView(const v1::Report& report, int width, bool unicode);

// A sentence on why response and service time differ, or cannot; empty when there is nothing to
// explain.
std::string WhyTheyDiffer(const v1::Report& report);

}  // namespace loadtest
