// What a person sees while a test runs, on standard error.
#pragma once

#include <string>

#include "client/terminal.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {

// On a terminal one line that is drawn again with each update; elsewhere a line a second. Changes
// of state and events that matter (a driver lost, a stop ordered) get lines that stay. Used by one
// thread.
class LiveView {
 public:
  // `quiet` shows nothing. Does not own the terminal.
  LiveView(Terminal& terminal, bool quiet) : terminal_(terminal), quiet_(quiet) {}

  void Update(const v1::LoadTestUpdate& update);
  // A line that stays.
  void Say(const std::string& line);
  // Leaves the cursor at the start of an empty line. No update follows.
  void Finish();

 private:
  void Redraw(const std::string& line);

  Terminal& terminal_;
  const bool quiet_;
  bool line_is_open_ = false;
  std::string last_waiting_;
  int64_t last_logged_ns_ = -1;
};

}  // namespace loadtest
