#include "driver/core/share_checks.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

// Far beyond every fleet and every test, and small enough for all arithmetic on schedules.
constexpr size_t kMostShares = 1'000;
constexpr int64_t kLargestStride = 1'000'000;
constexpr int64_t kLongestOffsetNs = int64_t{1} << 50;  // 13 days

absl::Status Wrong(size_t i, const char* field, int64_t value, const char* wanted) {
  return absl::InvalidArgumentError(
      absl::StrFormat("shares[%d].%s: got %d, want %s", i, field, value, wanted));
}

bool IsWithin(const v1::Share& share, int64_t offset_ns) {
  return share.from_offset_ns() <= offset_ns &&
         (share.until_offset_ns() == 0 || offset_ns < share.until_offset_ns());
}

}  // namespace

absl::Status CheckShares(const v1::LoadTestSpec& spec, const std::vector<v1::Share>& shares) {
  // Else `first` is not an index, but at most the name of a process.
  const bool has_indices =
      (spec.has_rate() || spec.has_stages()) && spec.arrivals() != v1::LoadTestSpec::POISSON;
  if (shares.size() > kMostShares) {
    return absl::InvalidArgumentError(
        absl::StrFormat("shares: got %d, want at most %d", shares.size(), kMostShares));
  }
  for (size_t i = 0; i < shares.size(); ++i) {
    const v1::Share& share = shares[i];
    if (share.stride() < 1 || share.stride() > kLargestStride) {
      return Wrong(i, "stride", share.stride(), "1 to 1000000");
    }
    if (share.first() < 0 || (has_indices && share.first() >= share.stride())) {
      return Wrong(i, "first", share.first(), "0 to stride - 1");
    }
    if (share.from_offset_ns() < 0 || share.from_offset_ns() > kLongestOffsetNs) {
      return Wrong(i, "from_offset_ns", share.from_offset_ns(), "0 to 2^50");
    }
    if (share.until_offset_ns() < 0 || share.until_offset_ns() > kLongestOffsetNs) {
      return Wrong(i, "until_offset_ns", share.until_offset_ns(), "0 to 2^50");
    }
  }
  return absl::OkStatus();
}

double LargestPart(const std::vector<v1::Share>& shares) {
  double largest = 0;
  // It can only grow where one begins.
  for (const v1::Share& beginning : shares) {
    double part = 0;
    for (const v1::Share& share : shares) {
      if (IsWithin(share, beginning.from_offset_ns()))
        part += 1.0 / static_cast<double>(share.stride());
    }
    largest = std::max(largest, part);
  }
  return largest;
}

}  // namespace loadtest
