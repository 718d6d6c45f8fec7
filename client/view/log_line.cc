#include "client/view/log_line.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/view/layout.h"
#include "common/base/time.h"
#include "common/base/units.h"

namespace loadtest {
namespace {

constexpr double kShortestForRate = 0.05;

std::string StateName(v1::LoadTest::State state) {
  return absl::AsciiStrToLower(v1::LoadTest::State_Name(state));
}

bool IsSending(const v1::LoadTestUpdate& update) {
  return update.load_test().state() == v1::LoadTest::RUNNING ||
         update.load_test().state() == v1::LoadTest::STOPPING;
}

// Whether most of the newest interval is warm-up. Not all: its last interval may have the first
// requests of the measured part.
bool IsWarmingUp(const v1::LoadTestUpdate& update) {
  return update.interval().warmup().sent() > update.interval().counts().sent();
}

// "waits for 2 more drivers", or what is known without a reason.
std::string Waiting(const v1::LoadTestUpdate& update) {
  const v1::LoadTest& test = update.load_test();
  std::string text = StateName(test.state());
  if (!test.state_reason().empty()) return text + ": " + test.state_reason();
  if (test.state() == v1::LoadTest::STARTING) {
    text += ": " + Plural(test.assignments_size(), "driver") + " get ready";
  }
  return text;
}

std::string WholeSeconds(double seconds) {
  return FormatDuration(std::llround(seconds) * kNanosPerSecond);
}

std::string Percent(const v1::LoadTestUpdate& update) {
  // 100 % is said when all is done, not when it is nearly so.
  const double progress = std::clamp(update.progress(), 0.0, 1.0);
  return absl::StrFormat("%3d%%", static_cast<int>(std::floor(progress * 100)));
}

std::string DriversPart(const v1::LoadTestUpdate& update) {
  int lost = 0;
  for (const v1::DriverProgress& driver : update.drivers())
    lost += driver.state() == v1::Driver::LOST;
  const int all = std::max(update.drivers_size(), update.load_test().assignments_size());
  if (lost > 0) return absl::StrFormat("%d of %s", all - lost, Plural(all, "driver"));
  return Plural(all, "driver");
}

// What follows the time, most important first.
std::vector<std::string> Parts(const v1::LoadTestUpdate& update) {
  std::vector<std::string> parts = {Percent(update)};
  const v1::IntervalResult& interval = update.interval();
  const double progress = update.progress();
  if (update.load_test().state() == v1::LoadTest::STOPPING) {
    parts.push_back("stopping");
  } else if (progress > 0 && update.has_interval()) {
    const double elapsed = interval.end_offset_ns() / 1e9;
    parts.push_back(WholeSeconds(elapsed * std::max(0.0, 1 - progress) / progress) + " left");
  }
  if (IsWarmingUp(update)) parts.push_back("warm-up");
  if (update.has_interval()) {
    const double seconds = (interval.end_offset_ns() - interval.start_offset_ns()) / 1e9;
    // The last interval of a test may be a few milliseconds long: no rate to speak of.
    if (seconds >= kShortestForRate)
      parts.push_back(FormatPerSecond(
          static_cast<double>(interval.counts().sent() + interval.warmup().sent()) / seconds));
    if (interval.response_time().count() > 0) {
      parts.push_back("p50 " + FormatLatency(interval.response_time().p50_ns()));
      parts.push_back("p99 " + FormatLatency(interval.response_time().p99_ns()));
    } else if (interval.warmup().completed() == 0) {
      parts.push_back("no answer");
    }
  }
  const v1::RequestCounts& totals = update.totals();
  parts.push_back("errors " +
                  FormatCount(totals.failed() + totals.dropped() + totals.http_errors()));
  parts.push_back(DriversPart(update));
  if (update.verdict().level() == v1::Verdict::INVALID) parts.push_back("INVALID");
  if (update.verdict().level() == v1::Verdict::DEGRADED) parts.push_back("DEGRADED");
  return parts;
}

}  // namespace

std::string LogLine(const v1::LoadTestUpdate& update) {
  if (!IsSending(update)) return Waiting(update);
  const std::string elapsed = WholeSeconds(update.interval().end_offset_ns() / 1e9);
  return elapsed + "  " +
         std::string(absl::StripLeadingAsciiWhitespace(absl::StrJoin(Parts(update), "  ")));
}

}  // namespace loadtest
