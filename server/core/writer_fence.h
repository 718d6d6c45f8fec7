// Which life of the orchestrator may decide: the one that took over last.
#pragma once

#include <cstdint>
#include <optional>

#include "loadtest/v1/bus.pb.h"

namespace loadtest {

// Kafka lets anyone write to `trigger`, also an orchestrator that hung for a minute and does not
// know that it was replaced. So every record says who wrote it, and all readers leave out what an
// older life than the newest TAKEOVER wrote after it. The order on the topic decides, which all
// readers see.
//
// Pure. Owned by the core; not thread-safe.
class WriterFence {
 public:
  // Every record of `trigger`, in order. False: it is void.
  bool Admit(const v1::Trigger& trigger);

  // The newest life that took over or gave a sign of life, unless it has retired.
  const std::optional<v1::OrchestratorAlive>& incumbent() const { return incumbent_; }
  int64_t newest_takeover() const { return newest_takeover_; }
  // The largest life that any record is of.
  int64_t newest_writer() const { return newest_writer_; }

 private:
  int64_t newest_takeover_ = 0;
  int64_t newest_writer_ = 0;
  std::optional<v1::OrchestratorAlive> incumbent_;
};

}  // namespace loadtest
