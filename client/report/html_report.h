// A report as one HTML file that needs no network, for a browser, a phone and paper.
#pragma once

#include <string>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Everything that came from the spec or the target is escaped.
std::string HtmlReport(const v1::Report& report);

}  // namespace loadtest
