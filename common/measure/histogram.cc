#include "common/measure/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "loadtest/v1/load_test.pb.h"
#include "loadtest/v1/measure.pb.h"

namespace loadtest {

int64_t Histogram::MiddleOf(int index) {
  if (index < kSubBuckets) return index;
  // Inverse of IndexOf: index = e * S + (v >> e) with S <= (v >> e) < 2 * S.
  const int exponent = (index >> kSubBucketBits) - 1;
  const int64_t low = (int64_t{index} - (int64_t{exponent} << kSubBucketBits)) << exponent;
  return low + ((int64_t{1} << exponent) - 1) / 2;
}

template <typename Take>
void Histogram::ForEachBucket(const Take& take) const {
  if (packed_) return packed_->ForEach(take);
  if (count_ == 0) return;
  for (int i = IndexOf(min_); i <= IndexOf(max_); ++i) {
    const uint64_t count = buckets_[i - first_];
    if (count > 0 && !take(i, count)) return;
  }
}

uint64_t Histogram::bucket_count(int index) const {
  if (!packed_) {
    const auto at = static_cast<uint32_t>(index - first_);
    return at < size_ ? buckets_[at] : 0;
  }
  uint64_t found = 0;
  packed_->ForEach([&](int i, uint64_t count) {
    if (i == index) found = count;
    return i < index;
  });
  return found;
}

void Histogram::RecordOutside(int64_t ns) {
  if (packed_) {
    Histogram one;
    one.Record(ns);
    return Merge(one);
  }
  Cover(IndexOf(ns), IndexOf(ns));
  Record(ns);
}

void Histogram::Cover(int low, int high) {
  constexpr int kOctave = static_cast<int>(kSubBuckets);
  int first = low / kOctave * kOctave;
  int end = (high / kOctave + 1) * kOctave;
  if (!buckets_.empty()) {
    first = std::min(first, first_);
    end = std::max(end, first_ + static_cast<int>(buckets_.size()));
  }
  if (static_cast<size_t>(end - first) == buckets_.size()) return;
  std::vector<uint64_t> wider(end - first);
  std::copy(buckets_.begin(), buckets_.end(), wider.begin() + (first_ - first));
  buckets_ = std::move(wider);
  first_ = first;
  size_ = static_cast<uint32_t>(buckets_.size());
}

void Histogram::Merge(const Histogram& other) {
  if (other.count_ == 0) return;
  if (packed_) {
    std::vector<uint32_t> index_deltas;
    std::vector<uint64_t> counts;
    int previous = 0;
    other.ForEachBucket([&](int index, uint64_t count) {
      index_deltas.push_back(static_cast<uint32_t>(index - previous));
      counts.push_back(count);
      previous = index;
      return true;
    });
    packed_->Add(index_deltas.data(), counts.data(), counts.size());
  } else {
    Cover(IndexOf(other.min_), IndexOf(other.max_));
    other.ForEachBucket([this](int index, uint64_t count) {
      buckets_[index - first_] += count;
      return true;
    });
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void Histogram::Clear() {
  // Beyond the smallest and the largest value there are zeros already.
  if (packed_) {
    packed_->Clear();
  } else if (count_ > 0) {
    std::fill(buckets_.begin() + (IndexOf(min_) - first_),
              buckets_.begin() + (IndexOf(max_) - first_) + 1, 0);
  }
  count_ = 0;
  sum_ = 0;
  min_ = std::numeric_limits<int64_t>::max();
  max_ = 0;
}

template <size_t kCount>
std::array<int64_t, kCount> Histogram::Percentiles(const std::array<double, kCount>& q) const {
  std::array<int64_t, kCount> values{};
  if (count_ == 0) return values;
  // Nearest rank: the value of rank ceil(q * n), ranks from 1.
  const auto rank_of = [this](double share) {
    return std::clamp<int64_t>(
        static_cast<int64_t>(std::ceil(share * static_cast<double>(count_))), 1, count_);
  };
  values.fill(max());
  size_t next = 0;
  int64_t rank = rank_of(q[0]);
  int64_t seen = 0;
  ForEachBucket([&](int index, uint64_t count) {
    seen += static_cast<int64_t>(count);
    while (seen >= rank) {
      values[next] = std::clamp(MiddleOf(index), min(), max());
      if (++next == kCount) return false;
      rank = rank_of(q[next]);
    }
    return true;
  });
  return values;
}

int64_t Histogram::Percentile(double q) const { return Percentiles(std::array{q})[0]; }

void Histogram::ToProto(v1::Histogram& out) const {
  out.Clear();
  out.set_count(count_);
  out.set_sum_ns(sum_);
  out.set_min_ns(min());
  out.set_max_ns(max());
  if (count_ == 0) return;
  int previous = 0;
  ForEachBucket([&](int index, uint64_t count) {
    out.add_index_deltas(index - previous);
    out.add_bucket_counts(count);
    previous = index;
    return true;
  });
}

namespace {

constexpr uint64_t kLargestCount = uint64_t{1} << 62;

absl::Status BucketError(const v1::Histogram& in) {
  uint64_t total = 0;
  int64_t index = 0;
  for (int i = 0; i < in.index_deltas_size(); ++i) {
    if (i > 0 && in.index_deltas(i) == 0) {
      return absl::InvalidArgumentError(absl::StrFormat("index_deltas[%d]: got 0, want more", i));
    }
    index += in.index_deltas(i);
    if (index >= Histogram::kBuckets) {
      return absl::InvalidArgumentError(
          absl::StrFormat("index_deltas[%d]: got bucket %d, want less than %d", i, index,
                          Histogram::kBuckets));
    }
    const uint64_t count = in.bucket_counts(i);
    if (count == 0 || count > kLargestCount - total) {
      return absl::InvalidArgumentError(
          absl::StrFormat("bucket_counts[%d]: got %d, want 1 to 2^62 in all", i, count));
    }
    total += count;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Histogram::CheckProto(const v1::Histogram& in) {
  const int n = in.index_deltas_size();
  if (in.bucket_counts_size() != n) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "bucket_counts: got %d entries, want %d as index_deltas has", in.bucket_counts_size(), n));
  }
  // Thousands of them come each second, and hardly ever is one wrong: what and where is looked for
  // only then.
  const uint32_t* const deltas = in.index_deltas().data();
  const uint64_t* const counts = in.bucket_counts().data();
  uint64_t total = 0;
  int64_t index = 0;
  int repeated = n > 0 && deltas[0] == 0 ? -1 : 0;  // the first is the difference to 0
  bool wrong = false;
  for (int i = 0; i < n; ++i) {
    index += deltas[i];
    repeated += deltas[i] == 0;
    total += counts[i];
    // A sum beyond 2^62 is above it after one of the additions: none goes further than 2^63.
    wrong |= counts[i] == 0 || counts[i] > kLargestCount || total > kLargestCount;
  }
  if (wrong || repeated > 0 || index >= kBuckets) return BucketError(in);
  if (in.count() < 0 || static_cast<uint64_t>(in.count()) != total) {
    return absl::InvalidArgumentError(
        absl::StrFormat("count: got %d, want %d, the sum of bucket_counts", in.count(), total));
  }
  if (total == 0) {
    if (in.sum_ns() != 0 || in.min_ns() != 0 || in.max_ns() != 0) {
      return absl::InvalidArgumentError("sum_ns, min_ns, max_ns: want 0 in an empty histogram");
    }
    return absl::OkStatus();
  }
  if (in.min_ns() < 0 || in.max_ns() < in.min_ns() || IndexOf(in.max_ns()) != index ||
      IndexOf(in.min_ns()) != static_cast<int64_t>(in.index_deltas(0))) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "min_ns, max_ns: got %d and %d, want values of the first and the last bucket", in.min_ns(),
        in.max_ns()));
  }
  const double n_values = static_cast<double>(total);
  const double sum = static_cast<double>(in.sum_ns());
  // 1e-9: doubles of this size are not exact.
  if (sum < n_values * static_cast<double>(in.min_ns()) * (1 - 1e-9) ||
      sum > n_values * static_cast<double>(in.max_ns()) * (1 + 1e-9)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "sum_ns: got %d, want between count * min_ns and count * max_ns", in.sum_ns()));
  }
  return absl::OkStatus();
}

