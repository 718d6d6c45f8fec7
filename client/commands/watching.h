// Watching a test to its end: the second half of `run`, and all of `watch`.
#pragma once

#include <mutex>
#include <string>

#include "client/commands/context.h"
#include "client/connection.h"
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
// -o FORMAT=FILE.
void PrintReportAs(const v1::Report& report, const std::string& table, Context& context);

// The reason for an exit code other than 0, on standard error; returns the code.
int SayOutcome(const v1::Report& report, int exit_code, Context& context);

}  // namespace loadtest
