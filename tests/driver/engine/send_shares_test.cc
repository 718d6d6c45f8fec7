// Shares that drivers give and take in mid-test: every index is sent once.
#include "driver/engine/send_shares.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "driver/engine/send_plan.h"

namespace loadtest {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNano = 1'000'000'000;  // rates are in 10^-9 requests per second

TEST(WithoutTest, TheSameIndicesAreLeftBeforeAndAfter) {
  EXPECT_EQ(Without({1, 3, 0, 100}, {1, 3, 20, 50}),
            (std::vector<Share>{{1, 3, 0, 20}, {1, 3, 50, 100}}));
  EXPECT_EQ(Without({1, 3, 30, 40}, {1, 3, 20, 50}), std::vector<Share>{});
}

TEST(WithoutTest, OtherIndicesOrTimesTakeNothing) {
  EXPECT_EQ(Without({1, 3, 0, 100}, {2, 3, 0, 100}), (std::vector<Share>{{1, 3, 0, 100}}));
  EXPECT_EQ(Without({1, 4, 0, 100}, {2, 6, 0, 100}), (std::vector<Share>{{1, 4, 0, 100}}));
  EXPECT_EQ(Without({1, 3, 0, 20}, {1, 3, 20, 50}), (std::vector<Share>{{1, 3, 0, 20}}));
}

TEST(WithoutTest, OfOtherStridesWhatIsInBothIsTaken) {
  // 1, 3, 5, 7, 9, 11 ... without 0, 3, 6, 9 ...: 1, 5, 7, 11 ...
  EXPECT_EQ(Without({1, 2, 0, 100}, {0, 3, 0, 100}),
            (std::vector<Share>{{1, 6, 0, 100}, {5, 6, 0, 100}}));
}

TEST(SendSharesTest, AShareThatIsKeptStaysOneShare) {
  SendShares shares(SendShares::Kind::kIndices, {{0, 2}});
  shares.Replace({{0, 2}, {1, 4, 500}}, 700);
  shares.Replace({{0, 2}, {1, 4, 500, 900}}, 800);
  EXPECT_EQ(shares.entries(), (std::vector<Share>{{0, 2}, {1, 4, 500, 900}}));
}

TEST(SendSharesTest, ProcessesAreNeverSplit) {
  SendShares shares(SendShares::Kind::kProcesses, {{0, 2}});
  shares.Replace({{0, 2}, {0, 2, 500}}, 700);
  EXPECT_EQ(shares.entries(), (std::vector<Share>{{0, 2}, {0, 2, 500}}));
  shares.Replace({{0, 2}}, 800);
  EXPECT_EQ(shares.entries(), (std::vector<Share>{{0, 2}, {0, 2, 500, 800}}));
}

// Random schedules of some hundred requests with due times of their own.
class RandomSchedule {
 public:
  static constexpr int64_t kEnd = 10 * kSecond;

  explicit RandomSchedule(std::mt19937_64& random) : schedule_(Make(random)) {
    for (int64_t i = 0; i < schedule_.CountBefore(kEnd); ++i) dues_.push_back(schedule_.Due(i));
  }

  const Schedule& schedule() const { return schedule_; }
  const std::vector<int64_t>& dues() const { return dues_; }

  bool IsIn(const Share& share, int64_t index) const {
    const int64_t due = dues_[static_cast<size_t>(index)];
    return index >= share.first && (index - share.first) % share.stride == 0 &&
           share.from_ns <= due && due < share.until_ns;
  }

  int64_t IndexAt(int64_t due_ns) const {
    const auto found = std::lower_bound(dues_.begin(), dues_.end(), due_ns);
    EXPECT_TRUE(found != dues_.end() && *found == due_ns) << due_ns;
    return found - dues_.begin();
  }

 private:
  static Schedule Make(std::mt19937_64& random) {
    const auto rate = [&random] { return static_cast<int64_t>(random() % (60 * kNano)); };
    if (random() % 2 == 0) return Schedule::AtRate(rate() + kNano);
    std::vector<RateStage> stages;
    for (int i = 0; i < 4; ++i) {
      const bool is_pause = random() % 5 == 0;
      const int64_t from = is_pause ? 0 : rate();
      const int64_t to = is_pause ? 0 : random() % 2 == 0 ? from : rate();
      const auto duration = static_cast<int64_t>(random() % (4 * kSecond)) + kSecond;
      stages.push_back({.from = from, .to = to, .duration_ns = duration});
    }
    return Schedule::InStages(RateStages(stages));
  }

  const Schedule schedule_;
  std::vector<int64_t> dues_;
};

// A driver as the loop is one: a cursor that counts what is due, and one behind it that sends.
class Driver {
 public:
  Driver(const RandomSchedule& schedule, std::vector<Share> shares)
      : schedule_(schedule),
        plan_(SendPlan::OpenLoop(schedule.schedule(), Slot(), {.duration_ns = RandomSchedule::kEnd})
                  .WithShares(shares)),
        shares_(plan_.shares_kind(), shares),
        next_(plan_),
        coming_(plan_) {}

