// Kafka as its clients see it on bad days: a broker with topics, and a client for each process.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/bus/message_bus.h"
#include "tests/sim/random.h"
#include "tests/sim/timeline.h"
#include "tests/sim/trace.h"

namespace loadtest::sim {

class SimBus;

// How good the network and the broker are.
struct BusWeather {
  // A record's way to the broker, the answer's way back, and a reader's lag behind a partition.
  int64_t fastest_ns = 0;
  int64_t slowest_ns = 0;
  // Per mille of published records: given up by the client, which tells its owner, if that listens.
  int lost_per_mille = 0;
  // Per mille of published records: had to be published again, and come behind later ones.
  int delayed_per_mille = 0;
};

// The topics. Owned by the world; outlives its clients.
class SimBroker {
 public:
  SimBroker(Timeline& timeline, Trace& trace, int metrics_partitions)
      : timeline_(timeline), trace_(trace), metrics_partitions_(metrics_partitions) {}

  void SetUp(bool up);
  bool up() const { return up_; }

  void CreateTopics();
  bool HasTopics() const { return !logs_.empty(); }
  int32_t PartitionOf(Topic topic, std::string_view key) const;
  // Appends at once, whoever is away.
  void Append(Record record);
  // Called with each record that was appended.
  void SetListener(std::function<void(const Record&)> listener) { listener_ = std::move(listener); }

  struct Stored {
    Record record;
    int64_t appended_ns;
  };
  const std::vector<Stored>* Find(TopicPartition partition) const;
  const std::map<TopicPartition, std::vector<Stored>>& logs() const { return logs_; }

 private:
  friend class SimBus;

  Timeline& timeline_;
  Trace& trace_;
  const int metrics_partitions_;
  bool up_ = true;
  std::function<void(const Record&)> listener_;
  std::map<TopicPartition, std::vector<Stored>> logs_;
  // In the order in which they came, so that no address of memory has a say.
  std::vector<SimBus*> clients_;
};

// One life of one process has one of these. When it is destroyed, what it had sent may still reach
// the broker; what it had not is gone.
class SimBus final : public MessageBus {
 public:
  // `wake` is called when records or answers will be there for Poll at that time.
  SimBus(Timeline& timeline, SimBroker& broker, Random random, const BusWeather& weather,
         std::function<void(int64_t when_ns)> wake);
  ~SimBus() override;

  // Cuts this client off, or connects it again.
  void SetReachable(bool reachable);
  // The client gives up its connection and publishes again whatever was not confirmed.
  void Reset();
  // The next report that has the last one of its run right behind it is lost.
  void LoseReportBeforeLast(bool lose = true) { lose_before_last_ = lose; }
  // Whether that has happened; true once.
  bool lost_report() { return std::exchange(lost_report_, false); }
  // Whether nothing but heartbeats, of which there is always another one, is on its way.
  bool HasSaidAll() const;

  const SimBroker& broker() const { return broker_; }
  // Decisions that were handed in: records of `trigger` that are no signs of life.
  int64_t decisions() const { return decisions_; }
  // Those among them that drivers obey.
  int64_t orders() const { return orders_; }

  absl::Status EnsureTopics(std::chrono::milliseconds timeout) override;
  absl::StatusOr<std::map<TopicPartition, OffsetRange>> QueryOffsets(
      Topic topic, std::chrono::milliseconds timeout) override;
  absl::Status Assign(const Offsets& offsets) override;
  BusEvents Poll(std::chrono::milliseconds timeout) override;
  absl::Status Publish(Topic topic, std::string_view key, std::string_view message_type,
                       std::string_view value, PublishDone done = nullptr) override;
  absl::Status Flush(std::chrono::milliseconds timeout) override;
  bool connected() const override { return broker_.up() && reachable_; }
  std::string local_address() const override { return "10.0.0.1"; }
  std::string description() const override { return "simulated"; }

 private:
  friend class SimBroker;

  struct Outgoing {
    Record record;
    PublishDone done;
  };
  using Batch = std::vector<Outgoing>;
  // The records for one partition, in order: at most one batch is on its way, the rest waits.
  struct Line {
    std::shared_ptr<Batch> on_way;
    std::deque<Outgoing> waiting;
  };

  struct Position {
    int64_t next = 0;
    int64_t lag_ns = 0;
    // Until then nothing is read: its connection is being made anew.
    int64_t back_ns = 0;
  };

  // It can speak with the broker again; each partition is read again in a while of its own.
  void OnBack();
  int64_t Latency() { return random_.Between(weather_.fastest_ns, weather_.slowest_ns); }
  void Send(TopicPartition to);
  void Arrive(TopicPartition to, const std::shared_ptr<Batch>& batch);
  void Confirm(TopicPartition to, const std::shared_ptr<Batch>& batch);
  // What was on its way when its client died or gave up, if it is to arrive all the same.
  static void Land(SimBroker& broker, const Batch& batch);
  void OnAppended(TopicPartition partition);
  bool IsBeforeLast(const Line& line, const Batch& batch, size_t at) const;
  void ReadInto(TopicPartition partition, Position& position, BusEvents& events);

  Timeline& timeline_;
  SimBroker& broker_;
  Random random_;
  const BusWeather& weather_;
  const std::function<void(int64_t)> wake_;
  bool reachable_ = true;
  bool lose_before_last_ = false;
  bool lost_report_ = false;
  std::map<TopicPartition, Line> lines_;
  size_t waiting_ = 0;
  int64_t decisions_ = 0;
  int64_t orders_ = 0;
  std::vector<std::pair<PublishDone, absl::Status>> finished_;
  std::map<TopicPartition, Position> positions_;
  // Outlives this for what is still on its way.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace loadtest::sim
