// A running test on one line of a log.
#pragma once

#include <string>

#include "loadtest/v1/service.pb.h"

namespace loadtest {

//   4s  40%  6s left  600/s  p50 1.23ms  p99 4.56ms  errors 0  3 drivers
// Rate and latencies are those of the newest interval, errors (failed, dropped, status 400 and
// above) those of the whole test. A test that waits says what for.
std::string LogLine(const v1::LoadTestUpdate& update);

}  // namespace loadtest
