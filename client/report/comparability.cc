#include "client/report/comparability.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/report/comparison.h"
#include "client/view/thresholds_view.h"
#include "common/json/proto_json.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr int kReportVersion = 1;

std::string Json(const google::protobuf::Message& message) { return ProtoToJson(message); }

// The part of a spec that says how much is sent, in which order and how.
v1::LoadTestSpec Shape(const v1::LoadTestSpec& spec) {
  v1::LoadTestSpec shape;
  switch (spec.load_case()) {
    case v1::LoadTestSpec::kAvalanche:
      *shape.mutable_avalanche() = spec.avalanche();
      // How many ask at once is the load of a closed loop.
      shape.set_connections(spec.connections());
      break;
    case v1::LoadTestSpec::kTsunami:
      *shape.mutable_tsunami() = spec.tsunami();
      break;
    case v1::LoadTestSpec::kRate:
      *shape.mutable_rate() = spec.rate();
      break;
    case v1::LoadTestSpec::kStages:
      *shape.mutable_stages() = spec.stages();
      break;
    case v1::LoadTestSpec::LOAD_NOT_SET:
      break;
  }
  shape.set_arrivals(spec.arrivals() == v1::LoadTestSpec::POISSON ? v1::LoadTestSpec::POISSON
                                                                  : v1::LoadTestSpec::UNIFORM);
  shape.set_http_version(spec.http_version());
  shape.set_streams(spec.streams());
  return shape;
}

void CheckOne(std::string_view which, const v1::Report& report, std::vector<std::string>& why) {
  if (report.report_version() != kReportVersion) {
    why.push_back(absl::StrFormat("%s: report_version: got %d, want %d", which,
                                  report.report_version(), kReportVersion));
    return;
  }
  const v1::LoadTest::State state = report.load_test().state();
  if (state != v1::LoadTest::SUCCEEDED && state != v1::LoadTest::STOPPED) {
    why.push_back(absl::StrFormat("%s: state: got %s, want SUCCEEDED or STOPPED", which,
                                  v1::LoadTest::State_Name(state)));
  }
  if (report.verdict().level() == v1::Verdict::INVALID) {
    why.push_back(absl::StrFormat(
        "%s: verdict: got INVALID, want VALID: its numbers are the generator's own", which));
  }
  if (report.response_time().count() == 0) {
    why.push_back(absl::StrFormat("%s: got no answer at all, want one", which));
  } else if (const size_t n = SteadyIntervals(report).size(); n < kFewestIntervals) {
    why.push_back(absl::StrFormat(
        "%s: got %d whole intervals of the measured part, want %d or more: with fewer, noise is "
        "not known; run it for longer",
        which, n, kFewestIntervals));
  }
}

// Values of a field over all drivers, each once.
template <typename Get>
std::string Values(const v1::Manifest& manifest, Get get) {
  std::set<std::string> values;
  for (const v1::DriverManifest& driver : manifest.drivers()) values.insert(get(driver));
  return absl::StrJoin(values, "; ");
}

}  // namespace

std::vector<std::string> WhyNotComparable(const v1::Report& before, const v1::Report& after) {
  std::vector<std::string> why;
  CheckOne("A", before, why);
  CheckOne("B", after, why);
  const v1::LoadTestSpec& a = before.load_test().spec();
  const v1::LoadTestSpec& b = after.load_test().spec();
  const int a_drivers = before.load_test().assignments_size();
  const int b_drivers = after.load_test().assignments_size();
  // A fleet's rate is the same however many share it; other loads are as many times as drivers.
  const bool fleet_rate = a.has_rate() || a.has_stages();
  if (Json(Shape(a)) != Json(Shape(b))) {
    why.push_back(absl::StrFormat("load: got %s and %s, want the same", DescribeSpec(a, a_drivers),
                                  DescribeSpec(b, b_drivers)));
  } else if (!fleet_rate && a_drivers != b_drivers) {
    why.push_back(absl::StrFormat("drivers: got %d and %d, want as many", a_drivers, b_drivers));
  }
  if (Json(before.slice()) != Json(after.slice())) {
    const auto words = [](const v1::Report& report) {
      const std::string slice = SliceInWords(report);
      return slice.empty() ? std::string("the whole test") : slice;
    };
    why.push_back(
        absl::StrFormat("slice: got %s and %s, want the same", words(before), words(after)));
  }
  return why;
}

std::vector<Difference> DifferencesOf(const v1::Report& before, const v1::Report& after) {
  std::vector<Difference> differences;
  const auto add = [&](const std::string& what, const std::string& a, const std::string& b) {
    if (a != b) differences.push_back({what, a.empty() ? "-" : a, b.empty() ? "-" : b});
  };
  const auto flat = [](const v1::Report& report) {
    return nlohmann::json::parse(Json(report.load_test().spec())).flatten();
  };
  const nlohmann::json a = flat(before);
  const nlohmann::json b = flat(after);
  std::set<std::string> paths;
  for (const auto& [path, value] : a.items()) paths.insert(path);
  for (const auto& [path, value] : b.items()) paths.insert(path);
  const auto text = [](const nlohmann::json& values, const std::string& path) {
    const auto it = values.find(path);
    if (it == values.end()) return std::string();
    return it->is_string() ? it->get<std::string>()
                           : it->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  for (const std::string& path : paths) {
    std::string name = "spec" + path;
    std::replace(name.begin(), name.end(), '/', '.');
    add(name, text(a, path), text(b, path));
  }
  const v1::Manifest& m = before.manifest();
  const v1::Manifest& n = after.manifest();
  add("drivers", absl::StrFormat("%d", before.drivers_size()),
      absl::StrFormat("%d", after.drivers_size()));
  add("orchestrator version", m.orchestrator_version(), n.orchestrator_version());
  add("bus", m.bus(), n.bus());
  const auto compare = [&](const char* what, auto get) {
    add(what, Values(m, get), Values(n, get));
  };
  compare("driver version", [](const v1::DriverManifest& d) { return d.version(); });
  compare("driver host", [](const v1::DriverManifest& d) { return d.host_name(); });
  compare("driver kernel", [](const v1::DriverManifest& d) { return d.kernel(); });
  compare("driver cpu", [](const v1::DriverManifest& d) {
    return absl::StrFormat("%d x %s", d.cpus(), d.cpu_model());
  });
  compare("driver max_open_files",
          [](const v1::DriverManifest& d) { return absl::StrFormat("%d", d.max_open_files()); });
  compare("driver transport", [](const v1::DriverManifest& d) { return d.transport(); });
  compare("driver tls", [](const v1::DriverManifest& d) { return d.tls(); });
  compare("target addresses",
          [](const v1::DriverManifest& d) { return absl::StrJoin(d.target_addresses(), " "); });
  return differences;
}

}  // namespace loadtest
