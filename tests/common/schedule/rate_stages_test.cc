#include "common/schedule/rate_stages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "common/schedule/schedule.h"

namespace loadtest {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNano = 1'000'000'000;  // rates are in 10^-9 requests per second

RateStage Step(int64_t rate, int64_t duration_ns) {
  return {.from = rate * kNano, .to = rate * kNano, .duration_ns = duration_ns};
}
RateStage Ramp(int64_t from, int64_t to, int64_t duration_ns) {
  return {.from = from * kNano, .to = to * kNano, .duration_ns = duration_ns};
}
Schedule Stages(const std::vector<RateStage>& stages) {
  return Schedule::InStages(RateStages(stages));
}

TEST(RateStagesTest, AStepIsExactlyAConstantRate) {
  const Schedule stages = Stages({Step(700'000, 600 * kSecond)});
  const Schedule constant = Schedule::AtRate(700'000 * kNano);
  for (const int64_t index : {0, 1, 2, 333, 419'999'999}) {
    EXPECT_EQ(stages.Due(index), constant.Due(index)) << index;
  }
  EXPECT_EQ(stages.CountBefore(600 * kSecond), 420'000'000);
}

TEST(RateStagesTest, StepsFollowEachOtherWithoutAGap) {
  // 10/s for 1 s, then 20/s.
  const Schedule schedule = Stages({Step(10, kSecond), Step(20, kSecond)});
  EXPECT_EQ(schedule.Due(9), 900'000'000);
  EXPECT_EQ(schedule.Due(10), kSecond);
  EXPECT_EQ(schedule.Due(11), 1'050'000'000);
  EXPECT_EQ(schedule.Due(29), 1'950'000'000);
  EXPECT_EQ(schedule.Due(30), kNeverNs);
}

TEST(RateStagesTest, APartOfARequestIsCarriedIntoTheNextStage) {
  // 1.5 requests in the first second; half a request more at 1/s takes until 1.5 s.
  const Schedule schedule = Stages(
      {{.from = 1'500'000'000, .to = 1'500'000'000, .duration_ns = kSecond}, Step(1, 2 * kSecond)});
  EXPECT_EQ(schedule.Due(1), 666'666'666);
  EXPECT_EQ(schedule.Due(2), 1'500'000'000);
  EXPECT_EQ(schedule.Due(3), 2'500'000'000);
}

TEST(RateStagesTest, ARampFromZeroSendsItsFirstRequestAtTheStart) {
  // 0 to 10/s in 10 s: t^2 / 2 requests after t seconds, 50 in all.
  const Schedule schedule = Stages({Ramp(0, 10, 10 * kSecond)});
  EXPECT_EQ(schedule.Due(0), 0);
  EXPECT_EQ(schedule.Due(1), 1'414'213'562);
  EXPECT_EQ(schedule.Due(2), 2 * kSecond);
  EXPECT_EQ(schedule.Due(32), 8 * kSecond);
  EXPECT_EQ(schedule.Due(49), 9'899'494'936);
  EXPECT_EQ(schedule.Due(50), kNeverNs);
}

TEST(RateStagesTest, ARampToZeroIsExactAtItsEndToo) {
  // 50 - u^2 / 2 requests when u seconds are left.
  const Schedule schedule = Stages({Ramp(10, 0, 10 * kSecond)});
  EXPECT_EQ(schedule.Due(0), 0);
  EXPECT_EQ(schedule.Due(18), 2 * kSecond);
  EXPECT_EQ(schedule.Due(48), 8 * kSecond);
  EXPECT_EQ(schedule.Due(49), 8'585'786'437);
  EXPECT_EQ(schedule.Due(50), kNeverNs);
  EXPECT_EQ(schedule.CountBefore(8 * kSecond), 48);
  EXPECT_EQ(schedule.CountBefore(8 * kSecond + 1), 49);
}

TEST(RateStagesTest, ARampOfAWeekIsExactToTheNanosecond) {
  // (i / 0.5)^0.5 seconds with a slope of 1/s per second; the index is a square by two.
  const int64_t week = 604'800;
  const Schedule up = Stages({Ramp(0, week, week * kSecond)});
  EXPECT_EQ(up.Due(604'000LL * 604'000 / 2), 604'000 * kSecond);
  EXPECT_EQ(up.CountBefore(604'000 * kSecond), 604'000LL * 604'000 / 2);
  const Schedule down = Stages({Ramp(week, 0, week * kSecond)});
  EXPECT_EQ(down.Due(week * week / 2 - 2), (week - 2) * kSecond);
}

TEST(RateStagesTest, APauseHasNoRequests) {
  const Schedule schedule = Stages({Step(10, kSecond), Step(0, 5 * kSecond), Step(10, kSecond)});
  EXPECT_EQ(schedule.Due(9), 900'000'000);
  EXPECT_EQ(schedule.Due(10), 6 * kSecond);
  EXPECT_EQ(schedule.CountBefore(kSecond), 10);
  EXPECT_EQ(schedule.CountBefore(6 * kSecond), 10);
  EXPECT_EQ(schedule.CountBefore(6 * kSecond + 1), 11);
}

TEST(RateStagesTest, AFirstPauseDelaysTheFirstRequest) {
  const Schedule schedule = Stages({Step(0, 2 * kSecond), Step(1, kSecond)});
  EXPECT_EQ(schedule.Due(0), 2 * kSecond);
  EXPECT_EQ(schedule.CountBefore(2 * kSecond), 0);
}

TEST(RateStagesTest, StagesWithoutARateSendNothing) {
  const Schedule schedule = Stages({Step(0, kSecond)});
  EXPECT_EQ(schedule.Due(0), kNeverNs);
  EXPECT_EQ(schedule.CountBefore(2 * kSecond), 0);
}

// Stages drawn at random, with pauses, steps and ramps from and to 0 among them.
std::vector<RateStage> RandomStages(std::mt19937& random, int64_t most_rate, int64_t most_ns) {
  std::vector<RateStage> stages;
  const auto draw = [&random](int64_t most) {
    return std::uniform_int_distribution<int64_t>(0, most)(random);
  };
  for (int64_t i = draw(5); i >= 0; --i) {
    const int64_t from = draw(3) == 0 ? 0 : draw(most_rate);
    const int64_t to = draw(3) == 0 ? from : draw(3) == 0 ? 0 : draw(most_rate);
    stages.push_back({.from = from, .to = to, .duration_ns = 1'000'000 + draw(most_ns)});
  }
  return stages;
}

// The rate at a time, added up step by step with the middle of each step: exact for straight lines
// but for rounding, and independent of any formula.
TEST(RateStagesTest, DueIsWhereTheRateAddedUpInSmallStepsComesToTheIndex) {
  std::mt19937 random(1);
  constexpr int kSteps = 2'000;
  int checked = 0;
  for (int round = 0; round < 50; ++round) {
    const std::vector<RateStage> stages = RandomStages(random, 3'000 * kNano, 20 * kSecond);
    const Schedule schedule = Stages(stages);
    double sum = 0;
    int64_t index = 0;
    double start_ns = 0;
    for (const RateStage& stage : stages) {
      const double step_ns = static_cast<double>(stage.duration_ns) / kSteps;
      for (int step = 0; step < kSteps; ++step) {
        const double share = (step + 0.5) / kSteps;
        const double rate =
            static_cast<double>(stage.from) * (1 - share) + static_cast<double>(stage.to) * share;
        const double more = rate / 1e18 * step_ns;
        for (; static_cast<double>(index) < sum + more - 1e-6; ++index) {
          if (static_cast<double>(index) < sum + 1e-6) continue;
          const double due = static_cast<double>(schedule.Due(index));
          ++checked;
          EXPECT_GE(due, start_ns + step * step_ns - 1) << "index " << index;
          EXPECT_LE(due, start_ns + (step + 1) * step_ns + 1) << "index " << index;
        }
        sum += more;
      }
      start_ns += static_cast<double>(stage.duration_ns);
    }
  }
  EXPECT_GT(checked, 1'000'000);
}

TEST(RateStagesTest, CountBeforeAgreesWithDueEverywhere) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    // From some requests to 10^14 of them.
    const int64_t most_rate = round % 3 == 0 ? 50 * kNano : round % 3 == 1 ? kNano * kNano : kNano;
    const int64_t most_ns = round % 2 == 0 ? 10 * kSecond : 100'000 * kSecond;
    const std::vector<RateStage> stages = RandomStages(random, most_rate, most_ns);
    const RateStages shape(stages);
    const Schedule schedule = Schedule::InStages(shape);
    const int64_t count = schedule.CountBefore(shape.duration_ns());
    for (int i = 0; i < 100 && count > 0; ++i) {
      const int64_t index = std::uniform_int_distribution<int64_t>(0, count - 1)(random);
      const int64_t due = schedule.Due(index);
      ASSERT_LT(due, shape.duration_ns());
      ASSERT_LE(schedule.CountBefore(due), index);
      ASSERT_GT(schedule.CountBefore(due + 1), index);
    }
    if (count > 0) {
      EXPECT_EQ(schedule.Due(count), kNeverNs);
    }
    for (int i = 0; i < 100; ++i) {
      const int64_t time = std::uniform_int_distribution<int64_t>(0, shape.duration_ns())(random);
      const int64_t before = schedule.CountBefore(time);
      if (before > 0) {
        ASSERT_LT(schedule.Due(before - 1), time);
      }
      ASSERT_GE(schedule.Due(before), time);
    }
  }
}

}  // namespace
}  // namespace loadtest
