#include "tests/sim/sim_bus.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "loadtest/v1/bus.pb.h"
#include "server/core/record_checks.h"

namespace loadtest::sim {
namespace {

constexpr size_t kMostWaiting = 20'000;
// After a failed attempt.
constexpr int64_t kRetryNs = 200 * kNanosPerMilli;
// Until a consumer that was cut off reads a partition again.
constexpr int64_t kLongestWayBackNs = 1'500 * kNanosPerMilli;

bool IsOrder(const std::string& value) {
  v1::Trigger trigger;
  return trigger.ParseFromString(value) &&
         (trigger.has_started() || trigger.has_adjusted() || trigger.has_stop_ordered());
}

}  // namespace

void SimBroker::SetUp(bool up) {
  const bool is_back = up && !up_;
  up_ = up;
  for (SimBus* client : clients_) {
    if (is_back) client->OnBack();
    client->wake_(timeline_.now() + client->Latency());
  }
}

void SimBroker::CreateTopics() {
  for (const Topic topic : kAllTopics) {
    const int partitions = topic == Topic::kMetrics ? metrics_partitions_ : 1;
    for (int32_t i = 0; i < partitions; ++i) logs_.try_emplace({topic, i});
  }
}

int32_t SimBroker::PartitionOf(Topic topic, std::string_view key) const {
  if (topic != Topic::kMetrics) return 0;
  uint64_t hash = 14695981039346656037u;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<int32_t>(hash % static_cast<uint64_t>(metrics_partitions_));
}

void SimBroker::Append(Record record) {
  std::vector<Stored>& log = logs_[{record.topic, record.partition}];
  record.offset = static_cast<int64_t>(log.size());
  const TopicPartition at = {record.topic, record.partition};
  trace_.MixNumber(static_cast<uint64_t>(record.topic) << 8 |
                   static_cast<uint64_t>(record.partition));
  trace_.Mix(record.key);
  // Protobuf writes maps in any order, but as long.
  trace_.MixNumber(record.value.size());
  log.push_back({std::move(record), timeline_.now()});
  for (SimBus* client : clients_) client->OnAppended(at);
  if (listener_) listener_(log.back().record);
}

const std::vector<SimBroker::Stored>* SimBroker::Find(TopicPartition partition) const {
  const auto it = logs_.find(partition);
  return it == logs_.end() ? nullptr : &it->second;
}

SimBus::SimBus(Timeline& timeline, SimBroker& broker, Random random, const BusWeather& weather,
               std::function<void(int64_t)> wake)
    : timeline_(timeline),
      broker_(broker),
      random_(random),
      weather_(weather),
      wake_(std::move(wake)) {
  broker_.clients_.push_back(this);
}

SimBus::~SimBus() {
  *alive_ = false;
  std::erase(broker_.clients_, this);
}

void SimBus::SetReachable(bool reachable) {
  const bool is_back = reachable && !reachable_;
  reachable_ = reachable;
  if (is_back) OnBack();
  wake_(timeline_.now() + Latency());
}

void SimBus::OnBack() {
  for (auto& [partition, position] : positions_)
    position.back_ns = timeline_.now() + random_.Between(0, kLongestWayBackNs);
}

void SimBus::Reset() {
  for (auto& [to, line] : lines_) {
    if (line.on_way == nullptr) continue;
    // The old ones may still arrive, or have arrived: then they are there twice.
    line.waiting.insert(line.waiting.begin(), line.on_way->begin(), line.on_way->end());
    line.on_way = nullptr;
    Send(to);
  }
}

absl::Status SimBus::EnsureTopics(std::chrono::milliseconds /*timeout*/) {
  if (!connected()) return absl::UnavailableError("the simulated broker is away");
  broker_.CreateTopics();
  return absl::OkStatus();
}

absl::StatusOr<std::map<TopicPartition, OffsetRange>> SimBus::QueryOffsets(
    Topic topic, std::chrono::milliseconds /*timeout*/) {
  if (!connected()) return absl::UnavailableError("the simulated broker is away");
  if (!broker_.HasTopics()) return absl::NotFoundError("no topics yet");
  std::map<TopicPartition, OffsetRange> ranges;
  for (const auto& [partition, log] : broker_.logs_) {
    if (partition.topic == topic)
      ranges[partition] = {.begin = 0, .end = static_cast<int64_t>(log.size())};
  }
  return ranges;
}

absl::Status SimBus::Assign(const Offsets& offsets) {
  positions_.clear();
  for (const auto& [partition, offset] : offsets)
    positions_[partition] = {.next = offset, .lag_ns = Latency()};
  wake_(timeline_.now() + Latency());
  return absl::OkStatus();
}

absl::Status SimBus::Publish(Topic topic, std::string_view key, std::string_view message_type,
                             std::string_view value, PublishDone done) {
  if (waiting_ >= kMostWaiting) return absl::ResourceExhaustedError("too many records wait");
  Record record = {.topic = topic,
                   .partition = broker_.PartitionOf(topic, key),
                   .offset = 0,
                   .key = std::string(key),
                   .value = std::string(value),
                   .message_type = std::string(message_type),
                   .timestamp = {timeline_.now()}};
  if (topic == Topic::kTrigger && key != kOrchestratorKey) {
    ++decisions_;
    if (IsOrder(record.value)) ++orders_;
  }
  const TopicPartition to = {topic, record.partition};
  lines_[to].waiting.push_back({std::move(record), std::move(done)});
  ++waiting_;
  Send(to);
  return absl::OkStatus();
}

void SimBus::Send(TopicPartition to) {
  Line& line = lines_[to];
  if (line.on_way != nullptr || line.waiting.empty()) return;
  const auto batch = std::make_shared<Batch>(line.waiting.begin(), line.waiting.end());
  line.waiting.clear();
  line.on_way = batch;
  const bool lands_alone = random_.Chance(500);
  timeline_.At(timeline_.now() + Latency(),
               [this, alive = alive_, &broker = broker_, to, batch, lands_alone] {
                 if (*alive && lines_[to].on_way == batch) return Arrive(to, batch);
                 if (lands_alone) Land(broker, *batch);
               });
}

void SimBus::Land(SimBroker& broker, const Batch& batch) {
  if (!broker.up() || !broker.HasTopics()) return;
  for (const Outgoing& outgoing : batch) broker.Append(outgoing.record);
}

void SimBus::Arrive(TopicPartition to, const std::shared_ptr<Batch>& batch) {
  Line& line = lines_[to];
  if (!connected() || !broker_.HasTopics()) {
    timeline_.At(timeline_.now() + kRetryNs, [this, alive = alive_, to, batch] {
      if (*alive && lines_[to].on_way == batch) Arrive(to, batch);
    });
    return;
  }
  Batch taken;
  for (size_t i = 0; i < batch->size(); ++i) {
    Outgoing& outgoing = (*batch)[i];
    const bool before_last = lose_before_last_ && IsBeforeLast(line, *batch, i);
    if (before_last) {
      lose_before_last_ = false;
      lost_report_ = true;
    }
    if (before_last || random_.Chance(weather_.lost_per_mille)) {
      finished_.emplace_back(std::move(outgoing.done), absl::InternalError("lost"));
      --waiting_;
      wake_(timeline_.now());
    } else if (!line.waiting.empty() && random_.Chance(weather_.delayed_per_mille)) {
      line.waiting.push_back(std::move(outgoing));
    } else {
      broker_.Append(outgoing.record);
      taken.push_back(std::move(outgoing));
    }
  }
  *batch = std::move(taken);
  timeline_.At(timeline_.now() + Latency(), [this, alive = alive_, to, batch] {
    if (*alive && lines_[to].on_way == batch) Confirm(to, batch);
  });
}

bool SimBus::IsBeforeLast(const Line& line, const Batch& batch, size_t at) const {
  const Outgoing* next = nullptr;
  if (at + 1 < batch.size()) {
    next = &batch[at + 1];
  } else if (!line.waiting.empty()) {
    next = &line.waiting.front();
  }
  v1::MetricsReport report;
  return next != nullptr && next->record.topic == Topic::kMetrics &&
         report.ParseFromString(next->record.value) && report.final();
}

void SimBus::Confirm(TopicPartition to, const std::shared_ptr<Batch>& batch) {
  for (Outgoing& outgoing : *batch) {
    finished_.emplace_back(std::move(outgoing.done), absl::OkStatus());
    --waiting_;
  }
  lines_[to].on_way = nullptr;
  wake_(timeline_.now());
  Send(to);
}

void SimBus::OnAppended(TopicPartition partition) {
  const auto it = positions_.find(partition);
  if (it != positions_.end()) wake_(timeline_.now() + it->second.lag_ns);
}

BusEvents SimBus::Poll(std::chrono::milliseconds /*timeout*/) {
  std::vector<std::pair<PublishDone, absl::Status>> finished;
  finished.swap(finished_);
  for (auto& [done, status] : finished) {
    if (done) done(status);
  }
  BusEvents events;
  if (!connected() || positions_.empty()) return events;
  // A consumer hands out its partitions in any order.
  auto it = positions_.begin();
  std::advance(it, random_.Between(0, static_cast<int64_t>(positions_.size()) - 1));
  for (size_t i = 0; i < positions_.size(); ++i) {
    ReadInto(it->first, it->second, events);
    if (++it == positions_.end()) it = positions_.begin();
  }
  // There may be more at once.
  if (events.records.size() >= kMostRecordsPerPoll) wake_(timeline_.now());
  return events;
}

void SimBus::ReadInto(TopicPartition partition, Position& position, BusEvents& events) {
  const std::vector<SimBroker::Stored>* log = broker_.Find(partition);
  if (log == nullptr) return;
  if (position.next > static_cast<int64_t>(log->size())) position.next = 0;
  bool read = false;
  while (position.next < static_cast<int64_t>(log->size()) &&
         events.records.size() < kMostRecordsPerPoll) {
    const SimBroker::Stored& stored = (*log)[static_cast<size_t>(position.next)];
    const int64_t visible_ns = std::max(stored.appended_ns + position.lag_ns, position.back_ns);
    if (visible_ns > timeline_.now()) {
      wake_(visible_ns);
      break;
    }
    events.records.push_back(stored.record);
    ++position.next;
    read = true;
  }
  if (read) position.lag_ns = Latency();
}

absl::Status SimBus::Flush(std::chrono::milliseconds /*timeout*/) {
  if (waiting_ == 0) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrFormat("%d records are not delivered", waiting_));
}

bool SimBus::HasSaidAll() const {
  return std::all_of(lines_.begin(), lines_.end(), [](const auto& entry) {
    const Line& line = entry.second;
    return entry.first.topic == Topic::kHeartbeat ||
           (line.on_way == nullptr && line.waiting.empty());
  });
}

}  // namespace loadtest::sim
