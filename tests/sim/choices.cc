#include "tests/sim/choices.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "common/base/time.h"
#include "common/config/config.h"

namespace loadtest::sim {
namespace {

constexpr int64_t kMilli = kNanosPerMilli;

void ChooseLoad(Random& random, v1::LoadTestSpec& spec) {
  switch (random.Between(0, 5)) {
    case 0:
      spec.mutable_avalanche();
      spec.set_connections(static_cast<int32_t>(random.Between(1, 4)));
      break;
    case 1:
      *spec.mutable_tsunami()->mutable_delay() = ToDuration(random.Between(20, 300) * kMilli);
      break;
    case 2: {
      v1::RateStages& stages = *spec.mutable_stages();
      for (int64_t i = random.Between(1, 3); i > 0; --i) {
        v1::Stage& stage = *stages.add_stages();
        stage.set_from(static_cast<double>(random.Between(0, 60)));
        stage.set_to(static_cast<double>(random.Between(1, 60)));
        *stage.mutable_duration() = ToDuration(random.Between(300, 3'000) * kMilli);
      }
      break;
    }
    default:
      spec.mutable_rate()->set_requests_per_second(static_cast<double>(random.Between(2, 80)));
      break;
  }
  if (!spec.has_avalanche() && random.Chance(200)) {
    spec.set_arrivals(v1::LoadTestSpec::POISSON);
    spec.set_arrival_seed(random.Next());
  }
}

v1::LoadTestSpec ChooseSpec(Random& random, int hosts) {
  v1::LoadTestSpec spec;
  spec.mutable_request()->set_url("http://127.0.0.1/");
  ChooseLoad(random, spec);
  const bool by_count = !spec.has_stages() && random.Chance(400);
  if (by_count) spec.set_requests_per_driver(random.Between(1, 60));
  if (!spec.has_stages() && (!by_count || random.Chance(300)))
    *spec.mutable_duration() = ToDuration(random.Between(200, 9'000) * kMilli);
  if (random.Chance(250)) *spec.mutable_warmup() = ToDuration(random.Between(1, 2'500) * kMilli);
  *spec.mutable_request_timeout() = ToDuration(random.Between(300, 3'000) * kMilli);
  if (random.Chance(500))
    *spec.mutable_drain_timeout() = ToDuration(random.Between(0, 2'000) * kMilli);
  if (random.Chance(400)) spec.set_drivers(static_cast<int32_t>(random.Between(1, hosts)));
  if ((spec.has_rate() || spec.has_stages()) && !by_count && random.Chance(500)) {
    spec.set_on_driver_loss(v1::LoadTestSpec::REDISTRIBUTE);
    // Long enough for somebody to be lost in it, and for others to go on.
    if (spec.has_rate())
      *spec.mutable_duration() = ToDuration(random.Between(5'000, 15'000) * kMilli);
  } else if (random.Chance(400)) {
    spec.set_on_driver_loss(random.Chance(500) ? v1::LoadTestSpec::ABORT
                                               : v1::LoadTestSpec::CONTINUE);
  }
  if (!by_count && spec.on_driver_loss() != v1::LoadTestSpec::ABORT && random.Chance(400))
    spec.set_rejoin(true);
  return spec;
}

int64_t UpTo(Random& random, int64_t least, int64_t most) {
  // Short times are as likely as long ones.
  const int64_t magnitude = random.Between(1, 10);
  return least + random.Between(0, std::max<int64_t>(1, (most - least) / magnitude));
}

void ChooseFaults(Random& random, Choices& choices) {
  const int64_t count =
      choices.temper == Temper::kRough ? random.Between(1, 3) : random.Between(3, 14);
  for (int64_t i = 0; i < count; ++i) {
    Fault fault;
    fault.kind =
        static_cast<Fault::Kind>(random.Between(0, static_cast<int64_t>(Fault::Kind::kGarbage)));
    fault.at_ns = random.Between(0, choices.heal_ns);
    fault.for_ns = UpTo(random, 5 * kMilli, 12'000 * kMilli);
    fault.host = static_cast<int>(random.Between(0, choices.hosts - 1));
    fault.detail = random.Next();
    choices.faults.push_back(fault);
  }
}

}  // namespace

Choices Choose(Random random) {
  Choices choices;
  const int64_t temper = random.Between(0, 9);
  choices.temper = temper < 2 ? Temper::kCalm : temper < 6 ? Temper::kRough : Temper::kWild;
  choices.hosts = static_cast<int>(random.Between(1, 6));
  choices.metrics_partitions = static_cast<int>(random.Between(1, 4));
  constexpr int64_t kIntervals[] = {500 * kMilli, 1'000 * kMilli, 2'000 * kMilli};
  choices.metrics_interval_ns = kIntervals[random.Between(0, 2)];
  choices.lease_ns =
      random.Chance(300) ? random.Between(2'000, 12'000) * kMilli : 60 * kNanosPerSecond;
  choices.one_host = random.Chance(500);
  choices.heal_ns = random.Between(6'000, 22'000) * kMilli;
  choices.weather.fastest_ns = random.Between(0, 5) * kMilli;
  choices.weather.slowest_ns = choices.weather.fastest_ns + UpTo(random, kMilli, 600 * kMilli);
  if (choices.temper == Temper::kWild && random.Chance(300))
    choices.weather.lost_per_mille = static_cast<int>(random.Between(1, 30));
  if (choices.temper != Temper::kCalm && random.Chance(300))
    choices.weather.delayed_per_mille = static_cast<int>(random.Between(1, 300));

  EngineHabits& habits = choices.habits;
  habits.arm_ns = random.Between(1, 100) * kMilli;
  habits.fastest_answer_ns = random.Between(1, 8) * kMilli;
  habits.slowest_answer_ns = habits.fastest_answer_ns + random.Between(1, 8) * kMilli;
  if (random.Chance(200)) habits.slowest_answer_ns += random.Between(100, 4'000) * kMilli;
  if (random.Chance(300)) habits.reset_per_mille = static_cast<int>(random.Between(1, 100));
  if (random.Chance(300)) habits.silent_per_mille = static_cast<int>(random.Between(1, 100));
  if (random.Chance(300)) habits.error_status_per_mille = static_cast<int>(random.Between(1, 400));
  if (random.Chance(200)) habits.refused_per_mille = static_cast<int>(random.Between(1, 100));
  if (random.Chance(150)) habits.most_in_flight = static_cast<int>(random.Between(1, 8));

  const int fails_to_arm = choices.temper != Temper::kCalm && random.Chance(80) ? 300 : 0;
  for (int i = 0; i < choices.hosts; ++i) {
    const int64_t most = random.Chance(500) ? 5 * kMilli : 400 * kMilli;
    choices.wall_offset_ns.push_back(random.Between(-most, most));
    choices.fails_to_arm.push_back(random.Chance(fails_to_arm));
  }
  if (choices.temper != Temper::kCalm && random.Chance(100))
    choices.max_rate = static_cast<double>(random.Between(10, 60));
  for (int64_t i = random.Between(1, 3); i > 0; --i) {
    PlannedTest test;
    test.request_id = absl::StrFormat("request-%d", i);
    if (random.Chance(300)) test.id = absl::StrFormat("given-%d", i);
    test.spec = ChooseSpec(random, choices.hosts);
    test.create_ns =
        random.Between(500, std::max<int64_t>(501, choices.heal_ns / kMilli / 2)) * kMilli;
    if (random.Chance(200)) test.stop_ns = test.create_ns + random.Between(1, 8'000) * kMilli;
    if (random.Chance(100)) test.delete_ns = test.create_ns + random.Between(1, 30'000) * kMilli;
    choices.tests.push_back(std::move(test));
  }
  if (choices.temper != Temper::kCalm) ChooseFaults(random, choices);
  return choices;
}

const char* FaultName(Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::kKillDriver:
      return "kill driver";
    case Fault::Kind::kLeaveDriver:
      return "end driver";
    case Fault::Kind::kCutDriver:
      return "cut driver off";
    case Fault::Kind::kFreezeDriver:
      return "freeze driver";
    case Fault::Kind::kStallEngine:
      return "stall sending thread of driver";
    case Fault::Kind::kResetDriver:
      return "reset producer of driver";
    case Fault::Kind::kLoseReport:
      return "lose last report but one of driver";
    case Fault::Kind::kKillOrchestrator:
      return "kill orchestrator";
    case Fault::Kind::kForgetOrchestrator:
      return "kill orchestrator and its store";
    case Fault::Kind::kEndOrchestrator:
      return "end orchestrator";
    case Fault::Kind::kSecondOrchestrator:
      return "start a second orchestrator";
    case Fault::Kind::kFreezeOrchestrator:
      return "freeze orchestrator";
    case Fault::Kind::kCutOrchestrator:
      return "cut orchestrator off";
    case Fault::Kind::kResetOrchestrator:
      return "reset producer of orchestrator";
    case Fault::Kind::kSupplantOrchestrator:
      return "supplant orchestrator";
    case Fault::Kind::kLateOrder:
      return "replace orchestrator before its order";
    case Fault::Kind::kBrokerAway:
      return "broker away";
    case Fault::Kind::kFullDisk:
      return "disk full";
    case Fault::Kind::kGarbage:
      return "garbage";
  }
  return "";
}

}  // namespace loadtest::sim
