#include "client/view/live_screen.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "client/view/chart.h"
#include "client/view/layout.h"
#include "client/view/screen_sections.h"
#include "client/view/verdict_hints.h"
#include "common/base/time.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/measure/measurements.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

// From here on charts stand beside the numbers; below, a line of each stands under them.
constexpr int kColumnsForCharts = 72;
constexpr int kNameColumns = 12;
constexpr int kNumberColumns = 11;
// A head, seven numbers, and two lines of charts.
constexpr int kRowsWithChartLines = 10;
constexpr int64_t kLongSilenceNs = 3 * kNanosPerSecond;
// A rate below this share of the wanted one is marked.
constexpr double kRateIsLow = 0.95;
constexpr double kCpuIsHigh = 0.8;
constexpr double kCpuIsFull = 0.95;

int64_t ErrorsIn(const v1::RequestCounts& counts) {
  return counts.failed() + counts.dropped() + counts.http_errors();
}

std::string WholeSeconds(double seconds) {
  return FormatDuration(std::llround(std::max(seconds, 0.0)) * kNanosPerSecond);
}

Ink InkOf(v1::Verdict::Level level) {
  switch (level) {
    case v1::Verdict::VALID:
      return Ink::kGood;
    case v1::Verdict::DEGRADED:
      return Ink::kWarning;
    case v1::Verdict::INVALID:
      return Ink::kBad;
    default:
      return Ink::kPlain;
  }
}

class Screen {
 public:
  Screen(const LiveState& state, const LiveScreenOptions& options)
      : state_(state),
        update_(state.update()),
        test_(update_.load_test()),
        options_(options),
        canvas_(options.columns, options.rows),
        drivers_(std::max(update_.drivers_size(), test_.assignments_size())) {}

  Canvas Draw();

 private:
  struct Number {
    std::string_view name;
    std::string now;
    std::string in_all;
    Ink ink = Ink::kPlain;
  };

  void Head(int row, int rows);
  void Progress(int row);
  void Numbers(int row, int rows);
  void Charts(int row, int rows, int column);
  void ChartLines(int row);
  void Thresholds(int row, int rows);
  void Errors(int row, int rows);
  void Drivers(int row, int rows);
  void Events(int row, int rows);
  void Verdict(int row, int rows);
  void Footer();

  int columns() const { return options_.columns; }
  bool has_numbers() const { return state_.interval().end_offset_ns() > 0; }
  bool has_charts() const { return columns() >= kColumnsForCharts; }
  // Since the common start, at the newest update. By the plan where that says how long the test is:
  // intervals are known late.
  double KnownSeconds() const {
    const bool ends_by_time = IsOpenLoop(test_.spec()) || test_.spec().requests_per_driver() == 0;
    const double planned = LongestSendingNs(test_.spec(), drivers_);
    const auto measured = static_cast<double>(state_.interval().end_offset_ns());
    if (!ends_by_time || planned <= 0) return measured / 1e9;
    return std::max(measured, update_.progress() * planned) / 1e9;
  }
  // Now, as if the test had gone on evenly since the newest update.
  double ElapsedSeconds() const {
    return KnownSeconds() + static_cast<double>(options_.age_ns) / 1e9;
  }
  // Of the whole test in nanoseconds, for the time axis: as the plan has it, or a power of two of
  // what has been.
  int64_t ChartSpanNs() const;
  std::vector<Number> NumberRows() const;
  // The name of a section in its first row, faint.
  void Name(int row, std::string_view name) { canvas_.Put(row, 0, name, Ink::kFaint); }
  void Chart(const ChartPlace& place, bool of_rate, double& top);

  const LiveState& state_;
  const v1::LoadTestUpdate& update_;
  const v1::LoadTest& test_;
  const LiveScreenOptions& options_;
  Canvas canvas_;
  const int drivers_;
};

void Screen::Head(int row, int rows) {
  std::string_view id = test_.name();
  id.remove_prefix(id.rfind('/') + 1);
  const int end = canvas_.Put(row, 0, id, Ink::kStrong);
  std::string state = absl::AsciiStrToLower(v1::LoadTest::State_Name(test_.state()));
  if (state_.is_warming_up() && test_.state() == v1::LoadTest::RUNNING) state = "warm-up";
  canvas_.Put(row, end + 2, state, Ink::kGood);
  const std::string silence =
      options_.age_ns >= kLongSilenceNs && state_.is_sending()
          ? "no news for " + WholeSeconds(static_cast<double>(options_.age_ns) / 1e9)
          : "";
  const int after_state = end + 2 + static_cast<int>(state.size());
  if (!silence.empty()) {
    canvas_.PutRight(row, columns(), silence, Ink::kWarning);
  } else if (const std::string& title = test_.spec().title();
             !title.empty() && after_state + 2 + ColumnsOf(title) <= columns()) {
    canvas_.PutRight(row, columns(), title, Ink::kFaint);
  }
  if (rows > 1) canvas_.Put(row + 1, 0, DescribeSpec(test_.spec(), drivers_));
  if (rows > 2) {
    canvas_.Put(row + 2, 0, test_.spec().request().method() + " " + test_.spec().request().url());
  }
}

