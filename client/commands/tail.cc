// `tail`: records of a topic as they come, read from Kafka itself.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/view/record_json.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/bus/kafka_bus.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

constexpr std::chrono::milliseconds kPollTimeout{100};
constexpr std::chrono::milliseconds kQueryTimeout{5'000};

absl::StatusOr<Topic> ParseTopic(const std::string& text) {
  for (const Topic topic : kAllTopics) {
    if (TopicName(topic) == text) return topic;
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("topic: got \"%s\", want register, heartbeat, trigger or metrics", text));
}

// 0: no limit.
absl::StatusOr<int64_t> ParseLimit(const TailCommand& command) {
  if (!command.count) return 0;
  const absl::StatusOr<int64_t> count = ParseCount(*command.count);
  if (count.ok() && *count >= 1) return *count;
  return absl::InvalidArgumentError(
      absl::StrFormat("-n: got \"%s\", want a number of records, 1 at least", *command.count));
}

absl::StatusOr<v1::KafkaConfig> KafkaOf(const TailCommand& command) {
  ConfigSources sources;
  sources.file = command.config;
  sources.environment = LoadtestEnvironment();
  if (!command.kafka.empty()) {
    sources.overrides.push_back({"kafka.bootstrap_servers", command.kafka, "--kafka"});
  }
  ASSIGN_OR_RETURN(const v1::Config config, LoadConfig(sources));
  if (config.kafka().bootstrap_servers() == "embedded") {
    return absl::InvalidArgumentError(
        "tail reads from Kafka itself; want its address: --kafka HOST:PORT, or "
        "kafka.bootstrap_servers in config.json (an orchestrator with the embedded broker says "
        "its address when it starts)");
  }
  return config.kafka();
}

// The partitions that are not read up to where they ended when `ends` was made.
bool HasReached(const std::map<TopicPartition, OffsetRange>& ends, const Offsets& next) {
  for (const auto& [partition, range] : ends) {
    const auto at = next.find(partition);
    if (at == next.end() || at->second < range.end) return false;
  }
  return true;
}

absl::Status Tail(const TailCommand& command, Context& context, std::atomic<bool>& interrupted) {
  ASSIGN_OR_RETURN(const Topic topic, ParseTopic(command.topic));
  ASSIGN_OR_RETURN(const int64_t limit, ParseLimit(command));
  if (command.from != "begin" && command.from != "end") {
    return absl::InvalidArgumentError(
        absl::StrFormat("--from: got \"%s\", want begin or end", command.from));
  }
  ASSIGN_OR_RETURN(const v1::KafkaConfig kafka, KafkaOf(command));
  ASSIGN_OR_RETURN(const auto bus, KafkaBus::Connect(kafka, {.client_id = std::to_string(getpid()),
                                                             .role = "loadctl"}));
  ASSIGN_OR_RETURN(const auto ranges, bus->QueryOffsets(topic, kQueryTimeout));
  Offsets next;
  for (const auto& [partition, range] : ranges) {
    next[partition] = command.from == "begin" ? range.begin : range.end;
  }
  RETURN_IF_ERROR(bus->Assign(next));

  int64_t printed = 0;
  while (!interrupted && !(command.once && HasReached(ranges, next))) {
    const BusEvents events = bus->Poll(kPollTimeout);
    for (const OffsetGap& gap : events.gaps) {
      context.terminal.err << absl::StrFormat(
          "loadctl: %s[%d]: offsets %d to %d were thrown away before they were read\n",
          command.topic, gap.partition.partition, gap.from, gap.to - 1);
      next[gap.partition] = gap.to;
    }
    for (const Record& record : events.records) {
      context.out << RecordJson(record) << '\n';
      next[{record.topic, record.partition}] = record.offset + 1;
      if (++printed == limit) break;
    }
    context.out.flush();
    if (limit > 0 && printed == limit) break;
    // A closed pipe: nobody reads on.
    if (!context.out) break;
  }
  return absl::OkStatus();
}

}  // namespace

int TailTopic(const TailCommand& command, Context& context) {
  std::atomic<bool> interrupted = false;
  context.interrupts.OnFirst([&interrupted](int) { interrupted = true; });
  const absl::Status tailed = Tail(command, context, interrupted);
  context.interrupts.OnFirst(nullptr);
  if (!tailed.ok()) return Fail(context, tailed);
  return context.interrupts.received() != 0 ? context.interrupts.exit_code() : kExitOk;
}

}  // namespace loadtest
