#include "client/view/report_view.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/view/error_hints.h"
#include "client/view/events.h"
#include "client/view/labels.h"
#include "client/view/latency_view.h"
#include "client/view/layout.h"
#include "client/view/thresholds_view.h"
#include "client/view/verdict_hints.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/measure/measurements.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr size_t kNameWidth = 12;
constexpr int kNarrowest = 40;
constexpr size_t kUsualWidth = 80;
constexpr size_t kWidestUrl = 60;
constexpr int kMostDrivers = 5;
constexpr int kMostErrors = 3;
constexpr int kMostReasons = 2;
constexpr int kMostAdvice = 2;
constexpr int kMostEvents = 3;
constexpr size_t kMostThresholds = 6;
constexpr size_t kMostStatusCodes = 6;

enum class Color { kRed = 31, kGreen = 32, kYellow = 33 };

class Writer {
 public:
  explicit Writer(const ReportViewOptions& options) : options_(options) {}

  // "name        text", broken at spaces to the width; further lines stand under the text. What
  // does not fit into `most_lines` (more in a narrow window) is cut.
  void Line(std::string_view name, std::string_view text, size_t most_lines = 2) {
    ColoredLine(name, "", text, Color::kGreen, most_lines);
  }
  // The same; `word`, with which `text` begins, has a colour.
  void ColoredLine(std::string_view name, std::string_view word, std::string_view text, Color color,
                   size_t most_lines) {
    const size_t most = width() < kUsualWidth ? 3 * most_lines : most_lines;
    for (const std::string& line : Wrap(text, width() - kNameWidth, most)) {
      text_ += PadRight(name, kNameWidth) + Colored(line.substr(0, word.size()), color) +
               line.substr(std::min(line.size(), word.size())) + "\n";
      name = word = "";
    }
  }
  void Raw(std::string_view text) { text_ += text; }
  void Space() { text_ += "\n"; }

  std::string Colored(std::string_view text, Color color) const {
    if (!options_.colors || text.empty()) return std::string(text);
    return absl::StrFormat("\x1b[%dm%s\x1b[0m", static_cast<int>(color), text);
  }

  size_t width() const { return static_cast<size_t>(std::max(options_.width, kNarrowest)); }

  std::string Take() { return std::move(text_); }

 private:
  const ReportViewOptions options_;
  std::string text_;
};

std::string Seconds(double seconds) { return absl::StrFormat("%.3gs", seconds); }

void WriteHead(const v1::Report& report, Writer& writer) {
  const v1::LoadTest& test = report.load_test();
  const v1::LoadTestSpec& spec = test.spec();
  const bool is_good = test.state() != v1::LoadTest::FAILED;
  std::string state =
      writer.Colored(v1::LoadTest::State_Name(test.state()), is_good ? Color::kGreen : Color::kRed);
  writer.Raw(absl::StrFormat("%s  %s\n", test.name(), state));
  if (!test.state_reason().empty()) writer.Line("reason", test.state_reason());
  if (!spec.title().empty()) writer.Line("title", spec.title());
  if (!spec.labels().empty()) writer.Line("labels", LabelsInShort(spec));
  if (!test.note().empty()) writer.Line("note", test.note());
  if (const std::string slice = SliceInWords(report); !slice.empty())
    writer.Line("part", slice + ", whole intervals; not the whole test");
  writer.Line("asked", DescribeSpec(spec, std::max(spec.drivers(), test.assignments_size())));
  std::string request = absl::StrFormat("%s %s, timeout %s", spec.request().method(),
                                        Clip(spec.request().url(), kWidestUrl),
                                        FormatDuration(ToNanos(spec.request_timeout())));
  if (spec.request().body_bytes() > 0) {
    request += ", body " + FormatBytes(spec.request().body_bytes());
  }
  writer.Line("", request);
}

