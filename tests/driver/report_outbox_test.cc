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

constexpr MonotonicTime now{};

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
  outbox.Add(Report(1), now);
  outbox.Add(Report(2), now);
  EXPECT_TRUE(bus.published.empty());
  bus.full = false;
  outbox.Retry(now);
  ASSERT_EQ(bus.published.size(), 2u);
  EXPECT_EQ(SequenceOf(bus.published[0]), 1);
  EXPECT_EQ(SequenceOf(bus.published[1]), 2);
}

TEST(ReportOutboxTest, SendsAgainWhatWasNotDeliveredAfterAPause) {
  FailingBus bus;
  ReportOutbox outbox(bus, "a1");
  outbox.Add(Report(1), now);
  bus.callbacks[0](absl::UnavailableError("timed out"));
  EXPECT_FALSE(outbox.empty());
  outbox.Retry(now);
  EXPECT_EQ(bus.published.size(), 1u);
  outbox.Retry({200'000'000});
  ASSERT_EQ(bus.published.size(), 2u);
  EXPECT_EQ(SequenceOf(bus.published[1]), 1);
  bus.callbacks[1](absl::OkStatus());
  EXPECT_TRUE(outbox.empty());
}

TEST(ReportOutboxTest, CountsWhatTheBusHasNotDelivered) {
  FailingBus bus;
  ReportOutbox outbox(bus, "a1");
  outbox.Add(Report(1), now);
  outbox.Add(Report(2), now);
  EXPECT_EQ(outbox.size(), 2u);
  bus.callbacks[0](absl::OkStatus());
  EXPECT_EQ(outbox.size(), 1u);
}

TEST(ReportOutboxTest, HasRoomForMoreThanAMinuteOfReportsWhateverTheirSize) {
  FailingBus bus;
  ReportOutbox outbox(bus, "a1");
  v1::MetricsReport large = Report(1);
  large.set_error(std::string(1 << 20, 'x'));
  for (int i = 1; i <= 100; ++i) {
    EXPECT_TRUE(outbox.HasRoom());
    outbox.Add(large, now);
  }
  EXPECT_FALSE(outbox.HasRoom());
  bus.callbacks[0](absl::OkStatus());
  EXPECT_TRUE(outbox.HasRoom());
}

TEST(ReportOutboxTest, SmallReportsMayBeMany) {
  FailingBus bus;
  ReportOutbox outbox(bus, "a1");
  for (int i = 1; i <= 1500; ++i) outbox.Add(Report(i), now);
  EXPECT_TRUE(outbox.HasRoom());
}

}  // namespace
}  // namespace loadtest
