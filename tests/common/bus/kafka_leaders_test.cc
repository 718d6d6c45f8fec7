#include "common/bus/kafka_leaders.h"

#include <gtest/gtest.h>

namespace loadtest {
namespace {

using Partitions = std::vector<std::pair<std::string, int32_t>>;

constexpr std::chrono::seconds kPatience{2};

// Cut down from what librdkafka 2.0 writes: broker 1 leads `trigger`, broker 2 `heartbeat`.
std::string Statistics(const std::string& state, int64_t idle_us, int leader = 2) {
  return R"({"name":"c#consumer-1","type":"consumer","brokers":{
      "127.0.0.1:9092/bootstrap":{"name":"127.0.0.1:9092/bootstrap","nodeid":-1,"state":"UP","rxidle":90},
      "127.0.0.1:9092/1":{"name":"127.0.0.1:9092/1","nodeid":1,"state":"UP","rxidle":400000},
      "127.0.0.1:9102/2":{"name":"127.0.0.1:9102/2","nodeid":2,"state":")" +
         state + R"(","rxidle":)" + std::to_string(idle_us) + R"(}},
    "topics":{"trigger":{"topic":"trigger","partitions":{
        "0":{"partition":0,"broker":1,"leader":1},"-1":{"partition":-1,"broker":-1,"leader":-1}}},
      "heartbeat":{"topic":"heartbeat","partitions":{
        "0":{"partition":0,"broker":2,"leader":)" +
         std::to_string(leader) + "}}}}}";
}

TEST(LeadersAnswerTest, WantsTheLeaderOfEachPartitionThatIsRead) {
  const Partitions both = {{"trigger", 0}, {"heartbeat", 0}};
  EXPECT_TRUE(LeadersAnswer(Statistics("UP", 300'000), both, kPatience));
  EXPECT_FALSE(LeadersAnswer(Statistics("TRY_CONNECT", 300'000), both, kPatience));
  EXPECT_FALSE(LeadersAnswer(Statistics("UP", 300'000, -1), both, kPatience));
  EXPECT_TRUE(LeadersAnswer(Statistics("TRY_CONNECT", 300'000), {{"trigger", 0}}, kPatience));
}

TEST(LeadersAnswerTest, DoesNotCountOneThatIsSilent) {
  EXPECT_TRUE(LeadersAnswer(Statistics("UP", 2'000'000), {{"heartbeat", 0}}, kPatience));
  EXPECT_FALSE(LeadersAnswer(Statistics("UP", 2'000'001), {{"heartbeat", 0}}, kPatience));
  // It has just connected, and nothing has come yet.
  EXPECT_TRUE(LeadersAnswer(Statistics("UP", -1), {{"heartbeat", 0}}, kPatience));
}

TEST(LeadersAnswerTest, SaysNothingOfWhatIsNotKnownYet) {
  EXPECT_TRUE(LeadersAnswer(Statistics("UP", 0), {{"heartbeat", 7}, {"metrics", 0}}, kPatience));
  EXPECT_TRUE(LeadersAnswer("{}", {{"heartbeat", 0}}, kPatience));
  EXPECT_TRUE(LeadersAnswer("no json", {{"heartbeat", 0}}, kPatience));
}

}  // namespace
}  // namespace loadtest