void WriteCounts(const v1::Report& report, Writer& writer) {
  const v1::RequestCounts& counts = report.totals().counts();
  std::string sent =
      absl::StrFormat("%s in %s, %s; due %s, dropped %s", FormatCount(counts.sent()),
                      Seconds(report.sending_seconds()), FormatPerSecond(report.sent_per_second()),
                      FormatCount(counts.due()), FormatCount(counts.dropped()));
  if (report.unknown_requests() > 0) {
    sent +=
        absl::StrFormat(", unknown %s (of lost drivers)", FormatCount(report.unknown_requests()));
  }
  writer.Line("sent", sent);
  std::string failed = "failed " + FormatCount(counts.failed());
  if (counts.abandoned() > 0) {
    failed += absl::StrFormat(" (%s abandoned)", FormatCount(counts.abandoned()));
  }
  std::string answered = absl::StrFormat(
      "%s, %s; %s, status 400 and above %s", FormatCount(counts.completed()),
      FormatPerSecond(report.completed_per_second()), failed, FormatCount(counts.http_errors()));
  if (counts.in_flight() > 0) {
    answered += absl::StrFormat(", in flight %s", FormatCount(counts.in_flight()));
  }
  writer.Line("answered", answered);
  if (counts.drain_completed() + counts.drain_failed() > 0) {
    writer.Line("drain", absl::StrFormat("after the last send: %s answered, %s failed",
                                         FormatCount(counts.drain_completed()),
                                         FormatCount(counts.drain_failed())));
  }
  const v1::Measurements& totals = report.totals();
  if (HasAny(totals.warmup())) {
    writer.Line("warm-up", absl::StrFormat("%s sent, %s answered; left out of all other counts",
                                           FormatCount(totals.warmup().sent()),
                                           FormatCount(totals.warmup().completed())));
  }
  std::string traffic =
      absl::StrFormat("sent %s, received %s; connections %s, failed %s",
                      FormatBytes(totals.bytes_sent()), FormatBytes(totals.bytes_received()),
                      FormatCount(totals.connects()), FormatCount(totals.connect_failures()));
  if (totals.tls_resumed() > 0) {
    traffic += absl::StrFormat(", TLS resumed %s", FormatCount(totals.tls_resumed()));
  }
  writer.Line("traffic", traffic);
}

// "resolve 1.2ms; connect p50 41.0us p99 90.0us; ...": the phases that occurred.
void WritePhases(const v1::Report& report, Writer& writer) {
  const v1::PhaseSummaries& phases = report.phases();
  std::vector<std::string> parts;
  // One a driver: too few for percentiles.
  if (phases.resolve().count() > 0)
    parts.push_back("resolve " + FormatLatency(phases.resolve().max_ns()));
  for (const auto& [name, phase] : {std::pair{"connect", &phases.connect()},
                                    {"TLS", &phases.tls()},
                                    {"first byte", &phases.first_byte()}}) {
    if (phase->count() == 0) continue;
    parts.push_back(absl::StrFormat("%s p50 %s p99 %s", name, FormatLatency(phase->p50_ns()),
                                    FormatLatency(phase->p99_ns())));
  }
  if (!parts.empty()) writer.Line("phases", absl::StrJoin(parts, "; "));
}

// The addresses when there are several, and how https was spoken: what the drivers say, each once.
void WriteTarget(const v1::Report& report, Writer& writer) {
  std::set<std::string> addresses;
  std::set<std::string> tls;
  for (const v1::DriverManifest& driver : report.manifest().drivers()) {
    addresses.insert(driver.target_addresses().begin(), driver.target_addresses().end());
    if (!driver.tls().empty()) tls.insert(driver.tls());
  }
  if (addresses.size() > 1) writer.Line("target", absl::StrJoin(addresses, " "), 1);
  if (tls.empty()) return;
  std::string text = absl::StrJoin(tls, "; ");
  if (report.load_test().spec().tls().insecure()) text = "NOT VERIFIED (-k): " + text;
  writer.Line("TLS", text, 1);
}