void Screen::Progress(int row) {
  if (!state_.is_sending()) {
    std::string text = test_.state_reason();
    if (text.empty() && test_.state() == v1::LoadTest::STARTING) {
      text = Plural(test_.assignments_size(), "driver") + " get ready";
    }
    canvas_.Put(row, 0, text);
    return;
  }
  double progress = std::clamp(update_.progress(), 0.0, 1.0);
  std::string left;
  if (test_.state() == v1::LoadTest::STOPPING) {
    left = "stopping";
  } else if (progress > 0 && has_numbers()) {
    const double whole = KnownSeconds() / progress;
    progress = std::min(1.0, ElapsedSeconds() / whole);
    left = WholeSeconds(std::max(whole - ElapsedSeconds(), 0.0)) + " left";
  }
  // 100 % is said when all is done, not when it is nearly so.
  const std::string percent =
      absl::StrFormat("%3d %%  ", static_cast<int>(std::floor(progress * 100)));
  const std::string after =
      absl::StrFormat("  %s%s%s", WholeSeconds(ElapsedSeconds()), left.empty() ? "" : ", ", left);
  // As wide for every time, so that the bar stands still.
  const int room = columns() - ColumnsOf(percent) - std::max(ColumnsOf(after), 18);
  canvas_.Put(row, 0, percent);
  int column = ColumnsOf(percent);
  const double full = progress * std::max(room, 0);
  for (int i = 0; i < room; ++i) {
    const double part = full - i;
    if (!options_.unicode) {
      canvas_.Put(row, column++, part >= 1 ? "#" : "-", part >= 1 ? Ink::kRate : Ink::kFaint);
    } else {
      canvas_.Put(row, column++,
                  part >= 1     ? "━"
                  : part >= 0.5 ? "╸"
                                : "━",
                  part >= 0.5 ? Ink::kRate : Ink::kFaint);
    }
  }
  canvas_.Put(row, column, after);
}

std::vector<Screen::Number> Screen::NumberRows() const {
  const v1::IntervalResult& interval = state_.interval();
  const int64_t middle = (interval.start_offset_ns() + interval.end_offset_ns()) / 2;
  const auto seconds =
      static_cast<double>(interval.end_offset_ns() - interval.start_offset_ns()) / 1e9;
  const auto per_second = [seconds](int64_t count) {
    return FormatPerSecond(static_cast<double>(count) / seconds);
  };
  const v1::RequestCounts& now = interval.counts();
  const v1::RequestCounts& all = update_.totals();
  const double sent = SentPerSecond(interval);
  const double wanted = WantedPerSecond(test_.spec(), drivers_, middle);
  const bool is_low = wanted > 0 && sent < wanted * kRateIsLow;
  std::vector<Number> numbers;
  numbers.push_back({"sent", FormatPerSecond(sent), FormatCount(all.sent()),
                     is_low ? Ink::kWarning : Ink::kStrong});
  if (wanted >= 0) numbers.push_back({"wanted", FormatPerSecond(wanted), FormatCount(all.due())});
  numbers.push_back({"answered", per_second(now.completed() + interval.warmup().completed()),
                     FormatCount(all.completed())});
  numbers.push_back({"errors", per_second(ErrorsIn(now)), FormatCount(ErrorsIn(all)),
                     ErrorsIn(now) > 0 ? Ink::kBad : Ink::kPlain});
  const auto add_latency = [&](std::string_view name, auto value) {
    const auto text = [value](const v1::LatencySummary& summary) {
      return summary.count() == 0 ? "-" : FormatLatency((summary.*value)());
    };
    numbers.push_back({name, text(interval.response_time()), text(update_.response_time())});
  };
  add_latency("p50", &v1::LatencySummary::p50_ns);
  add_latency("p99", &v1::LatencySummary::p99_ns);
  add_latency("max", &v1::LatencySummary::max_ns);
  return numbers;
}

