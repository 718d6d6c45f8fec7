// A broker that is away for two minutes, in simulated time: the load loop keeps its pace, and every
// interval arrives once.
#include "common/bus/memory_bus.h"
#include "driver/report_outbox.h"
#include "tests/driver/engine/load_loop_fixture.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;

class BrokerAwayTest : public LoadLoopTest {
 protected:
  static constexpr int64_t kAwayFrom = 60 * kSecond;
  static constexpr int64_t kAwayTo = 180 * kSecond;

  void SetUp() override {
    MemoryBus reader(broker_);
    ASSERT_TRUE(reader.EnsureTopics(milliseconds(0)).ok());
    UseTsunami(100 * kMs, {.duration_ns = 300 * kSecond});
    transport_.At(kStart + kAwayFrom, [this] { broker_.SetConnected(false); });
    transport_.At(kStart + kAwayTo, [this] { broker_.SetConnected(true); });
  }

  // Runs the plan with what the bus thread does for its reports, every 10 ms.
  void RunWithOutbox(ReportOutbox::Capacity capacity) {
    MemoryBus bus(broker_);
    ReportOutbox outbox(bus, "a1", capacity);
    IntervalChannel intervals;
    int64_t sequence = 0;
    const auto turn = [&] {
      bus.Poll(milliseconds(0));
      outbox.Retry(clock_.Now());
      while (outbox.HasRoom()) {
        std::unique_ptr<IntervalStats> stats = intervals.Take();
        if (stats == nullptr) break;
        v1::MetricsReport report;
        report.set_sequence(++sequence);
        stats->ToReport(report);
        intervals.GiveBack(std::move(stats));
        outbox.Add(report, clock_.Now());
      }
      most_waiting_ = std::max(most_waiting_, outbox.size());
    };
    for (int64_t ns = 0; ns < kStart + 301 * kSecond; ns += 10 * kMs) transport_.At(ns, turn);
    Http1Client http({.bytes = plan_.request_bytes, .is_head = false}, plan_.max_connections,
                     transport_);
    LoadLoop(plan_, clock_, http, control_, intervals).Run();
    turn();
    ReadReports();
  }

  void ReadReports() {
    MemoryBus reader(broker_);
    const auto ranges = reader.QueryOffsets(Topic::kMetrics, milliseconds(0));
    ASSERT_TRUE(ranges.ok());
    Offsets begin;
    for (const auto& [partition, range] : *ranges) begin[partition] = range.begin;
    ASSERT_TRUE(reader.Assign(begin).ok());
    for (BusEvents events = reader.Poll(milliseconds(0)); !events.records.empty();
         events = reader.Poll(milliseconds(0))) {
      for (const Record& record : events.records) {
        v1::MetricsReport report;
        ASSERT_TRUE(report.ParseFromString(record.value));
        EXPECT_EQ(report.sequence(), static_cast<int64_t>(reports_.size()) + 1);
        EXPECT_EQ(report.start_offset_ns(), reports_.empty() ? 0 : last().end_offset_ns());
        EXPECT_TRUE(total_.Add(report.measurements()).ok());
        reports_.push_back(std::move(report));
      }
    }
  }

  void ExpectFullPace() const {
    EXPECT_EQ(counts().due(), 3000);
    EXPECT_EQ(counts().completed(), 3000);
    EXPECT_EQ(total_.send_delay().max(), 0);
    EXPECT_TRUE(last().final());
  }

  MemoryBroker broker_;
  size_t most_waiting_ = 0;
};

TEST_F(BrokerAwayTest, TwoMinutesOfIntervalsAreKept) {
  RunWithOutbox({});
  ExpectFullPace();
  // 300 intervals, the last one with the last answer in the one after.
  EXPECT_EQ(reports_.size(), 300u);
  EXPECT_GE(most_waiting_, 119u);
}

TEST_F(BrokerAwayTest, WhatIsMoreThanTheOutboxHoldsIsMergedAndNotDropped) {
  RunWithOutbox({.reports = 10, .bytes = 0});
  ExpectFullPace();
  EXPECT_EQ(most_waiting_, 10u);
  // The ten in the outbox and the ones in the loop's hand are whole, then one stands for the rest.
  EXPECT_GT(reports_.size(), 180u);
  EXPECT_LT(reports_.size(), 200u);
  int64_t longest_ns = 0;
  for (const v1::MetricsReport& report : reports_) {
    longest_ns = std::max(longest_ns, report.end_offset_ns() - report.start_offset_ns());
  }
  EXPECT_GT(longest_ns, 100 * kSecond);
}

}  // namespace
}  // namespace loadtest
