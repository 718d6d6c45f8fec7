#include "client/view/events.h"

namespace loadtest {

bool IsRoutine(const v1::Event& event) {
  // A driver that ended for a reason of its own says it after its id.
  if (event.type() == "driver_done") return event.message().find(": ") == std::string::npos;
  for (const char* routine : {"created", "started", "driver_armed", "running", "finished"}) {
    if (event.type() == routine) return true;
  }
  return false;
}

}  // namespace loadtest
