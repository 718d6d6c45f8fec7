// Whether all that is to be read can be read, by what the Kafka client says of itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace loadtest {

// Whether the brokers that lead these partitions (topic, number) are connected and have answered
// within `patience`, which must be longer than they may hold back the answer to a fetch. A
// partition that the statistics do not know yet counts as led.
//
// `statistics` is the JSON that librdkafka gives to its stats_cb; its STATISTICS.md has the fields.
bool LeadersAnswer(std::string_view statistics,
                   const std::vector<std::pair<std::string, int32_t>>& partitions,
                   std::chrono::microseconds patience);

}  // namespace loadtest
