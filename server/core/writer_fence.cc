#include "server/core/writer_fence.h"

#include <algorithm>

namespace loadtest {

bool WriterFence::Admit(const v1::Trigger& trigger) {
  const int64_t writer = trigger.has_alive() ? trigger.alive().incarnation() : trigger.writer();
  newest_writer_ = std::max(newest_writer_, writer);
  if (writer != 0 && writer < newest_takeover_) return false;
  if (!trigger.has_alive()) return true;
  switch (trigger.alive().kind()) {
    case v1::OrchestratorAlive::TAKEOVER:
      newest_takeover_ = writer;
      incumbent_ = trigger.alive();
      break;
    case v1::OrchestratorAlive::ALIVE:
      if (!incumbent_ || incumbent_->incarnation() <= writer) incumbent_ = trigger.alive();
      break;
    case v1::OrchestratorAlive::RETIRED:
      if (incumbent_ && incumbent_->incarnation() == writer) incumbent_.reset();
      break;
    default:  // CLAIM: a question
      break;
  }
  return true;
}

}  // namespace loadtest
