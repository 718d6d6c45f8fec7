#include "client/view/record_json.h"

#include <gtest/gtest.h>

#include "loadtest/v1/bus.pb.h"

namespace loadtest {
namespace {

Record Heartbeat() {
  v1::DriverHeartbeat heartbeat;
  heartbeat.set_driver_id("d1");
  heartbeat.set_sequence(7);
  return {.topic = Topic::kHeartbeat,
          .partition = 0,
          .offset = 12,
          .key = "d1",
          .value = heartbeat.SerializeAsString(),
          .message_type = "DriverHeartbeat",
          .timestamp = {1'700'000'000'123'000'000}};
}

TEST(RecordJson, IsOneLineWithTheDecodedValue) {
  EXPECT_EQ(RecordJson(Heartbeat()),
            R"({"topic":"heartbeat","partition":0,"offset":12,"key":"d1",)"
            R"("message_type":"DriverHeartbeat","timestamp":"2023-11-14T22:13:20.123Z",)"
            R"("value":{"driver_id":"d1","sequence":7}})");
}

TEST(RecordJson, AValueThatDoesNotDecodeIsShownWithTheReason) {
  Record record = Heartbeat();
  record.value = "\xff\xff";
  EXPECT_EQ(RecordJson(record),
            R"({"topic":"heartbeat","partition":0,"offset":12,"key":"d1",)"
            R"("message_type":"DriverHeartbeat","timestamp":"2023-11-14T22:13:20.123Z",)"
            R"("error":"value: got 2 bytes that are no DriverHeartbeat","value_hex":"ffff"})");
}

TEST(RecordJson, AForeignMessageTypeIsNotDecoded) {
  Record record = Heartbeat();
  record.message_type = "Trigger";
  EXPECT_NE(RecordJson(record).find(
                R"("error":"header message_type: got \"Trigger\", want DriverHeartbeat")"),
            std::string::npos);
}

TEST(RecordJson, AClientsKeyIsNotShown) {
  v1::Trigger created;
  created.mutable_created()->mutable_spec()->mutable_tls()->set_client_key("secret");
  v1::Trigger started;
  started.mutable_started()->mutable_spec()->mutable_tls()->set_client_key("secret");
  for (const v1::Trigger& trigger : {created, started}) {
    const std::string json = RecordJson({.topic = Topic::kTrigger,
                                         .partition = 0,
                                         .offset = 1,
                                         .key = "t1",
                                         .value = trigger.SerializeAsString(),
                                         .message_type = "Trigger",
                                         .timestamp = {}});
    EXPECT_EQ(json.find("secret"), std::string::npos);
    EXPECT_NE(json.find("\"client_key\":\"(not shown)\""), std::string::npos) << json;
  }
}

TEST(RecordJson, AKeyOfAnyBytesGivesValidJson) {
  Record record = Heartbeat();
  record.key = "a\xff\n";
  EXPECT_NE(RecordJson(record).find("\"key\":\"a\xef\xbf\xbd\\n\""), std::string::npos);
}

}  // namespace
}  // namespace loadtest
