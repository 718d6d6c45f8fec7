#include "common/measure/measurements.h"

#include <gtest/gtest.h>

#include <string>

namespace loadtest {
namespace {

// `completed` requests of 1 ms with status 200 and `failed` time-outs.
v1::Measurements Delta(int completed, int failed) {
  v1::Measurements m;
  Histogram service;
  Histogram delay;
  for (int i = 0; i < completed; ++i) service.Record(1'000'000);
  for (int i = 0; i < completed + failed; ++i) delay.Record(10);
  service.ToProto(*m.mutable_response_time());
  service.ToProto(*m.mutable_service_time());
  delay.ToProto(*m.mutable_send_delay());
  m.mutable_counts()->set_due(completed + failed);
  m.mutable_counts()->set_sent(completed + failed);
  m.mutable_counts()->set_completed(completed);
  m.mutable_counts()->set_failed(failed);
  if (completed > 0) (*m.mutable_status_codes())[200] = completed;
  if (failed > 0) {
    v1::ErrorCount* error = m.add_errors();
    error->set_kind(v1::REQUEST_TIMEOUT);
    error->set_count(failed);
    error->set_example("no response in 10s");
  }
  return m;
}

std::string Refusal(const v1::Measurements& m) {
  return std::string(CheckMeasurements(m).message());
}

TEST(MeasurementSumTest, AddsDeltas) {
  MeasurementSum b;
  ASSERT_TRUE(b.Add(Delta(3, 1)).ok());
  ASSERT_TRUE(b.Add(Delta(5, 2)).ok());
  EXPECT_EQ(b.counts().sent(), 11);
  EXPECT_EQ(b.counts().completed(), 8);
  EXPECT_EQ(b.counts().failed(), 3);
  EXPECT_EQ(b.response_time().count(), 8);
  EXPECT_EQ(b.errors().at(v1::REQUEST_TIMEOUT).count(), 3);
  EXPECT_EQ(b.errors().at(v1::REQUEST_TIMEOUT).example(), "no response in 10s");
  EXPECT_EQ(b.ToProto().status_codes().at(200), 8);
}

TEST(MeasurementSumTest, DoesNotAddGauges) {
  v1::Measurements delta = Delta(1, 0);
  delta.mutable_counts()->set_in_flight(7);
  MeasurementSum sum;
  ASSERT_TRUE(sum.Add(delta).ok());
  EXPECT_EQ(sum.counts().in_flight(), 0);
  sum.SetGauges(7, 2);
  EXPECT_EQ(sum.counts().in_flight(), 7);
  EXPECT_EQ(sum.counts().waiting(), 2);
}

TEST(CheckMeasurementsTest, AcceptsWhatAddsUp) {
  EXPECT_EQ(Refusal(Delta(3, 1)), "");
  EXPECT_EQ(Refusal(v1::Measurements()), "");
}

TEST(CheckMeasurementsTest, RefusesNegativeAndAbsurdNumbers) {
  v1::Measurements m = Delta(3, 1);
  m.mutable_counts()->set_due(-1);
  EXPECT_EQ(Refusal(m), "counts.due: got -1, want 0 to 8796093022208");
  m = Delta(3, 1);
  m.set_bytes_sent(INT64_MAX);
  EXPECT_EQ(Refusal(m), "bytes_sent: got 9223372036854775807, want 0 to 9007199254740992");
}

TEST(CheckMeasurementsTest, RefusesCountsThatContradictTheHistograms) {
  v1::Measurements m = Delta(3, 1);
  m.mutable_counts()->set_completed(4);
  EXPECT_EQ(Refusal(m), "response_time.count: got 3, want 4 as counts.completed has");
  m = Delta(3, 1);
  m.mutable_counts()->set_failed(2);
  EXPECT_EQ(Refusal(m), "errors: got 1, want 2 as counts.failed + counts.dropped has");
}

TEST(CheckMeasurementsTest, RefusesStatusCodesThatHttpDoesNotHave) {
  v1::Measurements m = Delta(0, 0);
  (*m.mutable_status_codes())[99] = 1;
  EXPECT_EQ(Refusal(m), "status_codes: got code 99, want 100 to 999");
}

TEST(ErrorKindNameTest, IsForPeople) {
  EXPECT_EQ(ErrorKindName(v1::CLOSED_BEFORE_RESPONSE), "closed before response");
}

}  // namespace
}  // namespace loadtest
