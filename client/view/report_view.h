// The report of a test on one screen.
#pragma once

#include <string>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

struct ReportViewOptions {
  // Columns; at least 80 look good.
  int width = 100;
  bool colors = false;
  // Bars of blocks instead of ASCII.
  bool unicode = false;
  // Whether an orchestrator has the test, so that its report can be asked for again.
  bool kept = true;
};

// One screen: long lists (drivers, errors, reasons) show their worst entries and say how many there
// are.
std::string ReportView(const v1::Report& report, const ReportViewOptions& options);

}  // namespace loadtest
