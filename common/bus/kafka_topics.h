// Creating the four topics on a real Kafka.
#pragma once

#include <chrono>

#include "absl/status/status.h"
#include "common/bus/kafka_handle.h"
#include "loadtest/v1/config.pb.h"

namespace loadtest {

// Creates those of the four topics that do not exist, as PlanTopic has them, and waits until all
// can be written and read. Topics that exist are left as they are. Blocks up to `timeout`. Errors:
// Unavailable when the broker does not answer or the topics do not come; PermissionDenied;
// FailedPrecondition when a topic that must have one partition has more.
absl::Status EnsureKafkaTopics(KafkaHandle& handle, const v1::KafkaConfig& config,
                               std::chrono::milliseconds timeout);

}  // namespace loadtest
