#include "driver/report_outbox.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/bus/memory_bus.h"

namespace loadtest {
namespace {

// A bus whose Publish and delivery fail when the test wants.
class FailingBus final : public MessageBus {
 public:
  absl::Status EnsureTopics(std::chrono::milliseconds) override { return absl::OkStatus(); }
  absl::StatusOr<std::map<TopicPartition, OffsetRange>> QueryOffsets(
      Topic, std::chrono::milliseconds) override {
    return std::map<TopicPartition, OffsetRange>();
  }
  absl::Status Assign(const Offsets&) override { return absl::OkStatus(); }
  BusEvents Poll(std::chrono::milliseconds) override { return {}; }
  absl::Status Publish(Topic, std::string_view, std::string_view, std::string_view value,
                       PublishDone done) override {
    if (full) return absl::ResourceExhaustedError("full");
    published.emplace_back(value);
    callbacks.push_back(std::move(done));
    return absl::OkStatus();
  }
  absl::Status Flush(std::chrono::milliseconds) override { return absl::OkStatus(); }
  bool connected() const override { return true; }
  std::string local_address() const override { return "127.0.0.1"; }
  std::string description() const override { return "failing"; }

  bool full = false;
  std::vector<std::string> published;
  std::vector<PublishDone> callbacks;
};

v1::MetricsReport Report(int64_t sequence) {
  v1::MetricsReport report;
  report.set_sequence(sequence);
  return report;
}

int64_t SequenceOf(const std::string& value) {
  v1::MetricsReport report;
  EXPECT_TRUE(report.ParseFromString(value));
  return report.sequence();
}

TEST(ReportOutboxTest, KeepsWhatTheBusDoesNotTakeInOrder) {
  FailingBus bus;
  ReportOutbox outbox(bus, "a1");
  bus.full = true;
  outbox.Add(Report(1));
  outbox.Add(Report(2));
  EXPECT_TRUE(bus.published.empty());
  bus.full = false;
  outbox.Retry();
  ASSERT_EQ(bus.published.size(), 2u);
  EXPECT_EQ(SequenceOf(bus.published[0]), 1);
  EXPECT_EQ(SequenceOf(bus.published[1]), 2);
  EXPECT_TRUE(outbox.empty());
}

TEST(ReportOutboxTest, SendsAgainWhatWasNotDelivered) {
  FailingBus bus;
  ReportOutbox outbox(bus, "a1");
  outbox.Add(Report(1));
  bus.callbacks[0](absl::UnavailableError("timed out"));
  EXPECT_FALSE(outbox.empty());
  outbox.Retry();
  ASSERT_EQ(bus.published.size(), 2u);
  EXPECT_EQ(SequenceOf(bus.published[1]), 1);
}

TEST(ReportOutboxTest, HasRoomForAMinuteOfIntervals) {
  FailingBus bus;
  ReportOutbox outbox(bus, "a1");
  bus.full = true;
  for (int i = 1; i <= 64; ++i) {
    EXPECT_TRUE(outbox.HasRoom());
    outbox.Add(Report(i));
  }
  EXPECT_FALSE(outbox.HasRoom());
}

}  // namespace
}  // namespace loadtest