absl::Status Histogram::MergeProto(const v1::Histogram& in) {
  RETURN_IF_ERROR(CheckProto(in));
  if (in.count() == 0) return absl::OkStatus();
  if (in.count() > std::numeric_limits<int64_t>::max() - count_ ||
      in.sum_ns() > std::numeric_limits<int64_t>::max() - sum_) {
    return absl::InvalidArgumentError("count, sum_ns: the merged sum does not fit into 63 bits");
  }
  MergeCheckedProto(in);
  return absl::OkStatus();
}

void Histogram::MergeCheckedProto(const v1::Histogram& in) {
  if (in.count() == 0) return;
  const uint32_t* const deltas = in.index_deltas().data();
  const uint64_t* const counts = in.bucket_counts().data();
  const int n = in.index_deltas_size();
  if (packed_) {
    packed_->Add(deltas, counts, static_cast<size_t>(n));
  } else {
    // CheckProto has seen that the outer buckets are those of min and max.
    Cover(IndexOf(in.min_ns()), IndexOf(in.max_ns()));
    size_t at = 0;  // wraps below first_ until the first delta is added
    at -= static_cast<size_t>(first_);
    uint64_t* const buckets = buckets_.data();
    for (int i = 0; i < n; ++i) {
      at += deltas[i];
      buckets[at] += counts[i];
    }
  }
  count_ += in.count();
  sum_ += in.sum_ns();
  min_ = std::min(min_, in.min_ns());
  max_ = std::max(max_, in.max_ns());
}

v1::LatencySummary Histogram::Summary() const {
  v1::LatencySummary out;
  out.set_count(count_);
  out.set_min_ns(min());
  out.set_mean_ns(mean());
  const auto [p50, p90, p95, p99, p999, p9999] =
      Percentiles(std::array{0.50, 0.90, 0.95, 0.99, 0.999, 0.9999});
  out.set_p50_ns(p50);
  out.set_p90_ns(p90);
  out.set_p95_ns(p95);
  out.set_p99_ns(p99);
  out.set_p999_ns(p999);
  out.set_p9999_ns(p9999);
  out.set_max_ns(max());
  return out;
}

}  // namespace loadtest
