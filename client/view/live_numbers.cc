// Rates and latencies, now and in all, with their course as charts.
#include <algorithm>
#include <bit>
#include <string>
#include <string_view>
#include <vector>

#include "client/view/chart.h"
#include "client/view/layout.h"
#include "client/view/live_sections.h"
#include "common/base/time.h"
#include "common/base/units.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr int kNumberColumns = 11;
// A head, seven numbers, and two lines of charts.
constexpr int kRowsWithChartLines = 10;
// A rate below this share of the wanted one is marked.
constexpr double kRateIsLow = 0.95;

struct Number {
  std::string_view name;
  // Where there is no room, the largest are left out.
  int unimportance;
  std::string now;
  std::string in_all;
  Ink ink = Ink::kPlain;
};

std::vector<Number> NumberRows(const LiveScene& scene) {
  const v1::IntervalResult& interval = scene.state.interval();
  const int64_t middle = (interval.start_offset_ns() + interval.end_offset_ns()) / 2;
  const auto seconds =
      static_cast<double>(interval.end_offset_ns() - interval.start_offset_ns()) / 1e9;
  const auto per_second = [seconds](int64_t count) {
    return FormatPerSecond(static_cast<double>(count) / seconds);
  };
  const v1::RequestCounts& now = interval.counts();
  const v1::RequestCounts& all = scene.update.totals();
  const double sent = SentPerSecond(interval);
  const double wanted = WantedPerSecond(scene.test.spec(), scene.drivers, middle);
  const bool is_low = wanted > 0 && sent < wanted * kRateIsLow;
  std::vector<Number> numbers;
  numbers.push_back({"sent", 0, FormatPerSecond(sent), FormatCount(all.sent()),
                     is_low ? Ink::kWarning : Ink::kStrong});
  if (wanted >= 0)
    numbers.push_back({"wanted", 3, FormatPerSecond(wanted), FormatCount(all.due())});
  numbers.push_back({"answered", 5, per_second(now.completed() + interval.warmup().completed()),
                     FormatCount(all.completed())});
  numbers.push_back({"errors", 2, per_second(ErrorsIn(now)), FormatCount(ErrorsIn(all)),
                     ErrorsIn(now) > 0 ? Ink::kBad : Ink::kPlain});
  const auto add_latency = [&](std::string_view name, int unimportance, auto value) {
    const auto text = [value](const v1::LatencySummary& summary) {
      return summary.count() == 0 ? "-" : FormatLatency((summary.*value)());
    };
    numbers.push_back(
        {name, unimportance, text(interval.response_time()), text(scene.update.response_time())});
  };
  add_latency("p50", 4, &v1::LatencySummary::p50_ns);
  add_latency("p99", 1, &v1::LatencySummary::p99_ns);
  add_latency("max", 6, &v1::LatencySummary::max_ns);
  return numbers;
}

// Of the whole test in nanoseconds, for the time axis: as the plan has it, or a power of two of
// what has been.
int64_t ChartSpanNs(const LiveScene& scene) {
  const double planned = LongestSendingNs(scene.test.spec(), scene.drivers);
  const int64_t elapsed = scene.state.interval().end_offset_ns();
  if (planned > 0 && planned < 9e18)
    return std::max<int64_t>(static_cast<int64_t>(planned), elapsed);
  constexpr uint64_t kShortest = 16;
  const auto seconds = static_cast<uint64_t>(elapsed / kNanosPerSecond) + 1;
  return static_cast<int64_t>(std::bit_ceil(std::max(seconds, kShortest))) * kNanosPerSecond;
}

void DrawOverTime(const LiveScene& scene, const ChartPlace& place, bool of_rate, double& top) {
  const int64_t span = ChartSpanNs(scene);
  const std::vector<double> values =
      OverTime(scene.state.history(), span, place.columns, /*largest=*/!of_rate,
               [of_rate](const HistoryPoint& point) {
                 return of_rate ? point.sent_per_second : static_cast<double>(point.p99_ns);
               });
  std::vector<ChartColumn> columns(values.size());
  top = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    columns[i].value = values[i];
    if (of_rate) {
      const double middle = (static_cast<double>(i) + 0.5) / static_cast<double>(values.size());
      columns[i].wanted = WantedPerSecond(scene.test.spec(), scene.drivers,
                                          static_cast<int64_t>(middle * static_cast<double>(span)));
    }
    top = std::max({top, columns[i].value, columns[i].wanted});
  }
  DrawChart(scene.canvas, place, columns, top, of_rate ? Ink::kRate : Ink::kLatency,
            scene.options.unicode);
}

void DrawCharts(const LiveScene& scene, int row, int rows, int column) {
  const int of_rate = (rows + 1) / 2;
  const int width = scene.columns() - column;
  double top = 0;
  DrawOverTime(scene, {.row = row + 1, .column = column, .columns = width, .rows = of_rate - 1},
               /*of_rate=*/true, top);
  scene.canvas.Put(row, column, "sent, up to " + FormatPerSecond(top), Ink::kFaint);
  scene.canvas.PutRight(row, scene.columns(),
                        "0s to " + WholeSeconds(static_cast<double>(ChartSpanNs(scene)) / 1e9),
                        Ink::kFaint);
  DrawOverTime(
      scene,
      {.row = row + of_rate + 1, .column = column, .columns = width, .rows = rows - of_rate - 1},
      /*of_rate=*/false, top);
  scene.canvas.Put(
      row + of_rate, column,
      top > 0 ? "p99, up to " + FormatLatency(static_cast<int64_t>(top)) : "p99, no answer yet",
      Ink::kFaint);
}

void DrawChartLines(const LiveScene& scene, int row) {
  double top = 0;
  const ChartPlace place = {
      .row = row, .column = kNameColumns, .columns = scene.columns() - kNameColumns, .rows = 1};
  scene.Name(row, "sent");
  DrawOverTime(scene, place, /*of_rate=*/true, top);
  scene.Name(row + 1, "p99");
  DrawOverTime(scene, {.row = row + 1, .column = place.column, .columns = place.columns, .rows = 1},
               /*of_rate=*/false, top);
}

}  // namespace

int64_t ErrorsIn(const v1::RequestCounts& counts) {
  return counts.failed() + counts.dropped() + counts.http_errors();
}

void DrawNumbers(const LiveScene& scene, int row, int rows) {
  const int now_end = kNameColumns + kNumberColumns;
  const int all_end = now_end + kNumberColumns;
  scene.canvas.PutRight(row, now_end, "now", Ink::kFaint);
  // A number that is cut is another number.
  const bool has_all = all_end <= scene.columns();
  if (has_all) scene.canvas.PutRight(row, all_end, "in all", Ink::kFaint);
  std::vector<Number> numbers = NumberRows(scene);
  while (static_cast<int>(numbers.size()) > std::max(rows - 1, 0)) {
    numbers.erase(std::max_element(
        numbers.begin(), numbers.end(),
        [](const Number& a, const Number& b) { return a.unimportance < b.unimportance; }));
  }
  for (int i = 0; i < static_cast<int>(numbers.size()); ++i) {
    const int at = row + 1 + i;
    scene.Name(at, numbers[i].name);
    scene.canvas.PutRight(at, now_end, numbers[i].now, numbers[i].ink);
    if (has_all) scene.canvas.PutRight(at, all_end, numbers[i].in_all);
  }
  if (scene.has_charts()) {
    DrawCharts(scene, row, rows, all_end + 4);
  } else if (rows >= kRowsWithChartLines) {
    DrawChartLines(scene, row + rows - 2);
  }
}

}  // namespace loadtest
