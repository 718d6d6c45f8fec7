#include "tests/sim/trigger_log.h"

#include <algorithm>
#include <utility>

namespace loadtest::sim {

TriggerLog::TriggerLog(const SimBroker& broker) {
  const std::vector<SimBroker::Stored>* log = broker.Find({Topic::kTrigger, 0});
  if (log == nullptr) return;
  int64_t newest_takeover = 0;
  for (const SimBroker::Stored& stored : *log) {
    v1::Trigger trigger;
    if (stored.record.message_type != "Trigger" || !trigger.ParseFromString(stored.record.value))
      continue;
    if (trigger.has_alive() && trigger.alive().kind() == v1::OrchestratorAlive::TAKEOVER)
      newest_takeover = std::max(newest_takeover, trigger.alive().incarnation());
    if (trigger.writer() < newest_takeover) {
      void_.insert(stored.record.offset);
      if (trigger.has_started() || trigger.has_adjusted() || trigger.has_stop_ordered())
        ++void_orders_;
    } else if (!trigger.has_alive()) {
      decisions_.push_back({stored.record.offset, std::move(trigger)});
    }
  }
}

}  // namespace loadtest::sim
