#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

// "2,500/s", "0.5/s".
std::string FormatRate(double rate) {
  return (rate >= 100 ? FormatCount(std::llround(rate)) : absl::StrFormat("%.4g", rate)) + "/s";
}

// "rate in 3 stages, 0/s to 1,000/s": the lowest and the highest.
std::string DescribeStages(const v1::RateStages& stages) {
  double low = stages.stages(0).from();
  double high = low;
  for (const v1::Stage& stage : stages.stages()) {
    low = std::min({low, stage.from(), stage.to()});
    high = std::max({high, stage.from(), stage.to()});
  }
  return absl::StrFormat("rate in %d stage%s, %s to %s", stages.stages_size(),
                         stages.stages_size() == 1 ? "" : "s", FormatRate(low), FormatRate(high));
}

}  // namespace

std::string DescribeSpec(const v1::LoadTestSpec& spec, int drivers) {
  const std::string fleet = drivers == 0
                                ? "every idle driver"
                                : absl::StrFormat("%d driver%s", drivers, drivers == 1 ? "" : "s");
  const bool is_poisson = spec.arrivals() == v1::LoadTestSpec::POISSON;
  std::string out;
  switch (spec.load_case()) {
    case v1::LoadTestSpec::kTsunami: {
      const int64_t delay = ToNanos(spec.tsunami().delay());
      const double rate = 1e9 / static_cast<double>(delay);
      out = absl::StrFormat("%s x %s", fleet, FormatRate(rate));
      if (drivers > 0) out += " = " + FormatRate(rate * drivers);
      out +=
          is_poisson
              ? absl::StrFormat(", open loop (tsunami, Poisson arrivals, %s apart on average)",
                                FormatDuration(delay))
              : absl::StrFormat(", open loop (tsunami, a request every %s)", FormatDuration(delay));
      break;
    }
    case v1::LoadTestSpec::kRate: {
      const double rate = spec.rate().requests_per_second();
      if (drivers > 0) {
        out = absl::StrFormat("%s x %s = %s", fleet, FormatRate(rate / drivers), FormatRate(rate));
      } else {
        out = absl::StrFormat("%s, %s in all", fleet, FormatRate(rate));
      }
      out += is_poisson ? ", open loop (rate, Poisson arrivals)" : ", open loop (rate)";
      break;
    }
    case v1::LoadTestSpec::kStages:
      out = absl::StrFormat("%s, %s, open loop (stages%s)", fleet, DescribeStages(spec.stages()),
                            is_poisson ? ", Poisson arrivals" : "");
      break;
    case v1::LoadTestSpec::kAvalanche:
    case v1::LoadTestSpec::LOAD_NOT_SET:
      out = absl::StrFormat("%s x %s connections, closed loop (avalanche)", fleet,
                            FormatCount(spec.connections()));
      break;
  }
  if (spec.requests_per_driver() > 0)
    out += absl::StrFormat(", %s requests a driver", FormatCount(spec.requests_per_driver()));
  if (spec.has_duration())
    out += absl::StrFormat(", %s%s", spec.requests_per_driver() > 0 ? "at most " : "",
                           FormatDuration(ToNanos(spec.duration())));
  if (const int64_t warmup = ToNanos(spec.warmup()); warmup > 0)
    out += absl::StrFormat(", after a warm-up of %s", FormatDuration(warmup));
  if (spec.http_version() == v1::LoadTestSpec::HTTP_2) {
    out += ", HTTP/2";
    if (spec.streams() > 1)
      out += absl::StrFormat(" x %s streams a connection", FormatCount(spec.streams()));
  }
  return out;
}

}  // namespace loadtest
