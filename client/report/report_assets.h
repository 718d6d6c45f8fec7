// Files that stand in every HTML report; made from report.css, report.js and the chart library of
// the system by cmake/embed_text.cmake.
#pragma once

#include <string_view>

namespace loadtest {

extern const std::string_view kReportCss;
extern const std::string_view kReportJs;
extern const std::string_view kChartJs;

}  // namespace loadtest