void Screen::Numbers(int row, int rows) {
  const int now_end = kNameColumns + kNumberColumns;
  const int all_end = now_end + kNumberColumns;
  canvas_.PutRight(row, now_end, "now", Ink::kFaint);
  canvas_.PutRight(row, all_end, "in all", Ink::kFaint);
  const std::vector<Number> numbers = NumberRows();
  for (int i = 0; i < std::min<int>(rows - 1, static_cast<int>(numbers.size())); ++i) {
    const int at = row + 1 + i;
    Name(at, numbers[i].name);
    canvas_.PutRight(at, now_end, numbers[i].now, numbers[i].ink);
    canvas_.PutRight(at, all_end, numbers[i].in_all);
  }
  if (has_charts()) {
    Charts(row, rows, all_end + 4);
  } else if (rows >= kRowsWithChartLines) {
    ChartLines(row + rows - 2);
  }
}

int64_t Screen::ChartSpanNs() const {
  const double planned = LongestSendingNs(test_.spec(), drivers_);
  const int64_t elapsed = state_.interval().end_offset_ns();
  if (planned > 0 && planned < 9e18)
    return std::max<int64_t>(static_cast<int64_t>(planned), elapsed);
  constexpr uint64_t kShortest = 16;
  const auto seconds = static_cast<uint64_t>(elapsed / kNanosPerSecond) + 1;
  return static_cast<int64_t>(std::bit_ceil(std::max(seconds, kShortest))) * kNanosPerSecond;
}

void Screen::Chart(const ChartPlace& place, bool of_rate, double& top) {
  const int64_t span = ChartSpanNs();
  const std::vector<double> values =
      OverTime(state_.history(), span, place.columns, /*largest=*/!of_rate,
               [of_rate](const HistoryPoint& point) {
                 return of_rate ? point.sent_per_second : static_cast<double>(point.p99_ns);
               });
  std::vector<ChartColumn> columns(values.size());
  top = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    columns[i].value = values[i];
    if (of_rate) {
      const double middle = (static_cast<double>(i) + 0.5) / static_cast<double>(values.size());
      columns[i].wanted = WantedPerSecond(test_.spec(), drivers_,
                                          static_cast<int64_t>(middle * static_cast<double>(span)));
    }
    top = std::max({top, columns[i].value, columns[i].wanted});
  }
  DrawChart(canvas_, place, columns, top, of_rate ? Ink::kRate : Ink::kLatency, options_.unicode);
}

void Screen::Charts(int row, int rows, int column) {
  const int of_rate = (rows + 1) / 2;
  const int width = columns() - column;
  double top = 0;
  Chart({.row = row + 1, .column = column, .columns = width, .rows = of_rate - 1},
        /*of_rate=*/true, top);
  canvas_.Put(row, column, "sent, up to " + FormatPerSecond(top), Ink::kFaint);
  canvas_.PutRight(row, columns(),
                   "0s to " + WholeSeconds(static_cast<double>(ChartSpanNs()) / 1e9), Ink::kFaint);
  Chart({.row = row + of_rate + 1, .column = column, .columns = width, .rows = rows - of_rate - 1},
        /*of_rate=*/false, top);
  canvas_.Put(row + of_rate, column, "p99, up to " + FormatLatency(static_cast<int64_t>(top)),
              Ink::kFaint);
}

void Screen::ChartLines(int row) {
  double top = 0;
  const ChartPlace place = {
      .row = row, .column = kNameColumns, .columns = columns() - kNameColumns, .rows = 1};
  Name(row, "sent");
  Chart(place, /*of_rate=*/true, top);
  Name(row + 1, "p99");
  Chart({.row = row + 1, .column = place.column, .columns = place.columns, .rows = 1},
        /*of_rate=*/false, top);
}

void Screen::Thresholds(int row, int rows) {
  Name(row, "thresholds");
  const int all = update_.thresholds_size();
  for (int i = 0; i < std::min(rows, all); ++i) {
    const v1::ThresholdResult& threshold = update_.thresholds(i);
    const bool is_last = i == rows - 1 && rows < all;
    if (is_last) {
      canvas_.Put(row + i, kNameColumns, absl::StrFormat("and %d more", all - i), Ink::kFaint);
      break;
    }
    int column = canvas_.Put(row + i, kNameColumns, threshold.passed() ? "kept    " : "BROKEN  ",
                             threshold.passed() ? Ink::kGood : Ink::kBad);
    column = canvas_.Put(row + i, column, threshold.expression());
    if (!threshold.actual().empty()) {
      canvas_.Put(row + i, column + 2, "is " + threshold.actual(), Ink::kFaint);
    }
  }
}

