// Protobuf messages as JSON, for config, plan files and REST: protobuf's own mapping, with errors a
// person can use.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace loadtest {

// Reads `text` into `message` (which is cleared first). Field names in snake_case or
// lowerCamelCase. Comments (// to the end of the line, and between /* and */) are left out.
// Durations as "1.5s" or any form of ParseDuration ("5ms", "1m30s"). `bytes` fields
// are base64, as protobuf has it. Errors, InvalidArgument, begin with `source` ("config.json",
// "request body") and name place, value and what was wanted:
//   config.json:7:3: not JSON: unexpected '}'
//   config.json: driver.heartbeat_interval: got 5, want a duration such as "500ms" or "1m30s"
//   config.json: driver.colour: unknown key; want one of id, heartbeat_interval, ...
absl::Status JsonToProto(std::string_view text, std::string_view source,
                         google::protobuf::Message& message);

// snake_case names; 64-bit integers as numbers when they are exact in a double (below 2^53), else
// as strings. `indent` spaces a level; 0: one line. With `defaults`, fields that have their default
// value are written too.
std::string ProtoToJson(const google::protobuf::Message& message, int indent = 0,
                        bool defaults = false);

}  // namespace loadtest
