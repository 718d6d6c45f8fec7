// From a record of the bus to one of our messages, or to the reason why it is none.
#pragma once

#include <variant>

#include "absl/status/statusor.h"
#include "common/bus/message_bus.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {

using BusMessage =
    std::variant<v1::DriverRegistration, v1::DriverHeartbeat, v1::Trigger, v1::MetricsReport>;

// Newest version of the bus protocol this program reads (DriverRegistration.protocol_version).
inline constexpr int kProtocolVersion = 1;

// InvalidArgument names topic, partition, offset, the field and what was wanted. A message that
// passes has valid ids, a key that is its driver's (or test's) id, no negative number, and
// measurements that do not contradict themselves.
absl::StatusOr<BusMessage> DecodeRecord(const Record& record);

// Name of the one message type of a topic, as in the record header `message_type`.
std::string_view MessageTypeOf(Topic topic);

}  // namespace loadtest
