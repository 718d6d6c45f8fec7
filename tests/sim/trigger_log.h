// Topic `trigger` as everybody has to understand it, read without the code that is under test.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "loadtest/v1/bus.pb.h"
#include "tests/sim/sim_bus.h"

namespace loadtest::sim {

class TriggerLog {
 public:
  explicit TriggerLog(const SimBroker& broker);

  struct Decision {
    int64_t offset;
    v1::Trigger trigger;
  };
  // Decisions, without signs of life, that were written by the orchestrator in office.
  const std::vector<Decision>& decisions() const { return decisions_; }
  // Whether the record there is of an orchestrator that had been replaced.
  bool IsVoid(int64_t offset) const { return void_.contains(offset); }
  // Of those, the ones that tell drivers to do something.
  int void_orders() const { return void_orders_; }

 private:
  std::vector<Decision> decisions_;
  std::set<int64_t> void_;
  int void_orders_ = 0;
};

}  // namespace loadtest::sim
