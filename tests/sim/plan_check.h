// Whether the parts of a test's schedule were sent by those who had them in the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "loadtest/v1/load_test.pb.h"
#include "server/core/share_plan.h"
#include "tests/sim/ledger.h"
#include "tests/sim/trigger_log.h"

namespace loadtest::sim {

class PlanCheck {
 public:
  // References must outlive it.
  PlanCheck(const TriggerLog& log, const std::string& id, const v1::Report& report);

  // How many drivers' shares have the request of the common schedule that is due then.
  int OwnersOf(int64_t due_ns) const;
  // What is wrong with a driver's part; empty: nothing.
  std::string WrongWith(const v1::DriverResult& driver, const RunRecord& run) const;
  // Whether a driver was given what others had.
  bool is_adjusted() const { return is_adjusted_; }

 private:
  std::string WrongNumber(const v1::DriverResult& driver, const RunRecord& run) const;
  std::string WrongUnknown(const v1::DriverResult& driver) const;
  std::string NotTaken(const RunRecord& run) const;
  bool IsNamed(const std::string& driver_id, std::string_view what) const;

  const TriggerLog& log_;
  const v1::Report& report_;
  // As the decisions on `trigger` left it.
  std::optional<SharePlan> plan_;
  bool is_adjusted_ = false;
  int64_t start_ns_ = 0;
  // Nanoseconds after the start.
  std::optional<int64_t> stopped_ns_;
};

}  // namespace loadtest::sim
