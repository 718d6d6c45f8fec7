#include "client/view/tables.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/view/labels.h"
#include "client/view/layout.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr size_t kWidestText = 60;

std::string LocalTime(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(time.seconds()),
                          absl::LocalTimeZone());
}

// "drivers/x" -> "x"
std::string IdOf(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

std::string LoadInShort(const v1::LoadTestSpec& spec) {
  switch (spec.load_case()) {
    case v1::LoadTestSpec::kAvalanche:
      return absl::StrFormat("avalanche -c %d", spec.connections());
    case v1::LoadTestSpec::kTsunami:
      return "tsunami " + FormatDuration(ToNanos(spec.tsunami().delay()));
    case v1::LoadTestSpec::kRate:
      return "rate " + FormatPerSecond(spec.rate().requests_per_second());
    case v1::LoadTestSpec::kStages:
      return Plural(spec.stages().stages_size(), "stage") + ", to " +
             FormatPerSecond(HighestRate(spec, 0));
    case v1::LoadTestSpec::LOAD_NOT_SET:
      return "-";
  }
  return "-";
}

// What was asked for beyond the defaults.
std::string DescribeTls(const v1::TlsOptions& tls) {
  std::vector<std::string> parts;
  if (tls.insecure()) parts.push_back("certificate not verified");
  if (!tls.ca_certificates().empty()) parts.push_back("CA certificates given");
  if (!tls.client_certificate().empty()) parts.push_back("with a client certificate");
  if (!tls.server_name().empty()) parts.push_back("server name " + Clip(tls.server_name(), 100));
  if (tls.no_resumption()) parts.push_back("no resumption");
  return absl::StrJoin(parts, ", ");
}

std::string HeartbeatAge(const v1::Driver& driver, WallTime now) {
  if (!driver.has_last_heartbeat_time()) return "-";
  const google::protobuf::Timestamp& time = driver.last_heartbeat_time();
  const int64_t age = now.ns - (time.seconds() * kNanosPerSecond + time.nanos());
  // Clocks of two hosts differ; a heartbeat is never from the future.
  return absl::StrFormat("%.1fs ago", static_cast<double>(std::max<int64_t>(0, age)) / 1e9);
}

void AddResult(const v1::LoadTest& test, const TestResults& results,
               std::vector<std::string>& cells) {
  const auto it = results.find(test.name());
  if (it == results.end() || !it->second.has_totals()) {
    cells.insert(cells.end(), 5, "-");
    return;
  }
  const v1::LoadTestUpdate& result = it->second;
  const v1::RequestCounts& counts = result.totals();
  // An orchestrator of an older version does not say it.
  cells.push_back(result.sending_seconds() > 0 ? FormatPerSecond(result.completed_per_second())
                                               : "-");
  cells.push_back(FormatCount(counts.failed() + counts.dropped() + counts.http_errors()));
  cells.push_back(
      result.response_time().count() > 0 ? FormatLatency(result.response_time().p99_ns()) : "-");
  const bool kept = std::all_of(result.thresholds().begin(), result.thresholds().end(),
                                [](const auto& threshold) { return threshold.passed(); });
  cells.push_back(result.thresholds().empty() ? "-" : kept ? "passed" : "FAILED");
  cells.push_back(v1::Verdict::Level_Name(result.verdict().level()));
}

std::string OrDash(std::string_view text) { return text.empty() ? "-" : Clip(text, kWidestText); }

}  // namespace