void WriteStatusCodes(const v1::Report& report, Writer& writer) {
  const std::map<int32_t, int64_t> codes(report.totals().status_codes().begin(),
                                         report.totals().status_codes().end());
  std::vector<std::string> parts;
  for (const auto& [code, count] : codes) {
    if (parts.size() == kMostStatusCodes) {
      parts.push_back(absl::StrFormat("and %d more", codes.size() - kMostStatusCodes));
      break;
    }
    parts.push_back(absl::StrFormat("%d: %s", code, FormatCount(count)));
  }
  int64_t redirects = 0;
  for (const auto& [code, count] : codes) {
    // 304 sends nobody elsewhere: it says that nothing has changed.
    if (code >= 300 && code < 400 && code != 304) redirects += count;
  }
  if (redirects > 0)
    parts.push_back(absl::StrFormat("redirects: %s (not followed)", FormatCount(redirects)));
  if (!parts.empty()) writer.Line("status", absl::StrJoin(parts, "   "));
}

void WriteErrors(const v1::Report& report, Writer& writer) {
  std::vector<const v1::ErrorCount*> errors;
  for (const v1::ErrorCount& error : report.totals().errors()) errors.push_back(&error);
  std::stable_sort(errors.begin(), errors.end(),
                   [](const auto* a, const auto* b) { return a->count() > b->count(); });
  const int shown = std::min(static_cast<int>(errors.size()), kMostErrors);
  for (int i = 0; i < shown; ++i) {
    std::string text =
        absl::StrFormat("%s %s", FormatCount(errors[i]->count()), ErrorKindName(errors[i]->kind()));
    if (!errors[i]->example().empty()) text += ", for example: " + errors[i]->example();
    writer.Line(i == 0 ? "errors" : "", text);
    const std::string_view advice = WhatToDoAbout(errors[i]->kind());
    if (!advice.empty()) writer.Line("", absl::StrFormat("  try: %s", advice));
  }
  if (shown < static_cast<int>(errors.size())) {
    writer.Line("", absl::StrFormat("and %d kinds more", errors.size() - shown));
  }
}

int64_t Problems(const v1::DriverResult& driver) {
  return driver.counts().failed() + driver.counts().dropped() + driver.counts().http_errors();
}

std::string DriverState(const v1::DriverResult& driver) {
  if (driver.lost()) return "LOST";
  if (driver.intervals_missing() > 0) {
    return Plural(driver.intervals_missing(), "interval") + " missing";
  }
  return driver.finished() ? "" : "running";
}

void WriteDrivers(const v1::Report& report, Writer& writer) {
  std::vector<const v1::DriverResult*> drivers;
  for (const v1::DriverResult& driver : report.drivers()) drivers.push_back(&driver);
  if (drivers.empty()) return;
  const int left_out = static_cast<int>(drivers.size()) - kMostDrivers;
  if (left_out > 0) {
    // The worst first: lost, then with errors, then with the largest send delay.
    std::stable_sort(drivers.begin(), drivers.end(), [](const auto* a, const auto* b) {
      if (a->lost() != b->lost()) return a->lost();
      if (Problems(*a) != Problems(*b)) return Problems(*a) > Problems(*b);
      return a->send_delay().p99_ns() > b->send_delay().p99_ns();
    });
    drivers.resize(kMostDrivers);
  }
  using enum Table::Align;
  Table table({{"driver"},
               {"address", kLeft, 7},
               {"sent", kRight, 3},
               {"answered", kRight, 6},
               {"errors", kRight, 1},
               {"p50", kRight, 4},
               {"p99", kRight},
               {"delay p99", kRight, 2},
               {"cpu", kRight, 5},
               {""}});
  const bool open_loop = IsOpenLoop(report.load_test().spec());
  const auto latency = [](const v1::LatencySummary& summary, int64_t ns) {
    return summary.count() == 0 ? "-" : FormatLatency(ns);
  };
  for (const v1::DriverResult* driver : drivers) {
    table.Add({ClipMiddle(driver->assignment().driver_id(), 20), Clip(driver->ip_address(), 20),
               FormatCount(driver->counts().sent()), FormatCount(driver->counts().completed()),
               FormatCount(Problems(*driver)),
               latency(driver->response_time(), driver->response_time().p50_ns()),
               latency(driver->response_time(), driver->response_time().p99_ns()),
               open_loop ? latency(driver->send_delay(), driver->send_delay().p99_ns()) : "-",
               absl::StrFormat("%.2f", driver->cpu_cores()), DriverState(*driver)});
  }
  writer.Raw(table.Print("  ", writer.width()));
  if (left_out > 0) {
    writer.Raw(absl::StrFormat("  these are the worst; and %s more\n", Plural(left_out, "driver")));
  }
}

