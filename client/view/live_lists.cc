// Thresholds, errors, drivers, events and the verdict: lists that are cut where there is no room.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "client/view/characters.h"
#include "client/view/layout.h"
#include "client/view/live_sections.h"
#include "client/view/thresholds_view.h"
#include "client/view/verdict_hints.h"
#include "common/base/units.h"
#include "common/measure/measurements.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr double kCpuIsHigh = 0.8;
constexpr double kCpuIsFull = 0.95;
// Columns of a text of which the rest is cut.
constexpr int kWorthStarting = 6;
constexpr size_t kMostVerdictRows = 4;
constexpr size_t kMostReasonRows = 3;

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

struct Standing {
  std::string_view word;
  Ink ink;
  int urgency;
};

Standing StandingOf(const v1::ThresholdResult& threshold) {
  if (threshold.passed()) return {.word = "kept", .ink = Ink::kGood, .urgency = 0};
  // What is not measured yet may still be kept.
  if (threshold.actual().empty()) return {.word = "not yet", .ink = Ink::kFaint, .urgency = 1};
  return {.word = "BROKEN", .ink = Ink::kBad, .urgency = 2};
}

std::vector<std::string> VerdictLines(const LiveScene& scene) {
  const v1::Verdict::Level level = scene.update.verdict().level();
  const std::string text =
      absl::StrFormat("%s so far: %s", v1::Verdict::Level_Name(level), MeaningOf(level));
  return Wrap(text, scene.columns() - kNameColumns, kMostVerdictRows);
}

std::vector<std::string> ReasonLines(const LiveScene& scene) {
  std::vector<std::string> lines;
  for (const v1::VerdictReason& reason : scene.update.verdict().reasons()) {
    const std::string who = reason.driver_id().empty() ? "" : reason.driver_id() + ": ";
    for (std::string& line :
         Wrap(who + reason.message(), scene.columns() - kNameColumns, kMostReasonRows))
      lines.push_back(std::move(line));
  }
  return lines;
}

struct ErrorLine {
  int64_t count;
  std::string text;
};

// By kind and by status, the most frequent first.
std::vector<ErrorLine> ErrorLines(const LiveScene& scene) {
  std::vector<ErrorLine> lines;
  for (const v1::ErrorCount& error : scene.update.errors()) {
    std::string text(ErrorKindName(error.kind()));
    if (!error.example().empty()) text += ": " + error.example();
    lines.push_back({error.count(), std::move(text)});
  }
  int64_t of_status = 0;
  const std::map<int32_t, int64_t> codes(scene.update.status_codes().begin(),
                                         scene.update.status_codes().end());
  for (const auto& [code, count] : codes) {
    if (code < 400) continue;
    of_status += count;
    lines.push_back({count, absl::StrFormat("answered with status %d", code)});
  }
  // An orchestrator of an older version does not tell them apart.
  if (of_status == 0 && scene.update.totals().http_errors() > 0)
    lines.push_back({scene.update.totals().http_errors(), "answered with status 400 and above"});
  std::stable_sort(lines.begin(), lines.end(),
                   [](const ErrorLine& a, const ErrorLine& b) { return a.count > b.count; });
  return lines;
}

bool HasVerdict(const LiveScene& scene) {
  return scene.update.verdict().level() != v1::Verdict::LEVEL_UNSPECIFIED &&
         scene.columns() > kNameColumns;
}

}  // namespace

void DrawThresholds(const LiveScene& scene, int row, int rows) {
  scene.Name(row, "thresholds");
  std::vector<const v1::ThresholdResult*> thresholds;
  for (const v1::ThresholdResult& threshold : scene.update.thresholds())
    thresholds.push_back(&threshold);
  const int all = static_cast<int>(thresholds.size());
  if (rows < all) {
    std::stable_sort(thresholds.begin(), thresholds.end(), [](const auto* a, const auto* b) {
      return StandingOf(*a).urgency > StandingOf(*b).urgency;
    });
  }
  for (int i = 0; i < std::min(rows, all); ++i) {
    const v1::ThresholdResult& threshold = *thresholds[i];
    const Standing standing = StandingOf(threshold);
    int column = scene.canvas.Put(row + i, kNameColumns, PadRight(standing.word, 8), standing.ink);
    column = scene.PutClipped(row + i, column, threshold.expression());
    std::string text;
    if (i == rows - 1 && rows < all) {
      const std::string more = FormatCount(all - rows);
      text = "and " + more + " more";
      if (column + 2 + ColumnsOf(text) > scene.columns()) text = "+" + more;
    } else if (threshold.windows_failed() > 0) {
      text = ThresholdOutcome(threshold);
    } else if (!threshold.actual().empty()) {
      text = "is " + threshold.actual();
    }
    if (scene.columns() - column - 2 >= std::min(ColumnsOf(text), kWorthStarting))
      scene.PutClipped(row + i, column + 2, text, Ink::kFaint);
  }
}

void DrawErrors(const LiveScene& scene, int row, int rows) {
  scene.Name(row, "errors");
  const std::vector<ErrorLine> lines = ErrorLines(scene);
  if (lines.empty()) scene.canvas.Put(row, kNameColumns, "none", Ink::kFaint);
  for (int i = 0; i < std::min<int>(rows, static_cast<int>(lines.size())); ++i) {
    const int column =
        scene.canvas.Put(row + i, kNameColumns, FormatCount(lines[i].count), Ink::kBad);
    scene.PutClipped(row + i, column + 2, lines[i].text);
  }
}