std::string TestsTable(const v1::ListLoadTestsResponse& tests, const TestResults& results) {
  using enum Table::Align;
  std::vector<Table::Column> columns = {{"NAME"}, {"STATE"}, {"LOAD"}};
  if (!results.empty()) {
    for (const Table::Column& column :
         {Table::Column{"RATE", kRight}, {"ERRORS", kRight}, {"P99", kRight}, {"SLO"}, {"VERDICT"}})
      columns.push_back(column);
  }
  columns.push_back({"CREATED"});
  columns.push_back({"URL"});
  columns.push_back({"TITLE"});
  const bool any_labels =
      std::any_of(tests.load_tests().begin(), tests.load_tests().end(),
                  [](const auto& test) { return !test.spec().labels().empty(); });
  const bool any_notes = std::any_of(tests.load_tests().begin(), tests.load_tests().end(),
                                     [](const auto& test) { return !test.note().empty(); });
  if (any_labels) columns.push_back({"LABELS"});
  if (any_notes) columns.push_back({"NOTE"});
  Table table(columns);
  for (const v1::LoadTest& test : tests.load_tests()) {
    std::vector<std::string> cells = {IdOf(test.name()), v1::LoadTest::State_Name(test.state()),
                                      LoadInShort(test.spec())};
    if (!results.empty()) AddResult(test, results, cells);
    cells.push_back(LocalTime(test.create_time()));
    cells.push_back(Clip(test.spec().request().url(), kWidestText));
    cells.push_back(Clip(test.spec().title(), kWidestText));
    if (any_labels) cells.push_back(Clip(LabelsInShort(test.spec()), kWidestText));
    if (any_notes) cells.push_back(Clip(test.note(), kWidestText));
    table.Add(std::move(cells));
  }
  return table.Print();
}

std::string DriversTable(const v1::ListDriversResponse& drivers, WallTime now) {
  Table table({{"ID"},
               {"ADDRESS"},
               {"HOST"},
               {"STATE"},
               {"TEST"},
               {"CPU", Table::Align::kRight},
               {"HEARTBEAT", Table::Align::kRight},
               {"VERSION"}});
  for (const v1::Driver& driver : drivers.drivers()) {
    table.Add({IdOf(driver.name()), OrDash(driver.ip_address()), OrDash(driver.host_name()),
               v1::Driver::State_Name(driver.state()), OrDash(IdOf(driver.load_test())),
               absl::StrFormat("%.2f", driver.cpu_cores()), HeartbeatAge(driver, now),
               OrDash(driver.version())});
  }
  return table.Print();
}

std::string TestDetails(const v1::LoadTest& test) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view value) {
    if (!value.empty()) text += PadRight(name, 12) + std::string(value) + "\n";
  };
  const v1::LoadTestSpec& spec = test.spec();
  add("name", test.name());
  add("title", Clip(spec.title(), 200));
  add("state", v1::LoadTest::State_Name(test.state()));
  add("reason", Clip(test.state_reason(), 400));
  add("load", DescribeSpec(spec, std::max(spec.drivers(), test.assignments_size())));
  add("request", Clip(spec.request().method() + " " + spec.request().url(), 400));
  for (const v1::Header& header : spec.request().headers()) {
    add("header", Clip(header.name() + ": " + header.value(), 200));
  }
  if (spec.request().body_bytes() > 0) add("body", FormatBytes(spec.request().body_bytes()));
  add("tls", DescribeTls(spec.tls()));
  add("timeout", absl::StrFormat("%s, connecting %s, drain %s",
                                 FormatDuration(ToNanos(spec.request_timeout())),
                                 FormatDuration(ToNanos(spec.connect_timeout())),
                                 FormatDuration(ToNanos(spec.drain_timeout()))));
  add("created", LocalTime(test.create_time()));
  add("started", LocalTime(test.start_time()));
  add("ended", LocalTime(test.end_time()));
  std::vector<std::string> ids;
  for (const v1::Assignment& assignment : test.assignments()) ids.push_back(assignment.driver_id());
  add("drivers", absl::StrJoin(ids, ", "));
  const std::map<std::string, std::string> labels(spec.labels().begin(), spec.labels().end());
  for (const auto& [key, value] : labels) add("label", Clip(key + "=" + value, 320));
  for (const std::string& threshold : spec.thresholds()) add("threshold", Clip(threshold, 200));
  if (spec.abort_on_threshold()) add("", "stopped as soon as one cannot be kept");
  add("note", Clip(test.note(), 4'000));
  return text;
}

}  // namespace loadtest
