// Watching a test to its end: the second half of `run`, and all of `watch`.
#pragma once

#include <mutex>
#include <string>

#include "client/commands/context.h"
#include "client/connection.h"
#include "client/exit_codes.h"
#include "client/view/live_view.h"

namespace loadtest {

// While this lives, the first Ctrl-C stops the test that SetTest named, or will name.
class StopOnInterrupt {
 public:
  // Both must outlive this.
  StopOnInterrupt(Connection& connection, Interrupts& interrupts);
  ~StopOnInterrupt();

  void SetTest(const std::string& name);

 private:
  void Stop();

  Connection& connection_;
  Interrupts& interrupts_;
  std::mutex mutex_;
  std::string name_;
  bool wanted_ = false;
};

// Shows the test live until it has ended, then its report. Returns the exit code of the program.
int WatchToEnd(const std::string& name, LiveView::CtrlC ctrl_c, Connection& connection,
               Context& context);

// Prints the report to where results go and, if it is not a good one, the reason for the exit code
// on standard error.
int PrintReport(const v1::Report& report, Context& context);

// Writes the report to where results go, `table` as its form for people, and to the files of
// -o FORMAT=FILE. Then says on standard error why the exit code is not 0, and returns that: the one
// of `judge`, or that of an interrupted program.
int PrintReportAs(const v1::Report& report, const std::string& table, Judge judge,
                  Context& context);

}  // namespace loadtest
