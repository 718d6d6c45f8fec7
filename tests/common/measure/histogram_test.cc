#include "common/measure/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "loadtest/v1/load_test.pb.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {
namespace {

// The nearest-rank percentile of the values themselves: the truth to compare with.
int64_t ExactPercentile(std::vector<int64_t> values, double q) {
  std::sort(values.begin(), values.end());
  const auto rank =
      std::max<int64_t>(1, static_cast<int64_t>(std::ceil(q * static_cast<double>(values.size()))));
  return values[rank - 1];
}

std::vector<int64_t> LogNormalValues(int seed, int count) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> latency(14.0, 2.0);  // median about 1.2 ms
  std::vector<int64_t> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<int64_t>(latency(random)));
  return values;
}

TEST(HistogramTest, IndexFollowsTheFormulaOfTheProtocol) {
  EXPECT_EQ(Histogram::IndexOf(0), 0);
  EXPECT_EQ(Histogram::IndexOf(511), 511);
  EXPECT_EQ(Histogram::IndexOf(512), 512);
  EXPECT_EQ(Histogram::IndexOf(1'023), 1'023);
  EXPECT_EQ(Histogram::IndexOf(1'024), 1'024);  // e = 1: 512 + 512
  EXPECT_EQ(Histogram::IndexOf(1'025), 1'024);
  EXPECT_EQ(Histogram::IndexOf(1'026), 1'025);
  EXPECT_EQ(Histogram::IndexOf(1'000'000), 6'096);  // e = 10: 10 * 512 + (1,000,000 >> 10 = 976)
}

TEST(HistogramTest, MiddleOfABucketIsWithinATenthOfAPercentOfEveryValueInIt) {
  for (int64_t v = 1; v < (int64_t{1} << 41); v += 1 + v / 97) {
    const double middle = static_cast<double>(Histogram::MiddleOf(Histogram::IndexOf(v)));
    EXPECT_LE(std::abs(middle - static_cast<double>(v)), 0.001 * static_cast<double>(v)) << v;
  }
}

TEST(HistogramTest, PercentilesAreWithinATenthOfAPercentOfTheTruth) {
  const std::vector<int64_t> values = LogNormalValues(1, 100'000);
  Histogram histogram;
  for (const int64_t v : values) histogram.Record(v);
  for (const double q : {0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0}) {
    const auto truth = static_cast<double>(ExactPercentile(values, q));
    EXPECT_NEAR(static_cast<double>(histogram.Percentile(q)), truth, 0.001 * truth) << q;
  }
  EXPECT_EQ(histogram.max(), *std::max_element(values.begin(), values.end()));
  EXPECT_EQ(histogram.min(), *std::min_element(values.begin(), values.end()));
}

TEST(HistogramTest, MergingPartsGivesTheSameBucketsAsRecordingAllInOne) {
  Histogram whole;
  Histogram merged;
  for (int part = 0; part < 5; ++part) {
    Histogram one;
    for (const int64_t v : LogNormalValues(part, 2'000)) {
      one.Record(v);
      whole.Record(v);
    }
    v1::Histogram wire;
    one.ToProto(wire);
    ASSERT_TRUE(merged.MergeProto(wire).ok());
  }
  for (int i = 0; i < Histogram::kBuckets; ++i)
    ASSERT_EQ(merged.bucket_count(i), whole.bucket_count(i)) << i;
  EXPECT_EQ(merged.count(), 10'000);
  EXPECT_EQ(merged.sum(), whole.sum());
  EXPECT_EQ(merged.min(), whole.min());
  EXPECT_EQ(merged.max(), whole.max());
}

TEST(HistogramTest, IsAllZeroWhenEmpty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.Percentile(0.99), 0);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
  v1::Histogram wire;
  histogram.ToProto(wire);
  EXPECT_EQ(wire.ByteSizeLong(), 0u);
  EXPECT_TRUE(Histogram::CheckProto(wire).ok());
}

TEST(HistogramTest, CountsValuesBeyondItsRangeInTheLastBucketAndKeepsTheirMaximum) {
  Histogram histogram;
  histogram.Record(int64_t{1} << 50);
  EXPECT_EQ(histogram.bucket_count(Histogram::kBuckets - 1), 1u);
  EXPECT_EQ(histogram.max(), int64_t{1} << 50);
  histogram.Record(-5);
  EXPECT_EQ(histogram.min(), 0);
}

TEST(HistogramTest, SurvivesTheWireWithValuesBeyondItsRange) {
  Histogram histogram;
  histogram.Record(int64_t{1} << 50);
  histogram.Record(3);
  v1::Histogram wire;
  histogram.ToProto(wire);
  Histogram read;
  EXPECT_TRUE(read.MergeProto(wire).ok());
  EXPECT_EQ(read.max(), int64_t{1} << 50);
}

TEST(HistogramTest, HoldsMemoryForTheOctavesInUseOnly) {
  Histogram histogram;
  EXPECT_EQ(histogram.memory(), 0u);
  histogram.Record(1'000'000);  // octave 11
  EXPECT_EQ(histogram.memory(), 4'096u);
  histogram.Record(1'048'575);
  EXPECT_EQ(histogram.memory(), 4'096u);
  histogram.Record(1'048'576);  // octave 12
  EXPECT_EQ(histogram.memory(), 8'192u);
  histogram.Record(100);  // octave 0, and all between
  EXPECT_EQ(histogram.memory(), 13u * 4'096);
  EXPECT_EQ(histogram.bucket_count(100), 1u);
  EXPECT_EQ(histogram.bucket_count(Histogram::IndexOf(1'000'000)), 1u);
  EXPECT_EQ(histogram.bucket_count(Histogram::IndexOf(1'048'576)), 1u);
  EXPECT_EQ(histogram.count(), 4);
}

TEST(HistogramTest, AllocatesNothingMoreOnceReserved) {
  Histogram histogram = Histogram::Reserved();
  EXPECT_EQ(histogram.memory(), 139'264u);
  for (const int64_t v : {int64_t{0}, int64_t{1'000}, int64_t{1} << 41, int64_t{1} << 50})
    histogram.Record(v);
  histogram.Clear();
  EXPECT_EQ(histogram.memory(), 139'264u);
}

TEST(HistogramTest, KeepsItsValuesWhenReservedLater) {
  Histogram histogram;
  histogram.Record(70'000);
  histogram.Reserve();
  EXPECT_EQ(histogram.bucket_count(Histogram::IndexOf(70'000)), 1u);
  EXPECT_EQ(histogram.Percentile(0.5), 70'000);
}

TEST(HistogramTest, IsEmptyInEveryBucketAfterClear) {
  Histogram histogram;
  for (const int64_t v : LogNormalValues(3, 2'000)) histogram.Record(v);
  histogram.Clear();
  for (int i = 0; i < Histogram::kBuckets; ++i) ASSERT_EQ(histogram.bucket_count(i), 0u) << i;
  histogram.Record(5);
  EXPECT_EQ(histogram.Percentile(1), 5);
}

TEST(HistogramTest, MergesHistogramsOfDifferentRanges) {
  Histogram low;
  low.Record(100);
  Histogram high;
  high.Record(5'000'000);
  Histogram both;
  both.Merge(high);
  both.Merge(low);
  both.Merge(Histogram());
  EXPECT_EQ(both.count(), 2);
  EXPECT_EQ(both.bucket_count(100), 1u);
  EXPECT_EQ(both.bucket_count(Histogram::IndexOf(5'000'000)), 1u);
  EXPECT_EQ(both.min(), 100);
  EXPECT_EQ(both.max(), 5'000'000);
}

// The same values, whichever form they are kept in and come in.
TEST(PackedHistogramTest, HasTheSameBucketsAsOneThatIsNot) {
  std::mt19937_64 random(7);
  Histogram plain;
  Histogram from_plain = Histogram::Packed();
  Histogram from_packed = Histogram::Packed();
  Histogram from_proto = Histogram::Packed();
  for (int round = 0; round < 50; ++round) {
    Histogram part;
    Histogram packed_part = Histogram::Packed();
    const int values = static_cast<int>(random() % 200);
    for (int i = 0; i < values; ++i) {
      const auto value = static_cast<int64_t>(random() >> (20 + random() % 44));
      part.Record(value);
      packed_part.Record(value);
    }
    v1::Histogram proto;
    part.ToProto(proto);
    plain.Merge(part);
    from_plain.Merge(part);
    from_packed.Merge(packed_part);
    ASSERT_TRUE(from_proto.MergeProto(proto).ok());
    Histogram again;
    again.Merge(packed_part);
    EXPECT_EQ(again.count(), part.count());
    EXPECT_EQ(again.Percentile(0.5), part.Percentile(0.5));
  }
  v1::Histogram wanted;
  plain.ToProto(wanted);
  for (const Histogram* packed : {&from_plain, &from_packed, &from_proto}) {
    v1::Histogram got;
    packed->ToProto(got);
    EXPECT_EQ(got.SerializeAsString(), wanted.SerializeAsString());
    EXPECT_TRUE(Histogram::CheckProto(got).ok()) << Histogram::CheckProto(got);
    for (const double q : {0.0, 0.5, 0.9, 0.99, 0.9999, 1.0})
      EXPECT_EQ(packed->Percentile(q), plain.Percentile(q)) << q;
    for (const int index : {0, 511, 512, 5'000, Histogram::kBuckets - 1})
      EXPECT_EQ(packed->bucket_count(index), plain.bucket_count(index)) << index;
  }
}

TEST(PackedHistogramTest, HoldsAFewBytesForEachBucketInUse) {
  Histogram part;
  for (int i = 0; i < 400; ++i) part.Record(1'000'000 + i * 2'048);
  Histogram packed = Histogram::Packed();
  EXPECT_EQ(packed.memory(), Histogram::Packed().memory());
  for (int i = 0; i < 100; ++i) packed.Merge(part);
  EXPECT_EQ(packed.count(), 40'000);
  EXPECT_LE(packed.memory(), 7u * 400);  // spread over 800
}

TEST(PackedHistogramTest, CountsBeyond32Bits) {
  v1::Histogram wire;
  constexpr int64_t kMany = int64_t{3} << 31;
  for (const int64_t value : {5, 900}) {
    wire.add_index_deltas(Histogram::IndexOf(value) - (value == 5 ? 0 : Histogram::IndexOf(5)));
    wire.add_bucket_counts(value == 5 ? 1 : kMany);
  }
  wire.set_count(kMany + 1);
  wire.set_sum_ns(5 + kMany * 900);
  wire.set_min_ns(5);
  wire.set_max_ns(900);
  Histogram plain;
  Histogram packed = Histogram::Packed();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(plain.MergeProto(wire).ok()) << plain.MergeProto(wire);
    ASSERT_TRUE(packed.MergeProto(wire).ok());
    // New buckets below, between and above those that are there.
    for (const int64_t value : {3 - i, 100 + i, 5'000 + i * 100}) {
      Histogram one;
      one.Record(value);
      plain.Merge(one);
      packed.Merge(one);
    }
  }
  v1::Histogram wanted, got;
  plain.ToProto(wanted);
  packed.ToProto(got);
  EXPECT_EQ(got.SerializeAsString(), wanted.SerializeAsString());
  EXPECT_EQ(packed.bucket_count(Histogram::IndexOf(900)), 3u * kMany);
}

TEST(PackedHistogramTest, IsEmptyAfterClear) {
  Histogram packed = Histogram::Packed();
  packed.Record(700);
  packed.Clear();
  EXPECT_EQ(packed.count(), 0);
  EXPECT_EQ(packed.Percentile(0.5), 0);
  packed.Record(900);
  EXPECT_EQ(packed.Percentile(0.5), 900);
}

class CheckProtoTest : public testing::Test {
 protected:
  CheckProtoTest() {
    Histogram histogram;
    for (const int64_t v : {5, 600, 70'000}) histogram.Record(v);
    histogram.ToProto(wire_);
  }
  std::string Refusal() const { return std::string(Histogram::CheckProto(wire_).message()); }

  v1::Histogram wire_;
};

TEST_F(CheckProtoTest, AcceptsWhatARealHistogramWrites) { EXPECT_EQ(Refusal(), ""); }

TEST_F(CheckProtoTest, RefusesAWrongCount) {
  wire_.set_count(4);
  EXPECT_EQ(Refusal(), "count: got 4, want 3, the sum of bucket_counts");
}

TEST_F(CheckProtoTest, RefusesListsOfDifferentLength) {
  wire_.add_bucket_counts(1);
  EXPECT_EQ(Refusal(), "bucket_counts: got 4 entries, want 3 as index_deltas has");
}

TEST_F(CheckProtoTest, RefusesABucketBeyondTheLast) {
  wire_.set_index_deltas(2, 1'000'000);
  EXPECT_EQ(Refusal(), "index_deltas[2]: got bucket 1000600, want less than 17408");
}

TEST_F(CheckProtoTest, RefusesCountsWhoseSumWouldOverflow) {
  wire_.set_bucket_counts(0, uint64_t{1} << 63);
  EXPECT_FALSE(Histogram::CheckProto(wire_).ok());
  wire_.set_bucket_counts(0, uint64_t{1} << 62);
  EXPECT_FALSE(Histogram::CheckProto(wire_).ok());
}

TEST_F(CheckProtoTest, RefusesExtremesOutsideTheOuterBuckets) {
  wire_.set_max_ns(80'000);
  EXPECT_FALSE(Histogram::CheckProto(wire_).ok());
  wire_.set_max_ns(70'000);
  wire_.set_min_ns(-1);
  EXPECT_FALSE(Histogram::CheckProto(wire_).ok());
}

TEST_F(CheckProtoTest, RefusesASumThatTheValuesCannotHave) {
  wire_.set_sum_ns(1);
  EXPECT_FALSE(Histogram::CheckProto(wire_).ok());
  wire_.set_sum_ns(1'000'000);
  EXPECT_FALSE(Histogram::CheckProto(wire_).ok());
}

TEST_F(CheckProtoTest, LeavesTheHistogramAsItWasWhenAMergeIsRefused) {
  Histogram histogram;
  histogram.Record(1);
  wire_.set_count(99);
  EXPECT_FALSE(histogram.MergeProto(wire_).ok());
  EXPECT_EQ(histogram.count(), 1);
}

}  // namespace
}  // namespace loadtest