void DrawDrivers(const LiveScene& scene, int row, int rows) {
  std::vector<const v1::DriverProgress*> drivers;
  for (const v1::DriverProgress& driver : scene.update.drivers()) drivers.push_back(&driver);
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
  const bool is_wide = scene.columns() >= kColumnsForCharts;
  size_t longest_id = 16;  // room for "12 of 34 drivers"
  for (const v1::DriverProgress* driver : drivers) {
    longest_id = std::max(longest_id, driver->driver_id().size());
  }
  const int id_columns =
      std::min<int>(static_cast<int>(longest_id), is_wide ? 28 : std::max(8, scene.columns() - 32));
  // Ends of the columns: state is to the left of its own, the others to the right.
  const int state = id_columns + 2;
  const int sent = state + (is_wide ? 21 : 0);
  const int errors = sent + (is_wide ? 10 : 0);
  const int delay = is_wide ? errors + 13 : state + 20;
  const int cpu = delay + 8;
  const std::string shown =
      absl::StrFormat("%d of %s", std::max(room, 0), Plural(scene.update.drivers_size(), "driver"));
  const bool says_how_many = !all_fit && static_cast<int>(shown.size()) <= id_columns;
  scene.canvas.Put(row, 0, says_how_many ? shown : "drivers", Ink::kFaint);
  scene.canvas.Put(row, state, "state", Ink::kFaint);
  if (is_wide) {
    scene.canvas.PutRight(row, sent, "sent", Ink::kFaint);
    scene.canvas.PutRight(row, errors, "errors", Ink::kFaint);
  }
  scene.canvas.PutRight(row, delay, "delay p99", Ink::kFaint);
  scene.canvas.PutRight(row, cpu, "cpu", Ink::kFaint);
  for (int i = 0; i < std::min<int>(room, static_cast<int>(drivers.size())); ++i) {
    const v1::DriverProgress& driver = *drivers[i];
    const int at = row + 1 + i;
    scene.canvas.Put(at, 0, ClipMiddle(driver.driver_id(), id_columns));
    const bool is_lost = driver.state() == v1::Driver::LOST;
    const std::string name = v1::Driver::State_Name(driver.state());
    scene.canvas.Put(at, state, is_lost ? name : absl::AsciiStrToLower(name),
                     is_lost ? Ink::kBad : Ink::kPlain);
    if (is_wide) {
      scene.canvas.PutRight(at, sent, FormatCount(driver.counts().sent()));
      scene.canvas.PutRight(at, errors, FormatCount(ErrorsIn(driver.counts())),
                            ErrorsIn(driver.counts()) > 0 ? Ink::kBad : Ink::kPlain);
    }
    scene.canvas.PutRight(at, delay,
                          driver.counts().sent() == 0 || !IsOpenLoop(scene.test.spec())
                              ? "-"
                              : FormatLatency(driver.send_delay_p99_ns()));
    scene.canvas.PutRight(at, cpu, absl::StrFormat("%.2f", driver.cpu_cores()),
                          driver.cpu_cores() >= kCpuIsFull   ? Ink::kBad
                          : driver.cpu_cores() >= kCpuIsHigh ? Ink::kWarning
                                                             : Ink::kPlain);
  }
}

void DrawEvents(const LiveScene& scene, int row, int rows) {
  scene.Name(row, "events");
  const std::deque<v1::Event>& events = scene.state.events();
  const int shown = std::min<int>(rows, static_cast<int>(events.size()));
  const google::protobuf::Timestamp& start = scene.test.start_time();
  for (int i = 0; i < shown; ++i) {
    const v1::Event& event = events[events.size() - shown + i];
    // Before the start there is nothing to count from.
    const double since = start.seconds() == 0
                             ? -1
                             : static_cast<double>(event.time().seconds() - start.seconds()) +
                                   (event.time().nanos() - start.nanos()) / 1e9;
    std::string text = absl::StrReplaceAll(event.type(), {{"_", " "}});
    if (!event.message().empty()) text += ": " + event.message();
    const bool is_bad = event.type() == "driver_lost" || event.type() == "driver_not_armed" ||
                        event.type() == "driver_denied";
    const int column = scene.canvas.Put(
        row + i, kNameColumns, PadRight(since < 0 ? "" : WholeSeconds(since), 6), Ink::kFaint);
    scene.PutClipped(row + i, column, text, is_bad ? Ink::kBad : Ink::kPlain);
  }
}

int VerdictRows(const LiveScene& scene) {
  return HasVerdict(scene) ? static_cast<int>(VerdictLines(scene).size()) : 1;
}

int VerdictRowsWithReasons(const LiveScene& scene) {
  return VerdictRows(scene) + (HasVerdict(scene) ? static_cast<int>(ReasonLines(scene).size()) : 0);
}

int ErrorRows(const LiveScene& scene) {
  return std::max(1, static_cast<int>(ErrorLines(scene).size()));
}

void DrawVerdict(const LiveScene& scene, int row, int rows) {
  scene.Name(row, "verdict");
  if (!HasVerdict(scene)) {
    scene.canvas.Put(row, kNameColumns, "not yet", Ink::kFaint);
    return;
  }
  std::vector<std::string> lines = VerdictLines(scene);
  for (std::string& reason : ReasonLines(scene)) lines.push_back(std::move(reason));
  for (int i = 0; i < std::min<int>(rows, static_cast<int>(lines.size())); ++i)
    scene.canvas.Put(row + i, kNameColumns, lines[i]);
  const v1::Verdict::Level level = scene.update.verdict().level();
  scene.canvas.Put(row, kNameColumns, v1::Verdict::Level_Name(level), InkOf(level));
}

}  // namespace loadtest
