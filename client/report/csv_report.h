// A report as CSV: a row an interval.
#pragma once

#include <string>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// RFC 4180 with line feeds alone, a header line first. docs/report.md has the columns; the unit of
// each stands at the end of its name. Latencies of an interval without a value are empty.
std::string CsvReport(const v1::Report& report);

}  // namespace loadtest
