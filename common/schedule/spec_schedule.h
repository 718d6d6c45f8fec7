// The schedule that a spec asks for.
#pragma once

#include "common/schedule/schedule.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Of an open loop, validated. Offset 0 is the start of the warm-up, if there is one.
Schedule ScheduleOf(const v1::LoadTestSpec& spec);

}  // namespace loadtest
