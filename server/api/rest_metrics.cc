#include "server/api/rest_metrics.h"

#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "common/base/version.h"

namespace loadtest {
namespace {

// By index of ControlPlaneStats::records_applied.
constexpr std::string_view kTopics[] = {"register", "heartbeat", "trigger", "metrics"};
static_assert(std::size(kTopics) == std::size(decltype(ControlPlaneStats::records_applied){}));

static_assert(v1::LoadTest::State_MAX < std::size(decltype(ControlPlaneStats::tests_by_state){}));

// Label values escape backslash, quote and line feed.
std::string Escape(const std::string& value) {
  return absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
}

// Writes one metric after the other.
class MetricsWriter {
 public:
  void Begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = absl::StrFormat("loadtest_orchestrator_%s", name);
    absl::StrAppendFormat(&text_, "# HELP %s %s\n# TYPE %s %s\n", name_, help, name_, type);
  }

  // A sample of the metric begun last; `labels` such as `state="live"`, or empty.
  void Sample(std::string_view labels, int64_t value) {
    text_ += name_;
    if (!labels.empty()) absl::StrAppendFormat(&text_, "{%s}", labels);
    absl::StrAppendFormat(&text_, " %d\n", value);
  }

  void Counter(std::string_view name, std::string_view help, int64_t value) {
    Begin(name, "counter", help);
    Sample("", value);
  }

  std::string Take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

}  // namespace

std::string MetricsText(const ControlPlaneStats& stats) {
  MetricsWriter writer;
  writer.Begin("info", "gauge", "Always 1; the labels tell version and bus.");
  writer.Sample(absl::StrFormat("version=\"%s\",bus=\"%s\"", Escape(kVersion), Escape(stats.bus)),
                1);
  writer.Begin("bus_connected", "gauge", "1 while the broker can be reached, else 0.");
  writer.Sample("", stats.bus_connected ? 1 : 0);
  writer.Begin("store_writable", "gauge", "1 while the store can be written, else 0.");
  writer.Sample("", stats.store_writable ? 1 : 0);

  writer.Begin("records_applied_total", "counter", "Records read from a topic and applied.");
  for (size_t i = 0; i < std::size(kTopics); ++i) {
    writer.Sample(absl::StrFormat("topic=\"%s\"", kTopics[i]), stats.records_applied[i]);
  }
  writer.Counter("records_rejected_total", "Records that were not decodable or contradictory.",
                 stats.records_rejected);
  writer.Counter("duplicate_reports_total", "Interval reports that came again and were dropped.",
                 stats.duplicate_reports);
  writer.Counter("offset_gaps_total", "Records that the broker threw away before they were read.",
                 stats.offset_gaps);

  writer.Begin("drivers", "gauge", "Drivers by what the last heartbeats say of them.");
  writer.Sample("state=\"live\"", stats.drivers_live);
  writer.Sample("state=\"lost\"", stats.drivers_lost);
  writer.Begin("load_tests", "gauge", "Load tests by state.");
  for (int state = v1::LoadTest::PENDING; state <= v1::LoadTest::State_MAX; ++state) {
    const std::string& name = v1::LoadTest::State_Name(static_cast<v1::LoadTest::State>(state));
    writer.Sample(absl::StrFormat("state=\"%s\"", name), stats.tests_by_state[state]);
  }

  writer.Counter("requests_sent_total", "Requests sent by all drivers since the process began.",
                 stats.requests_sent);
  writer.Counter("requests_completed_total", "Requests answered by a whole response.",
                 stats.requests_completed);
  writer.Counter("requests_failed_total", "Requests sent and then failed.", stats.requests_failed);
  return writer.Take();
}

}  // namespace loadtest
