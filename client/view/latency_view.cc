#include "client/view/latency_view.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "absl/strings/str_format.h"
#include "client/view/layout.h"
#include "common/base/units.h"
#include "common/measure/histogram.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr size_t kMostBars = 8;
constexpr int kWidestBar = 30;
constexpr int kNarrowestBar = 6;
// A difference of the two latencies below this share of the p99 needs no reason.
constexpr double kWorthAWord = 0.1;

struct Row {
  std::string_view name;
  int64_t (v1::LatencySummary::*value)() const;
};
constexpr Row kRows[] = {
    {"p50", &v1::LatencySummary::p50_ns},    {"p90", &v1::LatencySummary::p90_ns},
    {"p95", &v1::LatencySummary::p95_ns},    {"p99", &v1::LatencySummary::p99_ns},
    {"p99.9", &v1::LatencySummary::p999_ns}, {"p99.99", &v1::LatencySummary::p9999_ns},
    {"max", &v1::LatencySummary::max_ns},    {"mean", &v1::LatencySummary::mean_ns}};

// 1, 2, 5, 10, 20, 50, 100 ...
int64_t NextEdge(int64_t edge) {
  int64_t power = 1;
  while (power * 10 <= edge) power *= 10;
  const int64_t digit = edge / power;
  return power * (digit == 1 ? 2 : digit == 2 ? 5 : 10);
}

std::string RangeName(const LatencyRange& range) {
  if (range.from_ns == 0) return "below " + FormatDuration(range.to_ns);
  if (range.to_ns < 0) return "above " + FormatDuration(range.from_ns);
  return FormatDuration(range.from_ns) + " - " + FormatDuration(range.to_ns);
}

std::vector<std::string> Percentiles(const v1::Report& report) {
  std::vector<std::string> lines = {
      absl::StrFormat("%-8s%10s%10s%12s", "", "response", "service", "send delay")};
  for (const Row& row : kRows) {
    const auto latency = [&row](const v1::LatencySummary& summary) {
      return summary.count() == 0 ? "-" : FormatLatency((summary.*row.value)());
    };
    // A closed loop has no due times that a send could be late for.
    const std::string send_delay =
        IsOpenLoop(report.load_test().spec()) ? latency(report.send_delay()) : "-";
    lines.push_back(absl::StrFormat("%-8s%10s%10s%12s", row.name, latency(report.response_time()),
                                    latency(report.service_time()), send_delay));
  }
  return lines;
}

// `eighths` of a column long.
std::string BlockBar(int64_t eighths) {
  constexpr const char* kParts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string bar;
  for (int64_t i = 0; i < eighths / 8; ++i) bar += "█";
  return bar + kParts[eighths % 8];
}

std::vector<std::string> Bars(const v1::Histogram& histogram, int width, bool unicode) {
  const std::vector<LatencyRange> ranges = SpreadOf(histogram, kMostBars);
  if (ranges.empty()) return {};
  size_t widest_name = 0;
  int64_t most = 0;
  for (const LatencyRange& range : ranges) {
    widest_name = std::max(widest_name, RangeName(range).size());
    most = std::max(most, range.count);
  }
  constexpr int kShareWidth = 7;
  const int room = width - static_cast<int>(widest_name) - kShareWidth - 4;
  const int bar = std::min(room, kWidestBar);
  if (bar < kNarrowestBar) return {};
  std::vector<std::string> lines = {"response times"};
  for (const LatencyRange& range : ranges) {
    const int64_t steps = unicode ? 8 : 1;
    // What is there at all can be seen.
    const int64_t length =
        range.count == 0
            ? 0
            : std::max<int64_t>(1, range.count * bar * steps / std::max<int64_t>(most, 1));
    const std::string drawn = unicode ? BlockBar(length) : std::string(length, '#');
    const int columns = static_cast<int>((length + steps - 1) / steps);
    lines.push_back(PadRight(RangeName(range), widest_name) + "  " + drawn +
                    std::string(std::max(bar - columns, 0), ' ') + "  " +
                    PadLeft(FormatShare(range.count, histogram.count()), kShareWidth));
  }
  return lines;
}

}  // namespace

std::vector<LatencyRange> SpreadOf(const v1::Histogram& histogram, size_t most) {
  std::vector<LatencyRange> ranges;
  int index = 0;
  int64_t edge = 1;
  for (int i = 0; i < histogram.index_deltas_size() && i < histogram.bucket_counts_size(); ++i) {
    index += static_cast<int>(histogram.index_deltas(i));
    if (index >= Histogram::kBuckets) break;
    // The middle of the first or last bucket may lie beyond the values that are in it.
    const int64_t value =
        std::clamp(Histogram::MiddleOf(index), histogram.min_ns(), histogram.max_ns());
    while (NextEdge(edge) <= value) {
      edge = NextEdge(edge);
      if (!ranges.empty()) ranges.push_back({.from_ns = edge, .to_ns = NextEdge(edge)});
    }
    if (ranges.empty()) ranges.push_back({.from_ns = edge, .to_ns = NextEdge(edge)});
    ranges.back().count += static_cast<int64_t>(histogram.bucket_counts(i));
  }
  while (ranges.size() > most && most >= 2) {
    const size_t last = ranges.size() - 1;
    if (ranges[0].count + ranges[1].count < ranges[last].count + ranges[last - 1].count) {
      ranges[1].count += ranges[0].count;
      ranges[1].from_ns = 0;
      ranges.erase(ranges.begin());
    } else {
      ranges[last - 1].count += ranges[last].count;
      ranges[last - 1].to_ns = -1;
      ranges.pop_back();
    }
  }
  return ranges;
}

std::string LatencyView(const v1::Report& report, int width, bool unicode) {
  constexpr std::string_view kBetween = "     ";
  const std::vector<std::string> left = Percentiles(report);
  // The percentiles alone need 40 columns.
  const std::string indent = width < static_cast<int>(left[0].size()) + 2 ? "" : "  ";
  const int used = static_cast<int>(indent.size() + left[0].size() + kBetween.size());
  const std::vector<std::string> right =
      Bars(report.totals().response_time(), width - used, unicode);
  std::string text;
  for (size_t i = 0; i < left.size(); ++i) {
    text += indent + left[i];
    if (i < right.size()) text += std::string(kBetween) + right[i];
    text += "\n";
  }
  return text;
}

std::string WhyTheyDiffer(const v1::Report& report) {
  const v1::LatencySummary& response = report.response_time();
  const v1::LatencySummary& service = report.service_time();
  if (response.count() == 0) return "";
  if (!IsOpenLoop(report.load_test().spec())) {
    return "closed loop: a slow answer also delays the next request, which nobody counts; --rate "
           "shows what users would feel";
  }
  const int64_t apart = response.p99_ns() - service.p99_ns();
  if (apart < service.p99_ns() * kWorthAWord) {
    return "response counts from when a request was due, service from when it was sent: here they "
           "agree";
  }
  const std::string begin = absl::StrFormat(
      "response counts from when a request was due, service from when it was sent; at p99 they are "
      "%s apart",
      FormatLatency(apart));
  // A connection that is opened because none is free takes its time out of the send delay as well.
  const bool opened_many =
      report.totals().connects() >
      2 * int64_t{report.load_test().spec().connections()} * std::max(report.drivers_size(), 1);
  return begin + (opened_many ? ", because requests waited until a connection was opened"
                              : ", because the generator sent late (send delay)");
}

}  // namespace loadtest
