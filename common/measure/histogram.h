// Log-linear histogram of nanoseconds: at most 0.1 % error, constant memory, merged exactly.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/status/status.h"

namespace loadtest {

namespace v1 {
class Histogram;
class LatencySummary;
}  // namespace v1

// The layout is part of the bus protocol (measure.proto, message Histogram, has the formula); it
// must never change. Values from 0 to about 73 minutes (2^42 ns); larger ones are counted in the
// last bucket, and exactly in max and sum.
//
// Not thread-safe. Record does not allocate.
class Histogram {
 public:
  static constexpr int kSubBucketBits = 9;
  static constexpr int64_t kSubBuckets = int64_t{1} << kSubBucketBits;
  static constexpr int kMaxValueBits = 42;
  static constexpr int kBuckets = (kMaxValueBits - kSubBucketBits + 1) << kSubBucketBits;

  Histogram() : buckets_(kBuckets) {}

  // Values below 0 are counted as 0.
  void Record(int64_t ns) {
    if (ns < 0) ns = 0;
    ++buckets_[IndexOf(ns)];
    ++count_;
    sum_ += ns;
    if (ns < min_) min_ = ns;
    if (ns > max_) max_ = ns;
  }

  void Merge(const Histogram& other);
  void Clear();

  int64_t count() const { return count_; }
  int64_t sum() const { return sum_; }
  int64_t min() const { return count_ == 0 ? 0 : min_; }
  int64_t max() const { return max_; }
  int64_t mean() const { return count_ == 0 ? 0 : sum_ / count_; }

  // The value below or at which a share q (0 to 1) of the values lies: nearest rank, the middle of
  // its bucket, kept within [min, max]. 0 when empty.
  int64_t Percentile(double q) const;

  uint64_t bucket_count(int index) const { return buckets_[index]; }

  void ToProto(v1::Histogram& out) const;
  // Whether the parts of `in` fit each other: lengths, order, sums, signs. InvalidArgument names
  // the field, the value and what was wanted.
  static absl::Status CheckProto(const v1::Histogram& in);
  // Adds `in` to this. InvalidArgument, and no change, when CheckProto refuses it or the sum would
  // not fit into 63 bits.
  absl::Status MergeProto(const v1::Histogram& in);
  v1::LatencySummary Summary() const;

  // Index of the bucket of `ns` >= 0.
  static int IndexOf(int64_t ns) {
    if (ns < kSubBuckets) return static_cast<int>(ns);
    const int exponent = std::bit_width(static_cast<uint64_t>(ns)) - 1 - kSubBucketBits;
    if (exponent > kMaxValueBits - 1 - kSubBucketBits) return kBuckets - 1;
    return (exponent << kSubBucketBits) + static_cast<int>(ns >> exponent);
  }
  // Middle of bucket `index`, nanoseconds.
  static int64_t MiddleOf(int index);

 private:
  std::vector<uint64_t> buckets_;
  int64_t count_ = 0;
  int64_t sum_ = 0;
  int64_t min_ = std::numeric_limits<int64_t>::max();
  int64_t max_ = 0;
};

}  // namespace loadtest
