#include "server/core/record_decoder.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/server/core/fake_measurements.h"

namespace loadtest {
namespace {

v1::MetricsReport Report() {
  v1::MetricsReport m;
  m.set_driver_id("a");
  m.set_incarnation(1);
  m.set_test_id("t1");
  m.set_sequence(1);
  m.set_end_offset_ns(1'000'000'000);
  *m.mutable_measurements() = FakeMeasurements({.sent = 5, .completed = 4, .failed = 1});
  return m;
}

Record RecordOf(const v1::MetricsReport& m) {
  Record record;
  record.topic = Topic::kMetrics;
  record.partition = 3;
  record.offset = 42;
  record.key = m.driver_id();
  record.message_type = "MetricsReport";
  record.value = m.SerializeAsString();
  return record;
}

std::string Refusal(const Record& record) {
  return std::string(DecodeRecord(record).status().message());
}

TEST(DecodeRecordTest, GivesTheMessageOfTheTopic) {
  const absl::StatusOr<BusMessage> message = DecodeRecord(RecordOf(Report()));
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(std::get<v1::MetricsReport>(*message).measurements().counts().sent(), 5);
}

TEST(DecodeRecordTest, NamesThePlaceOfWhatItRefuses) {
  Record record = RecordOf(Report());
  record.value = "\xff\xff";
  EXPECT_EQ(Refusal(record), "metrics[3]@42: value: 2 bytes that are no MetricsReport");
}

TEST(DecodeRecordTest, RefusesOtherTypesAndKeys) {
  Record record = RecordOf(Report());
  record.message_type = "Trigger";
  EXPECT_EQ(Refusal(record),
            "metrics[3]@42: header message_type: got \"Trigger\", want \"MetricsReport\"");
  record = RecordOf(Report());
  record.key = "someone-else";
  EXPECT_EQ(Refusal(record), "metrics[3]@42: key: got 12 bytes that differ, want \"a\"");
}

TEST(DecodeRecordTest, RefusesAbsurdNumbers) {
  v1::MetricsReport m = Report();
  m.set_sequence(0);
  EXPECT_EQ(Refusal(RecordOf(m)), "metrics[3]@42: sequence: got 0, want 1 or more");
  m = Report();
  m.set_end_offset_ns(INT64_MAX);
  EXPECT_EQ(Refusal(RecordOf(m)),
            "metrics[3]@42: end_offset_ns: got 9223372036854775807, want nanoseconds from 0 to 100 "
            "years");
  m = Report();
  m.mutable_measurements()->mutable_counts()->set_sent(-1);
  EXPECT_EQ(Refusal(RecordOf(m)), "metrics[3]@42: counts.sent: got -1, want 0 to 8796093022208");
}

TEST(DecodeRecordTest, RefusesARegistrationOfANewerProtocol) {
  v1::DriverRegistration m;
  m.set_driver_id("a");
  m.set_incarnation(1);
  m.set_protocol_version(2);
  Record record;
  record.key = "a";
  record.message_type = "DriverRegistration";
  record.value = m.SerializeAsString();
  EXPECT_EQ(Refusal(record), "register[0]@0: protocol_version: got 2, want 1 to 1");
}

TEST(DecodeRecordTest, RefusesATriggerWhoseEventItDoesNotKnow) {
  v1::Trigger m;
  m.set_test_id("t1");
  Record record;
  record.topic = Topic::kTrigger;
  record.key = "t1";
  record.message_type = "Trigger";
  record.value =
      m.SerializeAsString() + std::string("\x7a\x00", 2);  // field 15, which no version has yet
  EXPECT_FALSE(DecodeRecord(record).ok());
}

TEST(DecodeRecordTest, TakesSignsOfLifeUnderTheirOwnKey) {
  v1::Trigger m;
  m.mutable_alive()->set_incarnation(7);
  m.mutable_alive()->set_kind(v1::OrchestratorAlive::ALIVE);
  Record record;
  record.topic = Topic::kTrigger;
  record.key = "orchestrator";
  record.message_type = "Trigger";
  record.value = m.SerializeAsString();
  EXPECT_TRUE(DecodeRecord(record).ok());
  record.key = "t1";
  EXPECT_FALSE(DecodeRecord(record).ok());
  m.mutable_alive()->set_incarnation(-7);
  record.key = "orchestrator";
  record.value = m.SerializeAsString();
  EXPECT_EQ(Refusal(record), "trigger[0]@0: alive.incarnation: got -7, want 1 or more");
}

TEST(DecodeRecordTest, RefusesSharesThatAreNoProgressions) {
  v1::Trigger m;
  m.set_test_id("t1");
  v1::DriverShares* shares = m.mutable_adjusted()->add_shares();
  shares->set_driver_id("a");
  v1::Share* share = shares->add_shares();
  Record record;
  record.topic = Topic::kTrigger;
  record.key = "t1";
  record.message_type = "Trigger";
  record.value = m.SerializeAsString();
  EXPECT_EQ(Refusal(record), "trigger[0]@0: adjusted.shares.stride: got 0, want 1 to 2^40");
  share->set_stride(3);
  share->set_first(3);
  record.value = m.SerializeAsString();
  EXPECT_EQ(Refusal(record),
            "trigger[0]@0: adjusted.shares.first: got 3, want 0 <= first < stride");
  share->set_first(2);
  record.value = m.SerializeAsString();
  EXPECT_TRUE(DecodeRecord(record).ok());
}

TEST(DecodeRecordTest, SurvivesFlippedBits) {
  std::mt19937 random(1);
  const Record good = RecordOf(Report());
  for (int i = 0; i < 20'000; ++i) {
    Record record = good;
    for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips)
      record.value[random() % record.value.size()] ^= static_cast<char>(1 << (random() % 8));
    if (random() % 4 == 0) record.value.resize(random() % record.value.size());
    DecodeRecord(record).status().IgnoreError();
  }
}

}  // namespace
}  // namespace loadtest
