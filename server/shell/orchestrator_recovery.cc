// The start of the shell: what the store knows, what `trigger` says since, who else is there. All
// of it on the caller's thread, before the others begin.
#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"
#include "server/shell/orchestrator.h"

namespace loadtest {
namespace {

constexpr auto kBusPoll = std::chrono::milliseconds(100);
constexpr auto kBusAnswer = std::chrono::milliseconds(10'000);
// How often, and how many times, it is asked for a topic that was made a moment ago.
constexpr auto kTopicPause = std::chrono::milliseconds(50);
constexpr int kTopicPauses = 100;
constexpr int64_t kCatchUpNs = 30 * kNanosPerSecond;
constexpr int64_t kReadBackNs = 10 * kNanosPerSecond;
// Records of `trigger` that are looked at once more, for the last sign of life among them.
constexpr int64_t kLookBack = 300;

absl::Status SomebodyIsThere(const v1::OrchestratorAlive& there) {
  return absl::FailedPreconditionError(absl::StrFormat(
      "another orchestrator is in charge of these topics: process %d on %s, since %s. Stop that "
      "one "
      "first, or give this one topics of its own (--set kafka.topic_prefix=NAME.)",
      there.pid(), there.host_name(),
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixNanos(there.incarnation()),
                       absl::UTCTimeZone())));
}

// Of a topic that EnsureTopics has made or seen: a broker that has not heard of it yet says that
// there is none.
absl::StatusOr<std::map<TopicPartition, OffsetRange>> QueryTopic(MessageBus& bus, Topic topic) {
  for (int pauses = 0;; ++pauses) {
    auto ranges = bus.QueryOffsets(topic, kBusAnswer);
    if (!absl::IsNotFound(ranges.status()) || pauses == kTopicPauses) return ranges;
    std::this_thread::sleep_for(kTopicPause);
  }
}

}  // namespace

absl::Status Orchestrator::Recover() {
  RETURN_IF_ERROR(bus_.EnsureTopics(kBusAnswer));
  ASSIGN_OR_RETURN(Store::Contents contents, store_.store().Load());
  RETURN_IF_ERROR(CheckBus(contents));
  for (const StoreBatch::SavedTest& saved : contents.tests) {
    if (IsEnded(saved.test.state())) core_.Restore(saved.test, saved.request_id);
  }
  for (const std::string& id : contents.deleted) core_.RestoreDeleted(id);
  core_.BeginCatchUp();
  for (const Record& record : contents.unfinished_records) core_.Apply(Now(), record);
  if (options_.bus_is_new) core_.LoseBus();
  ASSIGN_OR_RETURN(Offsets offsets, StartOffsets(contents.offsets));
  RETURN_IF_ERROR(CatchUp(offsets));
  RETURN_IF_ERROR(TakeOver(offsets));
  busy_drivers_at_start_ = core_.BusyDriverIds();
  WriteStore(true);
  if (catch_up_to_.empty()) core_.EndCatchUp(Now());
  return bus_.Assign(offsets);
}

absl::Status Orchestrator::CheckBus(Store::Contents& contents) {
  const std::string id = options_.bus_is_new ? "embedded" : bus_.id();
  // A store of the first version knew no bus.
  const bool same = contents.bus_id.empty() || id.empty() || id == contents.bus_id;
  if (same && !options_.bus_is_new) return store_.store().SetBusId(id);
  if (!same) {
    log_.Warning(absl::StrFormat(
        "the data folder was last used with another Kafka (%s, now %s): its tests and reports are "
        "kept, and the topics are read from their beginning; give each Kafka its own --data to "
        "keep them apart",
        contents.bus_id, id));
  }
  contents.offsets.clear();
  return store_.store().ResetOffsets(id);
}

absl::StatusOr<Offsets> Orchestrator::StartOffsets(const Offsets& stored) {
  Offsets offsets;
  for (const Topic topic : kAllTopics) {
    ASSIGN_OR_RETURN(const auto ranges, QueryTopic(bus_, topic));
    for (const auto& [partition, range] : ranges) {
      int64_t next = range.begin;
      // Of heartbeats only the newest count. Registrations are read anew each time: they tell who
      // the drivers are.
      if (topic == Topic::kHeartbeat) next = range.end;
      if (topic == Topic::kTrigger || topic == Topic::kMetrics) {
        const auto it = stored.find(partition);
        if (it != stored.end()) next = it->second;
        if (next > range.end) {
          log_.Warning(
              absl::StrFormat("%s[%d] ends at offset %d, and the store has read to %d: the topic "
                              "was made anew; reading it from its start",
                              TopicName(topic), partition.partition, range.end, next));
          next = range.begin;
        } else if (next < range.begin) {
          log_.Warning(
              absl::StrFormat("%s[%d]: records %d to %d were thrown away before they were read",
                              TopicName(topic), partition.partition, next, range.begin));
          ++stats_.offset_gaps;
          next = range.begin;
        }
      }
      offsets[partition] = next;
      if (topic == Topic::kMetrics && next < range.end) catch_up_to_[partition] = range.end;
    }
  }
  return offsets;
}

// Reads `trigger` to its end before anything else, so that no interval report meets an unknown test
// only because topics are read side by side.
absl::Status Orchestrator::CatchUp(Offsets& offsets) {
  ASSIGN_OR_RETURN(const auto ranges, QueryTopic(bus_, Topic::kTrigger));
  Offsets from;
  for (const auto& [partition, range] : ranges)
    from[partition] = std::max(range.begin, std::min(offsets[partition], range.end - kLookBack));
  RETURN_IF_ERROR(bus_.Assign(from));
  polled_to_ = from;
  return PollUntil(offsets, clock_.Now().ns + kCatchUpNs, [&] {
    return std::all_of(ranges.begin(), ranges.end(), [&](const auto& entry) {
      return polled_to_[entry.first] >= entry.second.end;
    });
  });
}

// DeadlineExceeded when `done` does not come to be. Records from before `offsets` are glanced at.
absl::Status Orchestrator::PollUntil(Offsets& offsets, int64_t deadline_ns,
                                     const std::function<bool()>& done) {
  while (!done()) {
    if (clock_.Now().ns > deadline_ns)
      return absl::UnavailableError("the broker does not deliver the records of `trigger`");
    BusEvents events = bus_.Poll(kBusPoll);
    for (const OffsetGap& gap : events.gaps)
      offsets[gap.partition] = polled_to_[gap.partition] = gap.to;
    for (const Record& record : events.records)
      polled_to_[{record.topic, record.partition}] = record.offset + 1;
    std::erase_if(events.records, [&](const Record& record) {
      const bool known = record.offset < offsets[{record.topic, record.partition}];
      if (known) core_.Glance(record);
      return known;
    });
    for (const Record& record : events.records)
      offsets[{record.topic, record.partition}] = record.offset + 1;
    OnRecords(Decode(std::move(events)));
  }
  return absl::OkStatus();
}

absl::Status Orchestrator::TakeOver(Offsets& offsets) {
  const std::optional<v1::OrchestratorAlive> incumbent = core_.fence().incumbent();
  // Later than all lives before, also when the clock was put back. Two that begin at once from the
  // same newest life must not have the same number: neither would see that the other has taken over.
  core_.BecomeWriter(std::max(clock_.WallNow().ns, core_.fence().newest_writer() + 1) +
                     static_cast<int64_t>(std::random_device()() % kNanosPerMilli));
  if (incumbent && !options_.is_gone(*incumbent)) RETURN_IF_ERROR(AwaitAnswer(offsets, *incumbent));
  RETURN_IF_ERROR(PublishSign(v1::OrchestratorAlive::TAKEOVER));
  RETURN_IF_ERROR(PollUntil(offsets, clock_.Now().ns + kReadBackNs, [&] {
    return fenced_ || core_.fence().newest_takeover() == core_.writer();
  }));
  if (fenced_) return SomebodyIsThere(core_.fence().incumbent().value_or(v1::OrchestratorAlive()));
  in_office_ = true;
  return absl::OkStatus();
}

absl::Status Orchestrator::AwaitAnswer(Offsets& offsets, const v1::OrchestratorAlive& incumbent) {
  log_.Info(absl::StrFormat("asking whether orchestrator %d (process %d on %s) is still there",
                            incumbent.incarnation(), incumbent.pid(), incumbent.host_name()));
  RETURN_IF_ERROR(PublishSign(v1::OrchestratorAlive::CLAIM));
  // A slow broker gives the other one no less time.
  RETURN_IF_ERROR(PollUntil(offsets, clock_.Now().ns + kReadBackNs,
                            [&] { return core_.fence().newest_writer() >= core_.writer(); }));
  // It may have said goodbye meanwhile.
  if (!core_.fence().incumbent()) return absl::OkStatus();
  const int64_t asked_ns = clock_.Now().ns;
  const int64_t sign_ns = core_.fence().incumbent()->send_time_ns();
  const auto answered = [&] {
    const auto& now = core_.fence().incumbent();
    return now && (now->incarnation() != incumbent.incarnation() || now->send_time_ns() > sign_ns);
  };
  const auto retired = [&] { return !core_.fence().incumbent().has_value(); };
  RETURN_IF_ERROR(PollUntil(offsets, asked_ns + options_.claim_wait_ns + kReadBackNs, [&] {
    return answered() || retired() || clock_.Now().ns - asked_ns > options_.claim_wait_ns;
  }));
  return answered() ? SomebodyIsThere(*core_.fence().incumbent()) : absl::OkStatus();
}

}  // namespace loadtest
