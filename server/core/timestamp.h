// Wall time as protobuf has it.
#pragma once

#include <cstdint>

#include "common/base/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace loadtest {

inline google::protobuf::Timestamp ToTimestamp(int64_t wall_ns) {
  google::protobuf::Timestamp out;
  out.set_seconds(wall_ns / kNanosPerSecond);
  out.set_nanos(static_cast<int32_t>(wall_ns % kNanosPerSecond));
  return out;
}

}  // namespace loadtest
