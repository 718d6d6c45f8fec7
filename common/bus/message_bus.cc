#include "common/bus/message_bus.h"

#include <cstdlib>

namespace loadtest {

std::string_view TopicName(Topic topic) {
  switch (topic) {
    case Topic::kRegister:
      return "register";
    case Topic::kHeartbeat:
      return "heartbeat";
    case Topic::kTrigger:
      return "trigger";
    case Topic::kMetrics:
      return "metrics";
  }
  std::abort();  // A value outside the enum.
}

}  // namespace loadtest
