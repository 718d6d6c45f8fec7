#include "client/report/csv_report.h"

#include <gtest/gtest.h>

#include "absl/strings/str_split.h"

namespace loadtest {
namespace {

v1::Report TwoIntervals() {
  v1::Report report;
  v1::IntervalResult& first = *report.add_intervals();
  first.set_end_offset_ns(1'000'000'000);
  first.set_drivers(2);
  first.mutable_counts()->set_due(103);
  first.mutable_counts()->set_sent(102);
  first.mutable_counts()->set_completed(99);
  first.mutable_counts()->set_failed(2);
  first.mutable_counts()->set_dropped(1);
  first.mutable_counts()->set_http_errors(4);
  first.mutable_counts()->set_in_flight(1);
  first.set_bytes_sent(1'000);
  first.set_bytes_received(2'000);
  first.mutable_response_time()->set_count(99);
  first.mutable_response_time()->set_min_ns(1'000);
  first.mutable_response_time()->set_p99_ns(4'567'890);
  first.mutable_response_time()->set_max_ns(9'000'000);
  v1::ErrorCount& timeout = *first.add_errors();
  timeout.set_kind(v1::REQUEST_TIMEOUT);
  timeout.set_count(2);
  v1::ErrorCount& refused = *first.add_errors();
  refused.set_kind(v1::CONNECT_REFUSED);
  refused.set_count(1);
  v1::IntervalResult& second = *report.add_intervals();
  second.set_start_offset_ns(1'000'000'000);
  second.set_end_offset_ns(1'500'000'000);
  second.mutable_counts()->set_sent(50);
  second.mutable_warmup()->set_sent(7);
  return report;
}

std::vector<std::vector<std::string>> Rows(const std::string& csv) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(csv, '\n')))
    rows.push_back(absl::StrSplit(line, ','));
  return rows;
}

std::string Cell(const std::vector<std::vector<std::string>>& rows, size_t row,
                 const std::string& column) {
  for (size_t i = 0; i < rows[0].size(); ++i) {
    if (rows[0][i] == column) return rows[row].at(i);
  }
  return "no column " + column;
}

TEST(CsvReport, HasARowAnIntervalAndAsManyCellsInEach) {
  const auto rows = Rows(CsvReport(TwoIntervals()));
  ASSERT_EQ(rows.size(), 4u);  // the last is what stands behind the last line feed
  EXPECT_EQ(rows[3], std::vector<std::string>{""});
  EXPECT_EQ(rows[0].size(), 46u);
  EXPECT_EQ(rows[1].size(), rows[0].size());
  EXPECT_EQ(rows[2].size(), rows[0].size());
}

TEST(CsvReport, WritesEachInTheUnitOfItsColumn) {
  const auto rows = Rows(CsvReport(TwoIntervals()));
  EXPECT_EQ(Cell(rows, 1, "start_s"), "0.000");
  EXPECT_EQ(Cell(rows, 1, "end_s"), "1.000");
  EXPECT_EQ(Cell(rows, 1, "drivers"), "2");
  EXPECT_EQ(Cell(rows, 1, "due"), "103");
  EXPECT_EQ(Cell(rows, 1, "http_errors"), "4");
  EXPECT_EQ(Cell(rows, 1, "due_per_s"), "103.000");
  EXPECT_EQ(Cell(rows, 1, "completed_per_s"), "99.000");
  EXPECT_EQ(Cell(rows, 1, "errors"), "REQUEST_TIMEOUT=2 CONNECT_REFUSED=1");
  EXPECT_EQ(Cell(rows, 1, "received_bytes"), "2000");
  EXPECT_EQ(Cell(rows, 1, "response_min_ms"), "0.001000");
  EXPECT_EQ(Cell(rows, 1, "response_p99_ms"), "4.567890");
  EXPECT_EQ(Cell(rows, 2, "start_s"), "1.000");
  EXPECT_EQ(Cell(rows, 2, "sent_per_s"), "100.000");
  EXPECT_EQ(Cell(rows, 2, "warmup_sent"), "7");
}

TEST(CsvReport, LeavesLatenciesEmptyThatWereNotMeasured) {
  const auto rows = Rows(CsvReport(TwoIntervals()));
  EXPECT_EQ(Cell(rows, 2, "response_p99_ms"), "");
  EXPECT_EQ(Cell(rows, 1, "send_delay_max_ms"), "");
}

}  // namespace
}  // namespace loadtest