  // Up to this offset all is due, and all but `behind` requests are sent.
  void Run(int64_t until_ns, int64_t behind = 0) {
    coming_.SkipDue(until_ns - 1);
    while (next_.n() + behind < coming_.n()) {
      sent_.push_back(schedule_.IndexAt(next_.due_ns()));
      next_.Advance();
    }
  }
  void Read(const std::vector<Share>& shares, int64_t now_ns) {
    coming_.SkipDue(now_ns - 1);
    shares_.Replace(shares, now_ns);
    next_.Follow(shares_);
    coming_.Follow(shares_);
  }
  const std::vector<int64_t>& sent() const { return sent_; }
  bool at_end() const { return next_.at_end() && coming_.at_end(); }

 private:
  const RandomSchedule& schedule_;
  const SendPlan plan_;
  SendShares shares_;
  DueCursor next_;
  DueCursor coming_;
  std::vector<int64_t> sent_;
};

int64_t RandomTime(std::mt19937_64& random, int64_t from_ns, int64_t to_ns) {
  return from_ns + static_cast<int64_t>(random() % static_cast<uint64_t>(to_ns - from_ns));
}

// Whatever shares come, overlapping or not, of the past or the future: after each step the driver
// has sent what brute force says.
TEST(SendSharesPropertyTest, ADriverSendsWhatItIsGivenOnce) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const RandomSchedule schedule(random);
    const auto random_share = [&random] {
      const auto stride = static_cast<int64_t>(random() % 6) + 1;
      Share share = {.first = static_cast<int64_t>(random()) % stride, .stride = stride};
      share.first = (share.first + stride) % stride;
      if (random() % 2 == 0) share.from_ns = RandomTime(random, 0, RandomSchedule::kEnd);
      if (random() % 2 == 0) share.until_ns = RandomTime(random, 0, RandomSchedule::kEnd);
      return share;
    };
    std::vector<Share> active = {random_share()};
    Driver driver(schedule, active);
    std::set<int64_t> wanted;
    const auto take_due = [&](int64_t now_ns) {
      for (int64_t i = 0; i < static_cast<int64_t>(schedule.dues().size()); ++i) {
        if (schedule.dues()[static_cast<size_t>(i)] >= now_ns) break;
        for (const Share& share : active) {
          if (schedule.IsIn(share, i)) wanted.insert(i);
        }
      }
    };
    int64_t now_ns = 0;
    while ((now_ns += RandomTime(random, 1, 3 * kSecond)) < RandomSchedule::kEnd) {
      take_due(now_ns);
      driver.Run(now_ns, static_cast<int64_t>(random() % 5));
      active.clear();
      for (uint64_t n = random() % 4; n > 0; --n) active.push_back(random_share());
      driver.Read(active, now_ns);
      take_due(now_ns);
    }
    take_due(RandomSchedule::kEnd);
    driver.Run(RandomSchedule::kEnd);
    EXPECT_TRUE(driver.at_end());
    const std::set<int64_t> sent(driver.sent().begin(), driver.sent().end());
    ASSERT_EQ(sent.size(), driver.sent().size()) << "one was sent twice";
    std::vector<int64_t> difference;
    std::set_symmetric_difference(sent.begin(), sent.end(), wanted.begin(), wanted.end(),
                                  std::back_inserter(difference));
    ASSERT_EQ(difference, std::vector<int64_t>{});
  }
}

// An orchestrator in miniature: who is lost has its shares dealt to the others, and takes them back
// when it returns. Drivers learn of what they take over late, of what they give up in time.
class Fleet {
 public:
  Fleet(const RandomSchedule& schedule, int64_t drivers) : schedule_(schedule) {
    for (int64_t slot = 0; slot < drivers; ++slot) {
      parts_[slot].shares = {{.first = slot, .stride = drivers}};
      parts_[slot].driver.emplace_back(schedule, parts_[slot].shares);
    }
  }

  std::vector<int64_t> Here() const { return Where(true); }
  std::vector<int64_t> Away() const { return Where(false); }

  // It has sent what was due before `now_ns`, and nothing after that.
  void Lose(int64_t slot, int64_t now_ns) {
    Part& lost = parts_[slot];
    lost.driver.back().Run(now_ns);
    lost.is_here = false;
    const std::vector<int64_t> others = Here();
    const auto m = static_cast<int64_t>(others.size());
    for (const Share& share : lost.shares) {
      const int64_t from_ns = std::max(share.from_ns, now_ns);
      for (int64_t j = 0; j < m && from_ns < share.until_ns; ++j) {
        parts_[others[static_cast<size_t>(j)]].shares.push_back(
            {share.first + j * share.stride, share.stride * m, from_ns, share.until_ns});
      }
    }
    lost.shares.clear();
  }