void Screen::Errors(int row, int rows) {
  Name(row, "errors");
  struct Line {
    int64_t count;
    std::string text;
  };
  std::vector<Line> lines;
  for (const v1::ErrorCount& error : update_.errors()) {
    std::string text(ErrorKindName(error.kind()));
    if (!error.example().empty()) text += ": " + error.example();
    lines.push_back({error.count(), std::move(text)});
  }
  if (update_.totals().http_errors() > 0) {
    lines.push_back({update_.totals().http_errors(), "answers with status 400 and above"});
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.count > b.count; });
  if (lines.empty()) canvas_.Put(row, kNameColumns, "none", Ink::kFaint);
  for (int i = 0; i < std::min<int>(rows, static_cast<int>(lines.size())); ++i) {
    const int column = canvas_.Put(row + i, kNameColumns, FormatCount(lines[i].count), Ink::kBad);
    canvas_.Put(row + i, column + 2, lines[i].text);
  }
}

void Screen::Drivers(int row, int rows) {
  std::vector<const v1::DriverProgress*> drivers;
  for (const v1::DriverProgress& driver : update_.drivers()) drivers.push_back(&driver);
  const int room = rows - 1;
  const bool all_fit = static_cast<int>(drivers.size()) <= room;
  if (!all_fit) {
    // Those that need attention.
    std::stable_sort(drivers.begin(), drivers.end(), [](const auto* a, const auto* b) {
      const bool a_lost = a->state() == v1::Driver::LOST;
      const bool b_lost = b->state() == v1::Driver::LOST;
      if (a_lost != b_lost) return a_lost;
      return a->send_delay_p99_ns() > b->send_delay_p99_ns();
    });
  }
  const bool is_wide = columns() >= kColumnsForCharts;
  size_t longest_id = 16;  // room for "12 of 34 drivers"
  for (const v1::DriverProgress* driver : drivers) {
    longest_id = std::max(longest_id, driver->driver_id().size());
  }
  const int id_columns =
      std::min<int>(static_cast<int>(longest_id), is_wide ? 28 : std::max(8, columns() - 32));
  // Ends of the columns: state is to the left of its own, the others to the right.
  const int state = id_columns + 2;
  const int sent = state + (is_wide ? 21 : 0);
  const int errors = sent + (is_wide ? 10 : 0);
  const int delay = is_wide ? errors + 13 : state + 20;
  const int cpu = delay + 8;
  const std::string shown =
      absl::StrFormat("%d of %s", std::max(room, 0), Plural(update_.drivers_size(), "driver"));
  const bool says_how_many = !all_fit && static_cast<int>(shown.size()) <= id_columns;
  canvas_.Put(row, 0, says_how_many ? shown : "drivers", Ink::kFaint);
  canvas_.Put(row, state, "state", Ink::kFaint);
  if (is_wide) {
    canvas_.PutRight(row, sent, "sent", Ink::kFaint);
    canvas_.PutRight(row, errors, "errors", Ink::kFaint);
  }
  canvas_.PutRight(row, delay, "delay p99", Ink::kFaint);
  canvas_.PutRight(row, cpu, "cpu", Ink::kFaint);
  for (int i = 0; i < std::min<int>(room, static_cast<int>(drivers.size())); ++i) {
    const v1::DriverProgress& driver = *drivers[i];
    const int at = row + 1 + i;
    canvas_.Put(at, 0, ClipMiddle(driver.driver_id(), id_columns));
    const bool is_lost = driver.state() == v1::Driver::LOST;
    const std::string name = v1::Driver::State_Name(driver.state());
    canvas_.Put(at, state, is_lost ? name : absl::AsciiStrToLower(name),
                is_lost ? Ink::kBad : Ink::kPlain);
    if (is_wide) {
      canvas_.PutRight(at, sent, FormatCount(driver.counts().sent()));
      canvas_.PutRight(at, errors, FormatCount(ErrorsIn(driver.counts())),
                       ErrorsIn(driver.counts()) > 0 ? Ink::kBad : Ink::kPlain);
    }
    canvas_.PutRight(at, delay,
                     driver.counts().sent() == 0 || !IsOpenLoop(test_.spec())
                         ? "-"
                         : FormatLatency(driver.send_delay_p99_ns()));
    canvas_.PutRight(at, cpu, absl::StrFormat("%.2f", driver.cpu_cores()),
                     driver.cpu_cores() >= kCpuIsFull   ? Ink::kBad
                     : driver.cpu_cores() >= kCpuIsHigh ? Ink::kWarning
                                                        : Ink::kPlain);
  }
}

