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

// `n` values of 1 us.
v1::Histogram Times(int n) {
  Histogram histogram;
  for (int i = 0; i < n; ++i) histogram.Record(1'000);
  v1::Histogram out;
  histogram.ToProto(out);
  return out;
}

TEST(MeasurementSumTest, AddsDeltas) {
  MeasurementSum sum;
  ASSERT_TRUE(sum.Add(Delta(3, 1)).ok());
  ASSERT_TRUE(sum.Add(Delta(5, 2)).ok());
  EXPECT_EQ(sum.counts().sent(), 11);
  EXPECT_EQ(sum.counts().completed(), 8);
  EXPECT_EQ(sum.counts().failed(), 3);
  EXPECT_EQ(sum.response_time().count(), 8);
  EXPECT_EQ(sum.errors().at(v1::REQUEST_TIMEOUT).count(), 3);
  EXPECT_EQ(sum.errors().at(v1::REQUEST_TIMEOUT).example(), "no response in 10s");
  EXPECT_EQ(sum.ToProto().status_codes().at(200), 8);
}

TEST(MeasurementSumTest, AddsPhasesAndTheTimesOfTheSendingThread) {
  v1::Measurements delta = Delta(3, 0);
  *delta.mutable_resolve_time() = Times(1);
  *delta.mutable_connect_time() = Times(2);
  *delta.mutable_tls_time() = Times(2);
  *delta.mutable_first_byte_time() = Times(3);
  delta.set_connects(2);
  delta.set_tls_resumed(1);
  delta.set_loop_cpu_ns(40);
  delta.set_loop_wait_ns(7);
  MeasurementSum sum;
  ASSERT_TRUE(sum.Add(delta).ok());
  ASSERT_TRUE(sum.Add(delta).ok());
  const v1::Measurements out = sum.ToProto();
  EXPECT_EQ(out.resolve_time().count(), 2);
  EXPECT_EQ(out.connect_time().count(), 4);
  EXPECT_EQ(out.tls_time().count(), 4);
  EXPECT_EQ(out.first_byte_time().count(), 6);
  EXPECT_EQ(out.tls_resumed(), 2);
  EXPECT_EQ(out.loop_cpu_ns(), 80);
  EXPECT_EQ(out.loop_wait_ns(), 14);
}

TEST(MeasurementSumTest, HasNoPhaseThatDidNotOccur) {
  MeasurementSum sum;
  ASSERT_TRUE(sum.Add(Delta(3, 0)).ok());
  EXPECT_FALSE(sum.ToProto().has_connect_time());
  EXPECT_FALSE(sum.ToProto().has_warmup());
  EXPECT_EQ(sum.phase(Phase::kConnect).count(), 0);
  EXPECT_EQ(sum.phase(Phase::kConnect).memory(), 0u);
}

TEST(MeasurementSumTest, KeepsTheWarmupApart) {
  v1::Measurements delta = Delta(3, 0);
  delta.mutable_warmup()->set_due(10);
  delta.mutable_warmup()->set_sent(10);
  delta.mutable_warmup()->set_completed(9);
  delta.mutable_warmup()->set_in_flight(1);
  MeasurementSum sum;
  ASSERT_TRUE(sum.Add(delta).ok());
  EXPECT_EQ(sum.counts().sent(), 3);
  EXPECT_EQ(sum.warmup().sent(), 10);
  EXPECT_EQ(sum.warmup().completed(), 9);
  EXPECT_EQ(sum.warmup().in_flight(), 0);
  sum.SetWarmupGauges(1, 0);
  EXPECT_EQ(sum.ToProto().warmup().in_flight(), 1);
}

TEST(MeasurementSumTest, AddsTheCountsOfTheDrainTime) {
  v1::Measurements delta = Delta(3, 2);
  delta.mutable_counts()->set_drain_completed(2);
  delta.mutable_counts()->set_drain_failed(1);
  MeasurementSum sum;
  ASSERT_TRUE(sum.Add(delta).ok());
  ASSERT_TRUE(sum.Add(delta).ok());
  EXPECT_EQ(sum.counts().drain_completed(), 4);
  EXPECT_EQ(sum.counts().drain_failed(), 2);
}

TEST(MeasurementSumTest, IsLeftAsItWasByADeltaThatDoesNotFit) {
  v1::Measurements large = Delta(1, 0);
  Histogram wait;
  wait.Record(INT64_MAX - 100);
  wait.ToProto(*large.mutable_send_delay());
  MeasurementSum sum;
  ASSERT_TRUE(sum.Add(large).ok());
  EXPECT_FALSE(sum.Add(large).ok());
  EXPECT_EQ(sum.counts().sent(), 1);
  EXPECT_EQ(sum.response_time().count(), 1);
  EXPECT_EQ(sum.send_delay().count(), 1);
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

TEST(CheckMeasurementsTest, RefusesPartsThatAreLargerThanTheirWhole) {
  v1::Measurements m = Delta(3, 1);
  m.mutable_counts()->set_drain_completed(4);
  EXPECT_EQ(Refusal(m), "counts.drain_completed: got 4, want at most 3, of which it is a part");
  m = Delta(3, 1);
  m.mutable_counts()->set_drain_failed(2);
  EXPECT_EQ(Refusal(m), "counts.drain_failed: got 2, want at most 1, of which it is a part");
  m = Delta(3, 1);
  m.mutable_warmup()->set_failed(1);
  m.mutable_warmup()->set_abandoned(2);
  EXPECT_EQ(Refusal(m), "warmup.abandoned: got 2, want at most 1, of which it is a part");
}

TEST(CheckMeasurementsTest, RefusesAWarmupThatNobodyCanHaveCounted) {
  v1::Measurements m = Delta(3, 1);
  m.mutable_warmup()->set_sent(-1);
  EXPECT_EQ(Refusal(m), "warmup.sent: got -1, want 0 to 8796093022208");
}

TEST(CheckMeasurementsTest, WantsAFirstByteOfEveryAnswerOrOfNone) {
  v1::Measurements m = Delta(3, 1);
  *m.mutable_first_byte_time() = Times(3);
  EXPECT_EQ(Refusal(m), "");
  *m.mutable_first_byte_time() = Times(2);
  EXPECT_EQ(Refusal(m), "first_byte_time.count: got 2, want 3 as counts.completed has");
}

TEST(CheckMeasurementsTest, WantsPhasesOfConnectionsThatWereMade) {
  v1::Measurements m = Delta(3, 1);
  m.set_connects(5);
  *m.mutable_connect_time() = Times(5);
  *m.mutable_tls_time() = Times(5);
  m.set_tls_resumed(4);
  EXPECT_EQ(Refusal(m), "");
  *m.mutable_connect_time() = Times(4);
  EXPECT_EQ(Refusal(m), "connect_time.count: got 4, want 5 as connects has");
  m.clear_connect_time();
  *m.mutable_tls_time() = Times(6);
  EXPECT_EQ(Refusal(m), "tls_time.count: got 6, want 0 to 5");
  m.clear_tls_time();
  m.set_tls_resumed(6);
  EXPECT_EQ(Refusal(m), "tls_resumed: got 6, want 0 to 5");
}

TEST(CheckMeasurementsTest, RefusesABrokenHistogramOfAPhaseByItsName) {
  v1::Measurements m = Delta(3, 1);
  *m.mutable_resolve_time() = Times(1);
  m.mutable_resolve_time()->set_count(2);
  EXPECT_EQ(Refusal(m), "resolve_time.count: got 2, want 1, the sum of bucket_counts");
}

TEST(ErrorKindNameTest, IsForPeople) {
  EXPECT_EQ(ErrorKindName(v1::CLOSED_BEFORE_RESPONSE), "closed before response");
  EXPECT_EQ(ErrorKindName(v1::TLS_FAILED), "TLS failed");
  EXPECT_EQ(ErrorKindName(v1::CERTIFICATE_REJECTED), "certificate rejected");
  EXPECT_EQ(ErrorKindName(v1::HTTP2_NOT_OFFERED), "HTTP/2 not offered");
  EXPECT_EQ(ErrorKindName(v1::STREAM_RESET), "stream reset");
  EXPECT_EQ(ErrorKindName(v1::HTTP2_ERROR), "HTTP/2 error");
}

}  // namespace
}  // namespace loadtest
