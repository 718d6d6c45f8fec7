#include "tests/sim/garbage.h"

#include <limits>
#include <utility>

#include "absl/strings/str_format.h"
#include "loadtest/v1/bus.pb.h"
#include "server/core/record_checks.h"

namespace loadtest::sim {
namespace {

Record RandomBytes(Random& random, Topic topic) {
  Record record;
  record.topic = topic;
  record.key = "driver-1";
  record.message_type = "MetricsReport";
  for (int64_t i = random.Between(0, 60); i > 0; --i)
    record.value.push_back(static_cast<char>(random.Between(0, 255)));
  if (random.Chance(300)) record.key.clear();
  // Random bytes may happen to be a valid message of a topic; with another type's name never.
  if (topic == Topic::kMetrics) record.message_type = "Metrics";
  return record;
}

// A copy of a record that is there; empty when there is none.
Record AnyOf(Random& random, const SimBroker& broker, Topic topic) {
  const TopicPartition at = {topic, 0};
  const std::vector<SimBroker::Stored>* log = broker.Find(at);
  if (log == nullptr || log->empty()) return {};
  return (*log)[static_cast<size_t>(random.Between(0, static_cast<int64_t>(log->size()) - 1))]
      .record;
}

// Of `trigger` mostly a decision, which is rarer there than a sign of life.
Record AnyDecision(Random& random, const SimBroker& broker) {
  Record record;
  for (int tries = 0; tries < 30; ++tries) {
    record = AnyOf(random, broker, Topic::kTrigger);
    if (record.key != kOrchestratorKey) break;
  }
  return record;
}

Record Torn(Random& random, const SimBroker& broker) {
  Record record = AnyOf(random, broker, Topic::kMetrics);
  // Without its type a report is none, however much of it is left.
  record.message_type.clear();
  if (!record.value.empty())
    record.value.resize(
        static_cast<size_t>(random.Between(0, static_cast<int64_t>(record.value.size()) - 1)));
  return record;
}

// A report that contradicts itself, or is of nobody.
Record Absurd(Random& random, const SimBroker& broker) {
  Record record = AnyOf(random, broker, Topic::kMetrics);
  v1::MetricsReport report;
  if (record.value.empty() || !report.ParseFromString(record.value))
    return RandomBytes(random, Topic::kMetrics);
  switch (random.Between(0, 5)) {
    case 0:
      report.mutable_measurements()->mutable_counts()->set_sent(-5);
      report.set_sequence(report.sequence() + 1'000);
      break;
    case 1:
      report.mutable_measurements()->mutable_counts()->set_completed(
          std::numeric_limits<int64_t>::max());
      report.set_sequence(report.sequence() + 1);
      break;
    case 2:
      report.set_sequence(std::numeric_limits<int64_t>::max());
      break;
    case 3:
      report.set_driver_id("stranger");
      record.key = "stranger";
      break;
    case 4:
      report.set_incarnation(report.incarnation() + 1);
      break;
    default:
      report.set_test_id("no-such-test");
      break;
  }
  record.value = report.SerializeAsString();
  record.partition = broker.PartitionOf(Topic::kMetrics, record.key);
  return record;
}

Record OldHeartbeat(Random& random, const SimBroker& broker) {
  Record record = AnyOf(random, broker, Topic::kHeartbeat);
  v1::DriverHeartbeat heartbeat;
  if (record.value.empty() || !heartbeat.ParseFromString(record.value))
    return RandomBytes(random, Topic::kHeartbeat);
  heartbeat.set_incarnation(heartbeat.incarnation() - 1'000);
  heartbeat.set_sequence(1'000'000);
  record.value = heartbeat.SerializeAsString();
  return record;
}

}  // namespace

std::vector<Record> Garbage(Random random, const SimBroker& broker) {
  std::vector<Record> records;
  for (int64_t i = random.Between(1, 5); i > 0; --i) {
    switch (random.Between(0, 6)) {
      case 0:
        records.push_back(RandomBytes(random, Topic::kRegister));
        break;
      case 1:
        records.push_back(RandomBytes(random, Topic::kTrigger));
        break;
      case 2:
        records.push_back(Torn(random, broker));
        break;
      case 3:
        records.push_back(OldHeartbeat(random, broker));
        break;
      case 4:
        // The same decision or report once more, as it was.
        records.push_back(random.Chance(500) ? AnyDecision(random, broker)
                                             : AnyOf(random, broker, Topic::kMetrics));
        if (records.back().value.empty()) records.pop_back();
        break;
      default:
        records.push_back(Absurd(random, broker));
        break;
    }
  }
  return records;
}

}  // namespace loadtest::sim
