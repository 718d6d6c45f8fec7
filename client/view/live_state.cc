#include "client/view/live_state.h"

#include <algorithm>

#include "common/base/time.h"
#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr size_t kMostPoints = 4'096;
constexpr size_t kMostEvents = 64;
// The last interval of a test may be a few milliseconds long: no rate to speak of.
constexpr int64_t kShortestInterval = 50 * kNanosPerMilli;

HistoryPoint Together(const HistoryPoint& a, const HistoryPoint& b) {
  const auto length = static_cast<double>(std::max<int64_t>(1, a.length_ns() + b.length_ns()));
  return {.start_ns = a.start_ns,
          .end_ns = b.end_ns,
          .sent_per_second = (a.sent_per_second * static_cast<double>(a.length_ns()) +
                              b.sent_per_second * static_cast<double>(b.length_ns())) /
                             length,
          .p99_ns = std::max(a.p99_ns, b.p99_ns)};
}

void PutNeighboursTogether(std::vector<HistoryPoint>& points) {
  const size_t pairs = points.size() / 2;
  for (size_t i = 0; i < pairs; ++i) points[i] = Together(points[2 * i], points[2 * i + 1]);
  if (points.size() % 2 == 1) points[pairs] = points.back();
  points.resize((points.size() + 1) / 2);
}

}  // namespace

double SentPerSecond(const v1::IntervalResult& interval) {
  const int64_t length = interval.end_offset_ns() - interval.start_offset_ns();
  if (length <= 0) return 0;
  return static_cast<double>(interval.counts().sent() + interval.warmup().sent()) /
         static_cast<double>(length) * 1e9;
}

double WantedPerSecond(const v1::LoadTestSpec& spec, int drivers, int64_t offset_ns) {
  if (!IsOpenLoop(spec)) return -1;
  if (!spec.has_stages()) return HighestRate(spec, drivers);
  if (spec.stages().stages().empty()) return 0;
  const v1::Stage& first = spec.stages().stages(0);
  int64_t into_stage = offset_ns - ToNanos(spec.warmup());
  // As the warm-up has it: the first rate that is not 0.
  if (into_stage < 0) return first.from() > 0 ? first.from() : first.to();
  for (const v1::Stage& stage : spec.stages().stages()) {
    const int64_t duration = ToNanos(stage.duration());
    if (into_stage < duration) {
      const double share = static_cast<double>(into_stage) / static_cast<double>(duration);
      return stage.from() + (stage.to() - stage.from()) * share;
    }
    into_stage -= duration;
  }
  return 0;
}

void LiveState::Apply(const v1::LoadTestUpdate& update) {
  update_ = update;
  for (const v1::Event& event : update.events()) {
    // One a driver: not news, but many.
    if (event.type() == "driver_armed") continue;
    events_.push_back(event);
    if (events_.size() > kMostEvents) events_.pop_front();
  }
  const v1::IntervalResult& interval = update.interval();
  if (interval.end_offset_ns() - interval.start_offset_ns() < kShortestInterval) return;
  if (interval.end_offset_ns() <= interval_.end_offset_ns()) return;
  interval_ = interval;
  // Not all of it: the interval in which it ends has the first requests of the measured part.
  is_warming_up_ = interval.warmup().sent() > interval.counts().sent();
  history_.push_back(
      {.start_ns = interval.start_offset_ns(),
       .end_ns = interval.end_offset_ns(),
       .sent_per_second = SentPerSecond(interval),
       .p99_ns = interval.response_time().count() > 0 ? interval.response_time().p99_ns() : -1});
  if (history_.size() > kMostPoints) PutNeighboursTogether(history_);
}

bool LiveState::is_sending() const {
  return update_.load_test().state() == v1::LoadTest::RUNNING ||
         update_.load_test().state() == v1::LoadTest::STOPPING;
}

bool LiveState::has_ended() const {
  return update_.load_test().state() == v1::LoadTest::SUCCEEDED ||
         update_.load_test().state() == v1::LoadTest::STOPPED ||
         update_.load_test().state() == v1::LoadTest::FAILED;
}

}  // namespace loadtest
