// Log-linear histogram of nanoseconds: at most 0.1 % error, constant memory, merged exactly.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "common/measure/packed_buckets.h"

namespace loadtest {

namespace v1 {
class Histogram;
class LatencySummary;
}  // namespace v1

// The layout is part of the bus protocol (measure.proto, message Histogram, has the formula); it
// must never change. Values from 0 to about 73 minutes (2^42 ns); larger ones are counted in the
// last bucket, and exactly in max and sum.
//
// Memory is held for the octaves between the smallest and the largest value only, 4 KB each:
// nothing when empty, some 40 KB for the latencies of a server. Record allocates when a value lies
// outside of them, and never after Reserve. A packed one holds four bytes for each bucket that is not
// empty, some 4 KB in all, and is slow to record into: for sums of which there are many.
//
// Not thread-safe.
class Histogram {
 public:
  static constexpr int kSubBucketBits = 9;
  static constexpr int64_t kSubBuckets = int64_t{1} << kSubBucketBits;
  static constexpr int kMaxValueBits = 42;
  static constexpr int kBuckets = (kMaxValueBits - kSubBucketBits + 1) << kSubBucketBits;

  Histogram() = default;

  // One that never allocates again, 139 KB: for the thread that sends.
  static Histogram Reserved() {
    Histogram histogram;
    histogram.Reserve();
    return histogram;
  }

  // An empty one that keeps its buckets packed.
  static Histogram Packed() {
    Histogram histogram;
    histogram.packed_.emplace();
    return histogram;
  }

  // Memory for every value, now. Not for a packed one.
  void Reserve() { Cover(0, kBuckets - 1); }

  // Values below 0 are counted as 0.
  void Record(int64_t ns) {
    if (ns < 0) ns = 0;
    // Unsigned, so that one comparison sees both ends.
    const auto at = static_cast<uint32_t>(IndexOf(ns) - first_);
    if (at >= size_) [[unlikely]]
      return RecordOutside(ns);
    ++buckets_[at];
    ++count_;
    sum_ += ns;
    if (ns < min_) min_ = ns;
    if (ns > max_) max_ = ns;
  }

  void Merge(const Histogram& other);
  // Forgets the values, keeps the memory.
  void Clear();

  int64_t count() const { return count_; }
  int64_t sum() const { return sum_; }
  int64_t min() const { return count_ == 0 ? 0 : min_; }
  int64_t max() const { return max_; }
  int64_t mean() const { return count_ == 0 ? 0 : sum_ / count_; }

  // The value below or at which a share q (0 to 1) of the values lies: nearest rank, the middle of
  // its bucket, kept within [min, max]. 0 when empty.
  int64_t Percentile(double q) const;

  uint64_t bucket_count(int index) const;
  // Bytes held for buckets.
  size_t memory() const {
    return packed_ ? packed_->memory() : buckets_.capacity() * sizeof(uint64_t);
  }

  void ToProto(v1::Histogram& out) const;
  // Whether the parts of `in` fit each other: lengths, order, sums, signs. InvalidArgument names
  // the field, the value and what was wanted.
  static absl::Status CheckProto(const v1::Histogram& in);
  // Adds `in` to this. InvalidArgument, and no change, when CheckProto refuses it or the sum would
  // not fit into 63 bits.
  absl::Status MergeProto(const v1::Histogram& in);
  // The same for one that CheckProto accepts and whose sum fits: what is checked once need not be
  // checked for each sum that it is added to.
  void MergeCheckedProto(const v1::Histogram& in);
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
  // Record for a value that no bucket is there for. A function of its own, called last: so Record
  // needs no frame.
  void RecordOutside(int64_t ns);

  // Calls take(index, count) for the buckets that are not empty, in ascending order, until it
  // returns false.
  template <typename Take>
  void ForEachBucket(const Take& take) const;

  // Percentile for each of q, which ascend, in one pass.
  template <size_t kCount>
  std::array<int64_t, kCount> Percentiles(const std::array<double, kCount>& q) const;

  // Extends the storage by whole octaves, so that it has the buckets low to high.
  void Cover(int low, int high);

  // Bucket i of the layout is buckets_[i - first_]; those that are not there are empty.
  std::vector<uint64_t> buckets_;
  int first_ = 0;
  uint32_t size_ = 0;  // of buckets_: at hand, since a vector would have to compute it
  int64_t count_ = 0;
  int64_t sum_ = 0;
  int64_t min_ = std::numeric_limits<int64_t>::max();
  int64_t max_ = 0;
  // The buckets of a packed one; buckets_ is empty then.
  std::optional<PackedBuckets> packed_;
};

}  // namespace loadtest
