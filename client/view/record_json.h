// A record of the bus as a line of JSON.
#pragma once

#include <string>

#include "common/bus/message_bus.h"

namespace loadtest {

// {"topic": ..., "partition": 0, "offset": 12, "key": "d1", "message_type": "DriverHeartbeat",
//  "timestamp": "2024-05-01T12:00:03.123Z", "value": {...}}, in one line.
// Instead of "value", a record that does not decode has "error" (why) and "value_hex" (its first 64
// bytes).
std::string RecordJson(const Record& record);

}  // namespace loadtest
