// Many records of an ended test in one compressed value.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/bus/message_bus.h"

namespace loadtest {

// Interval reports of one test resemble each other, so together they compress far better than one
// by one. Order, and everything in the records, is kept.
//
// Form, after decompression (zstd): for each record the lengths of key, type and value, then topic,
// partition, offset and time, all as varints; then the three texts.
std::string PackRecords(const std::vector<Record>& records);

// Gives the records of a block to `take` one after the other, until it says false. DataLoss when
// the block is none.
absl::Status UnpackRecords(std::string_view block, const std::function<bool(const Record&)>& take);

}  // namespace loadtest
