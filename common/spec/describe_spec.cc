// What a spec says, in words and in time.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

// "2,500/s", "0.5/s".
std::string FormatRate(double rate) {
  return (rate >= 100 ? FormatCount(std::llround(rate)) : absl::StrFormat("%.4g", rate)) + "/s";
}

}  // namespace

std::string DescribeSpec(const v1::LoadTestSpec& spec, int drivers) {
  const std::string fleet = drivers == 0
                                ? "every idle driver"
                                : absl::StrFormat("%d driver%s", drivers, drivers == 1 ? "" : "s");
  std::string out;
  switch (spec.load_case()) {
    case v1::LoadTestSpec::kTsunami: {
      const int64_t delay = ToNanos(spec.tsunami().delay());
      const double rate = 1e9 / static_cast<double>(delay);
      out = absl::StrFormat("%s x %s", fleet, FormatRate(rate));
      if (drivers > 0) out += " = " + FormatRate(rate * drivers);
      out += absl::StrFormat(", open loop (tsunami, a request every %s)", FormatDuration(delay));
      break;
    }
    case v1::LoadTestSpec::kRate: {
      const double rate = spec.rate().requests_per_second();
      if (drivers > 0) {
        out = absl::StrFormat("%s x %s = %s, open loop (rate)", fleet, FormatRate(rate / drivers),
                              FormatRate(rate));
      } else {
        out = absl::StrFormat("%s, %s in all, open loop (rate)", fleet, FormatRate(rate));
      }
      break;
    }
    case v1::LoadTestSpec::kStages: {
      std::vector<std::string> parts;
      for (const v1::Stage& stage : spec.stages().stages()) {
        if (parts.size() == 4) {
          parts.push_back("...");
          break;
        }
        const std::string to = FormatRate(stage.to());
        parts.push_back((stage.from() == stage.to() ? to : FormatRate(stage.from()) + " to " + to) +
                        " in " + FormatDuration(ToNanos(stage.duration())));
      }
      out = absl::StrFormat("%s: %s in all, open loop (rate in stages)", fleet,
                            absl::StrJoin(parts, ", "));
      break;
    }
    case v1::LoadTestSpec::kAvalanche:
    case v1::LoadTestSpec::LOAD_NOT_SET:
      out = absl::StrFormat("%s x %s connections, closed loop (avalanche)", fleet,
                            FormatCount(spec.connections()));
      break;
  }
  if (spec.arrivals() == v1::LoadTestSpec::POISSON)
    out += absl::StrFormat(", Poisson arrivals (seed %d)", spec.arrival_seed());
  if (spec.http_version() == v1::LoadTestSpec::HTTP_2)
    out += absl::StrFormat(", HTTP/2 with %d stream%s a connection", spec.streams(),
                           spec.streams() == 1 ? "" : "s");
  if (ToNanos(spec.warmup()) > 0)
    out += absl::StrFormat(", after a warm-up of %s", FormatDuration(ToNanos(spec.warmup())));
  if (spec.requests_per_driver() > 0)
    out += absl::StrFormat(", %s requests a driver", FormatCount(spec.requests_per_driver()));
  if (spec.has_duration())
    out += absl::StrFormat(", %s%s", spec.requests_per_driver() > 0 ? "at most " : "",
                           FormatDuration(ToNanos(spec.duration())));
  return out;
}

double HighestRate(const v1::LoadTestSpec& spec, int drivers) {
  double highest = 0;
  switch (spec.load_case()) {
    case v1::LoadTestSpec::kTsunami:
      return 1e9 / static_cast<double>(ToNanos(spec.tsunami().delay())) * drivers;
    case v1::LoadTestSpec::kRate:
      return spec.rate().requests_per_second();
    case v1::LoadTestSpec::kStages:
      for (const v1::Stage& stage : spec.stages().stages())
        highest = std::max({highest, stage.from(), stage.to()});
      return highest;
    case v1::LoadTestSpec::kAvalanche:
    case v1::LoadTestSpec::LOAD_NOT_SET:
      break;
  }
  return 0;
}

int64_t LongestRunNs(const v1::LoadTestSpec& spec, int drivers) {
  int64_t sending = spec.has_duration() ? ToNanos(spec.duration()) : -1;
  if (const int64_t n = spec.requests_per_driver(); n > 0) {
    double by_count = -1;
    if (spec.load_case() == v1::LoadTestSpec::kTsunami) {
      by_count = static_cast<double>(n) * static_cast<double>(ToNanos(spec.tsunami().delay()));
    } else if (spec.load_case() == v1::LoadTestSpec::kRate) {
      by_count =
          static_cast<double>(n) * std::max(1, drivers) / spec.rate().requests_per_second() * 1e9;
    }
    // Beyond 292 years of nanoseconds there is no bound to speak of.
    if (by_count >= 0 && by_count < 9e18 &&
        (sending < 0 || by_count < static_cast<double>(sending))) {
      sending = static_cast<int64_t>(by_count);
    }
  }
  return sending < 0 ? -1 : ToNanos(spec.warmup()) + sending + ToNanos(spec.drain_timeout());
}

}  // namespace loadtest
