// Whether the generator may be believed: one pure function of what was measured.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/measure/measurements.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// What the verdict needs to know of one driver's part.
struct DriverEvidence {
  std::string driver_id;
  const MeasurementSum* sum = nullptr;
  // Of sum's send delay, where it is at hand.
  std::optional<int64_t> send_delay_p99_ns = {};
  int64_t intervals_missing = 0;
  bool lost = false;
  bool adds_up = true;       // its counts fulfil the equations of RequestCounts
  bool ended_early = false;  // it ended before its plan, and not on the test's order
  bool refused = false;      // it did not take up what it was given of others
  bool replaced = false;     // others took its part over, or a new life of it did
  // It went on with a part that had been given to others, because it had not heard of that: so many
  // requests may have been sent twice; -1: nobody knows how many.
  int64_t beyond_plan = 0;
  // Of a driver that was lost, ended early or refused: measured requests of its plan that no report
  // tells of, and the part of the test they were due in, nanoseconds after the start; its end is -1
  // when only answers would have ended it. Without a schedule nobody knows how many they are.
  bool has_schedule = false;
  int64_t unreported = 0;
  int64_t unreported_from_ns = 0;
  int64_t unreported_to_ns = 0;
};

// `stopped`: a stop was ordered, so requests that were due and not sent are nobody's fault.
v1::Verdict Judge(const v1::LoadTestSpec& spec, const std::vector<DriverEvidence>& drivers,
                  bool stopped);

}  // namespace loadtest