  // From a moment that all learn of beforehand.
  void Return(int64_t slot, int64_t slots, int64_t from_ns) {
    Part& part = parts_[slot];
    for (auto& [other, its] : parts_) {
      for (Share& share : its.shares) {
        // Only what was this slot's in the beginning: all of it is in shares of multiples.
        if (share.first % slots == slot) share.until_ns = std::min(share.until_ns, from_ns);
      }
    }
    part.is_here = true;
    part.shares = {{.first = slot, .stride = slots, .from_ns = from_ns}};
    part.driver.emplace_back(schedule_, part.shares);
  }

  void TellAll(int64_t now_ns, int64_t behind) {
    for (const int64_t slot : Here()) {
      parts_[slot].driver.back().Run(now_ns, behind);
      parts_[slot].driver.back().Read(parts_[slot].shares, now_ns);
    }
  }

  std::map<int64_t, int> Finish() {
    std::map<int64_t, int> sent;
    for (auto& [slot, part] : parts_) {
      if (part.is_here) part.driver.back().Run(RandomSchedule::kEnd);
      for (const Driver& life : part.driver) {
        for (const int64_t index : life.sent()) ++sent[index];
      }
    }
    return sent;
  }

 private:
  struct Part {
    bool is_here = true;
    std::vector<Share> shares;
    std::vector<Driver> driver;  // its lives
  };

  std::vector<int64_t> Where(bool is_here) const {
    std::vector<int64_t> slots;
    for (const auto& [slot, part] : parts_) {
      if (part.is_here == is_here) slots.push_back(slot);
    }
    return slots;
  }

  const RandomSchedule& schedule_;
  std::map<int64_t, Part> parts_;
};

TEST(SendSharesPropertyTest, AFleetSendsEachIndexOnceWhoeverIsLostAndReturns) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const RandomSchedule schedule(random);
    const auto drivers = static_cast<int64_t>(random() % 5) + 2;
    Fleet fleet(schedule, drivers);
    int64_t now_ns = 0;
    while ((now_ns += RandomTime(random, 1, 2 * kSecond)) < RandomSchedule::kEnd - 2 * kSecond) {
      const std::vector<int64_t> here = fleet.Here();
      const std::vector<int64_t> away = fleet.Away();
      const auto behind = static_cast<int64_t>(random() % 4);
      if (here.size() > 1 && (away.empty() || random() % 2 == 0)) {
        fleet.Lose(here[random() % here.size()], now_ns);
        now_ns += RandomTime(random, 0, kSecond);
        fleet.TellAll(now_ns, behind);
      } else if (!away.empty()) {
        const int64_t from_ns = now_ns + RandomTime(random, 1, kSecond);
        fleet.Return(away[random() % away.size()], drivers, from_ns);
        fleet.TellAll(now_ns, behind);
        now_ns = from_ns;
      }
    }
    const std::map<int64_t, int> sent = fleet.Finish();
    ASSERT_EQ(sent.size(), schedule.dues().size());
    for (const auto& [index, times] : sent) ASSERT_EQ(times, 1) << index;
  }
}

TEST(SendSharesTest, WhatIsTakenOverHasTheLimitsOfTheTest) {
  // 10 requests of each of two drivers after a warm-up of 1 s, at 100/s: up to index 119.
  const SendPlan plan = SendPlan::OpenLoop(Schedule::AtRate(100 * kNano), Slot(0, 2),
                                           {.requests = 10, .warmup_ns = kSecond});
  EXPECT_EQ(plan.requests(), 60);
  EXPECT_EQ(plan.WithShares({{0, 2}, {1, 2, kSecond}}).requests(), 70);
  EXPECT_EQ(plan.WithShares({{1, 2, kSecond, kSecond + 50'000'000}}).requests(), 2);
}

TEST(SendSharesTest, AShareOfAPoissonProcessBeginsAtItsBegin) {
  const SendPlan plan = SendPlan::Poisson(Schedule::AtRate(1'000 * kNano), 7, Slot(0, 2),
                                          {.duration_ns = 20 * kSecond});
  SendShares shares(plan.shares_kind(), plan.shares());
  DueCursor own(plan);
  DueCursor both(plan);
  shares.Replace({{0, 2}, {1, 4, 10 * kSecond, 18 * kSecond}}, 5 * kSecond);
  both.Follow(shares);
  own.SkipDue(10 * kSecond - 1);
  both.SkipDue(10 * kSecond - 1);
  EXPECT_EQ(both.n(), own.n());
  const int64_t before = own.n();
  own.SkipDue(18 * kSecond);
  both.SkipDue(18 * kSecond);
  const int64_t taken = both.n() - own.n();
  // A quarter of 1,000/s for 8 s, and its own half as before.
  EXPECT_NEAR(static_cast<double>(taken), 2'000, 4 * 45);
  EXPECT_NEAR(static_cast<double>(own.n() - before), 4'000, 4 * 64);
  own.SkipDue(20 * kSecond);
  both.SkipDue(20 * kSecond);
  EXPECT_EQ(both.n() - own.n(), taken);
}

}  // namespace
}  // namespace loadtest
