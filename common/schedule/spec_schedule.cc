#include "common/schedule/spec_schedule.h"

#include <cmath>
#include <vector>

#include "common/config/config.h"

namespace loadtest {
namespace {

int64_t NanoRate(double requests_per_second) { return std::llround(requests_per_second * 1e9); }

// The warm-up has the first rate that is not 0: it is a stage of its own, before the first one.
Schedule StagesAfterWarmup(const v1::RateStages& spec, int64_t warmup_ns) {
  std::vector<RateStage> stages;
  if (warmup_ns > 0) {
    const v1::Stage& first = spec.stages(0);
    const int64_t rate = NanoRate(first.from() > 0 ? first.from() : first.to());
    stages.push_back({.from = rate, .to = rate, .duration_ns = warmup_ns});
  }
  for (const v1::Stage& stage : spec.stages()) {
    stages.push_back({.from = NanoRate(stage.from()),
                      .to = NanoRate(stage.to()),
                      .duration_ns = ToNanos(stage.duration())});
  }
  return Schedule::InStages(RateStages(stages));
}

}  // namespace

Schedule ScheduleOf(const v1::LoadTestSpec& spec) {
  if (spec.has_tsunami()) return Schedule::EveryDelay(ToNanos(spec.tsunami().delay()));
  if (spec.has_stages()) return StagesAfterWarmup(spec.stages(), ToNanos(spec.warmup()));
  return Schedule::AtRate(NanoRate(spec.rate().requests_per_second()));
}

}  // namespace loadtest