void Screen::Events(int row, int rows) {
  Name(row, "events");
  const std::deque<v1::Event>& events = state_.events();
  const int shown = std::min<int>(rows, static_cast<int>(events.size()));
  const google::protobuf::Timestamp& start = test_.start_time();
  for (int i = 0; i < shown; ++i) {
    const v1::Event& event = events[events.size() - shown + i];
    // Before the start there is nothing to count from.
    const double since = start.seconds() == 0
                             ? -1
                             : static_cast<double>(event.time().seconds() - start.seconds()) +
                                   (event.time().nanos() - start.nanos()) / 1e9;
    std::string text = absl::StrReplaceAll(event.type(), {{"_", " "}});
    if (!event.message().empty()) text += ": " + event.message();
    const bool is_bad = event.type() == "driver_lost" || event.type() == "driver_not_armed";
    const int column = canvas_.Put(row + i, kNameColumns,
                                   PadRight(since < 0 ? "" : WholeSeconds(since), 6), Ink::kFaint);
    canvas_.Put(row + i, column, text, is_bad ? Ink::kBad : Ink::kPlain);
  }
}

void Screen::Verdict(int row, int rows) {
  Name(row, "verdict");
  const v1::Verdict& verdict = update_.verdict();
  if (verdict.level() == v1::Verdict::LEVEL_UNSPECIFIED) {
    canvas_.Put(row, kNameColumns, "not yet", Ink::kFaint);
    return;
  }
  const int column = canvas_.Put(row, kNameColumns, v1::Verdict::Level_Name(verdict.level()),
                                 InkOf(verdict.level()));
  canvas_.Put(row, column, absl::StrFormat(" so far: %s", MeaningOf(verdict.level())));
  std::vector<std::string> lines;
  for (const v1::VerdictReason& reason : verdict.reasons()) {
    const std::string who = reason.driver_id().empty() ? "" : reason.driver_id() + ": ";
    lines.push_back(who + reason.message());
  }
  for (int i = 0; i < std::min<int>(rows - 1, static_cast<int>(lines.size())); ++i) {
    canvas_.Put(row + 1 + i, kNameColumns, lines[i]);
  }
}

void Screen::Footer() {
  canvas_.Put(options_.rows - 1, 0, Clip(options_.footer, std::max(columns(), 0)), Ink::kFaint);
}

Canvas Screen::Draw() {
  const int errors = std::max(1, update_.errors_size() + (update_.totals().http_errors() > 0));
  const int drivers = update_.drivers_size();
  const int events = static_cast<int>(state_.events().size());
  const int reasons = update_.verdict().reasons_size();
  const int thresholds = update_.thresholds_size();
  std::vector<Section> sections;
  sections.push_back(
      {.least = 1, .good = 3, .most = 3, .priority = 0, .draw = [this](int row, int rows) {
         Head(row, rows);
       }});
  sections.push_back({.priority = 1, .draw = [this](int row, int) { Progress(row); }});
  if (has_numbers()) {
    sections.push_back({.least = has_charts() ? 4 : 5,
                        .good = has_charts() ? 8 : 10,
                        .most = has_charts() ? 14 : 10,
                        .priority = 3,
                        .draw = [this](int row, int rows) { Numbers(row, rows); }});
  }
  if (thresholds > 0) {
    sections.push_back(
        {.good = thresholds, .most = thresholds, .priority = 4, .draw = [this](int row, int rows) {
           Thresholds(row, rows);
         }});
  }
  if (has_numbers()) {
    sections.push_back({.good = std::min(errors, 3),
                        .most = errors,
                        .priority = 5,
                        .draw = [this](int row, int rows) { Errors(row, rows); }});
  }
  if (drivers > 0) {
    sections.push_back({.least = 2,
                        .good = std::min(drivers, 4) + 1,
                        .most = drivers + 1,
                        .priority = 7,
                        .draw = [this](int row, int rows) { Drivers(row, rows); }});
  }
  if (events > 0) {
    sections.push_back({.good = std::min(events, 2),
                        .most = std::min(events, 8),
                        .priority = 8,
                        .draw = [this](int row, int rows) { Events(row, rows); }});
  }
  sections.push_back({.good = 1 + std::min(reasons, 2),
                      .most = 1 + std::min(reasons, 6),
                      .priority = 2,
                      .draw = [this](int row, int rows) { Verdict(row, rows); }});
  DrawSections(sections, options_.rows - 1);
  Footer();
  return std::move(canvas_);
}

}  // namespace

Canvas LiveScreen(const LiveState& state, const LiveScreenOptions& options) {
  return Screen(state, options).Draw();
}

}  // namespace loadtest