// What happened beyond the course of every test.
void WriteEvents(const v1::Report& report, Writer& writer) {
  const google::protobuf::Timestamp& start = report.load_test().start_time();
  std::vector<std::string> lines;
  for (const v1::Event& event : report.events()) {
    if (IsRoutine(event)) continue;
    const double since = static_cast<double>(event.time().seconds() - start.seconds()) +
                         (event.time().nanos() - start.nanos()) / 1e9;
    std::string text = absl::StrReplaceAll(event.type(), {{"_", " "}});
    if (!event.message().empty()) text += ": " + event.message();
    if (start.seconds() > 0) text = absl::StrFormat("%.1fs  %s", std::max(since, 0.0), text);
    lines.push_back(std::move(text));
  }
  const int shown = std::min(static_cast<int>(lines.size()), kMostEvents);
  for (int i = 0; i < shown; ++i) writer.Line(i == 0 ? "events" : "", lines[i], 1);
  if (shown < static_cast<int>(lines.size())) {
    writer.Line("", absl::StrFormat("and %d more", lines.size() - shown));
  }
}

void WriteVerdict(const v1::Report& report, Writer& writer) {
  const v1::Verdict& verdict = report.verdict();
  if (verdict.level() == v1::Verdict::LEVEL_UNSPECIFIED) return;
  const Color color = verdict.level() == v1::Verdict::VALID      ? Color::kGreen
                      : verdict.level() == v1::Verdict::DEGRADED ? Color::kYellow
                                                                 : Color::kRed;
  const std::string& level = v1::Verdict::Level_Name(verdict.level());
  writer.ColoredLine("verdict", level, absl::StrFormat("%s: %s", level, MeaningOf(verdict.level())),
                     color, 3);
  const int shown = std::min(verdict.reasons_size(), kMostReasons);
  for (int i = 0; i < shown; ++i) {
    const v1::VerdictReason& reason = verdict.reasons(i);
    const std::string who = reason.driver_id().empty() ? "" : reason.driver_id() + ": ";
    writer.Line("", absl::StrFormat("%s%s: %s", who, reason.resource(), reason.message()));
  }
  if (shown < verdict.reasons_size()) {
    writer.Line("",
                absl::StrFormat("and %s more", Plural(verdict.reasons_size() - shown, "reason")));
  }
  const std::vector<std::string> advice = WhatToDo(verdict);
  for (int i = 0; i < std::min(static_cast<int>(advice.size()), kMostAdvice); ++i) {
    writer.Line(i == 0 ? "to do" : "", advice[i], 3);
  }
}

}  // namespace

std::string ReportView(const v1::Report& report, const ReportViewOptions& options) {
  Writer writer(options);
  WriteHead(report, writer);
  WriteCounts(report, writer);
  writer.Space();
  if (report.totals().send_delay().count() > 0 || report.totals().response_time().count() > 0) {
    writer.Raw(LatencyView(report, static_cast<int>(writer.width()), options.unicode));
    writer.Space();
    if (const std::string why = WhyTheyDiffer(report); !why.empty()) writer.Line("why", why, 3);
  }
  WritePhases(report, writer);
  WriteTarget(report, writer);
  WriteStatusCodes(report, writer);
  WriteErrors(report, writer);
  WriteDrivers(report, writer);
  WriteEvents(report, writer);
  writer.Space();
  writer.Raw(ThresholdLines(report.thresholds(), kMostThresholds, options.colors, writer.width()));
  WriteVerdict(report, writer);
  std::string_view id = report.load_test().name();
  id.remove_prefix(id.rfind('/') + 1);
  if (options.kept) {
    writer.Line("more", absl::StrFormat("loadctl report %s -o json", id));
  } else {
    writer.Line("more",
                "the test is gone with its orchestrator (--local); -o html=report.html or -o "
                "json=report.json keep its report",
                3);
  }
  return writer.Take();
}

}  // namespace loadtest
